// The statistics of layers as rows of a CSV file.
#pragma once

#include <tare/core/tools/layer_statistics.h>
#include <tare/layers/sequential.h>

#include <string>
#include <vector>

namespace tare {

inline constexpr const char* kLayersHeader =
    "step,layer,description,output_mean,output_rms,gradient_rms,saturated_share,weight_norm,weight_gradient_norm,"
    "update_ratio,angle\n";

/// A layer in a step.
struct LayerRow {
  std::int64_t step;  // from 1
  std::string description;
  LayerStatistics statistics;
};

/// A line; empty where the layer does not have what the column shows.
std::string csv(const LayerRow& row);

}  // namespace tare

namespace TARE_NAMESPACE {

/// A row for every layer, with what the model says it is.
std::vector<LayerRow> layer_rows(std::int64_t step, const LayerProbe& probe, const Sequential& model);

}  // namespace TARE_NAMESPACE
