// The commands train and bench. Each returns the exit code of the program, or throws: UsageError for 2, Error for 1.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

namespace float32 {
int run_train(const TrainOptions& options);
int run_bench(const BenchOptions& options);
}  // namespace float32
namespace float64 {
int run_train(const TrainOptions& options);
}  // namespace float64

}  // namespace tare
