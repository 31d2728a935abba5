// Downloading MNIST: every file is verified before any takes its name, and whatever happens, nothing half-written
// stays behind. libcurl transfers, so that the usual variables (https_proxy, no_proxy, ...) name a proxy.
#pragma once

#include <string>

namespace tare {

struct FetchOptions {
  std::string set;  // mnist
  std::string folder = "data/mnist";
  std::string mirror;  // a URL; empty: those that are known
  int timeout = 20;    // seconds without any data, until a mirror is given up
  bool quiet = false;
};

/// Fetches the four files, or those of them that are not there yet, and returns the exit code. Error, naming the file
/// and what every mirror has answered, if no mirror has one of them.
int run_fetch(const FetchOptions& options);

}  // namespace tare
