// What a comparison would do, and about how long that would take.
#pragma once

#include <tare/apps/compare/jobs.h>

namespace tare {

/// Trains a few steps of every kind of network to time them. Writes no file. `data_name` is what JSON calls the data.
void print_plan(const CompareOptions& options, std::span<const Job> jobs, std::span<const Runs> runs,
                const DataSet& data, const std::string& data_name);

}  // namespace tare
