// The command compare. Each returns the exit code of the program, or throws: UsageError for 2, Error for 1.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

int run_compare(const CompareOptions& options);

}  // namespace tare
