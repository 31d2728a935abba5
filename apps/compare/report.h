// What a comparison found, as one HTML page that needs nothing else.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/plots.h>
#include <tare/apps/compare/summary.h>

namespace tare {

/// Empty where there is nothing to plot or nothing to plot with.
struct PlotSections {
  bool drawn = false;
  std::vector<Plot> curves, over_axis, inputs, bias, measured, layers;
};

/// The plots stand in the page itself.
std::string report_html(const Comparison& comparison, std::span<const Claim> claims, const PlotSections& plots);

}  // namespace tare
