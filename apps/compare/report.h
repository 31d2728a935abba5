// What a comparison found, as JSON and as one HTML page that needs nothing else.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/plots.h>

namespace tare {

/// How to read the numbers.
extern const char* const kReading;

/// "Learning rate 0.1: with and without the bias the mean curves differ by at most ...".
std::string bias_sentence(std::span<const Case> cases, const BiasEvidence& evidence);

/// Seconds are measured; everything else follows from the options and the data.
nlohmann::ordered_json summary_json(const Comparison& comparison, std::span<const Claim> claims);

/// Empty where there is nothing to plot or nothing to plot with.
struct PlotSections {
  bool drawn = false;
  std::vector<Plot> curves, over_axis, inputs, bias, measured, layers;
};

/// The plots stand in the page itself.
std::string report_html(const Comparison& comparison, std::span<const Claim> claims, const PlotSections& plots);

}  // namespace tare
