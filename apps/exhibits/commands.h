// The commands cancel, gradcheck and tape. Each returns the exit code of the program, or throws: UsageError for 2,
// Error for 1.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

namespace float32 {
int run_cancel(const CancelOptions& options);
}  // namespace float32
namespace float64 {
int run_cancel(const CancelOptions& options);
int run_gradcheck(const GradcheckOptions& options);
int run_tape(const TapeOptions& options);
}  // namespace float64

}  // namespace tare
