// The commands eval, predict and fold. Each returns the exit code of the program, or throws: UsageError for 2, Error
// for 1.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {
struct Safetensors;

namespace float32 {
int run_eval(const EvalOptions& options);
int run_predict(const PredictOptions& options);
int run_fold(const FoldOptions& options, const Safetensors& contents);
}  // namespace float32
namespace float64 {
int run_eval(const EvalOptions& options);
int run_predict(const PredictOptions& options);
int run_fold(const FoldOptions& options, const Safetensors& contents);
}  // namespace float64

}  // namespace tare
