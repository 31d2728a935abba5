// What a comparison found, as one HTML page that needs nothing else.
#pragma once

#include <tare/apps/compare/comparison.h>
#include <tare/apps/compare/plots.h>

#include <nlohmann/json_fwd.hpp>

namespace tare {

/// Empty where there is nothing to plot or nothing to plot with.
struct PlotSections {
  bool drawn = false;
  std::vector<Plot> curves, over_axis, inputs, bias, measured, layers;
};

/// `summary` is what summary.json holds. The plots stand in the page itself, for paper and where scripts are off;
/// elsewhere it draws the curves itself (page/report.js).
std::string report_html(const Comparison& comparison, const nlohmann::ordered_json& summary, const PlotSections& plots);

}  // namespace tare
