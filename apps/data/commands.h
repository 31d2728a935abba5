// The commands data make and data show; fetch.h has the third. Each returns the exit code of the program, or throws:
// UsageError for 2, Error for 1.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

int run_data_make(const DataMakeOptions& options);
int run_data_show(const DataShowOptions& options);

}  // namespace tare
