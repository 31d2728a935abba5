// One run of a comparison.
#pragma once

#include <tare/apps/compare/comparison.h>

#include <functional>

namespace tare {

/// Asked before every step, with the number of steps made so far; true ends the run.
using StopHook = std::function<bool(Index)>;

/// A case and a seed.
struct RunRequest {
  TrainOptions options;
  Settings settings = {};
  Measure measure = Measure::nothing;
  bool layers = false;
};

namespace float32 {
/// Nothing if it was stopped.
std::optional<Run> compared_run(const RunRequest& request, const DataSet& data, const StopHook& should_stop);
}  // namespace float32
namespace float64 {
std::optional<Run> compared_run(const RunRequest& request, const DataSet& data, const StopHook& should_stop);
}  // namespace float64

}  // namespace tare
