// The subcommands. Each returns the exit code of the program, or throws: UsageError for 2, Error for 1.
#pragma once

#include "apps/cli/options.h"

#include <functional>

namespace tare {
struct DataSet;
struct Run;
struct Safetensors;

/// Asked before every step, with the number of steps made so far; true ends the run.
using StopHook = std::function<bool(Index)>;

namespace float32 {
int run_train(const TrainOptions& options);
int run_eval(const EvalOptions& options);
int run_predict(const PredictOptions& options);
int run_cancel(const CancelOptions& options);
int run_fold(const FoldOptions& options, const Safetensors& contents);
std::optional<Run> compared_run(const TrainOptions& options, const DataSet& data, const StopHook& should_stop);
int run_bench(const BenchOptions& options);
}  // namespace float32

namespace float64 {
int run_train(const TrainOptions& options);
int run_eval(const EvalOptions& options);
int run_predict(const PredictOptions& options);
int run_cancel(const CancelOptions& options);
int run_fold(const FoldOptions& options, const Safetensors& contents);
std::optional<Run> compared_run(const TrainOptions& options, const DataSet& data, const StopHook& should_stop);
int run_gradcheck(const GradcheckOptions& options);
int run_tape(const TapeOptions& options);
}  // namespace float64

int run_compare(const CompareOptions& options);
int run_data_make(const DataMakeOptions& options);
int run_data_show(const DataShowOptions& options);

/// Parses the command line and runs the subcommand it names.
int run_command_line(int argc, char** argv);

/// From now on the first SIGINT or SIGTERM is only noted; the next ends the program at once. For commands that stop in order.
void watch_signals();
/// The signal that was noted, or 0.
int stop_signal();
}  // namespace tare
