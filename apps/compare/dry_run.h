// What a comparison would do, and about how long that would take.
#pragma once

#include <tare/apps/compare/jobs.h>

namespace tare {

/// Trains a few steps of every kind of network to time them. Writes no file.
void print_plan(const CompareOptions& options, std::span<const Job> jobs, std::span<const Runs> runs,
                const DataSet& data);

}  // namespace tare
