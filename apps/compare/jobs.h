// The runs of a comparison: which there are, which are done, and doing the others, several at a time.
#pragma once

#include <tare/apps/cli/progress.h>
#include <tare/apps/compare/compared_run.h>
#include <tare/apps/compare/shared_folder.h>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace tare {

struct Job {
  std::size_t case_index, seed_index;
  std::string name;  // for people
  RunRequest request;
  nlohmann::ordered_json origin;
  std::filesystem::path file;
};

/// Of the whole comparison or of its part, every seed's behind those of the seeds before it.
std::vector<Job> jobs_of(const CompareOptions& options, const std::string& data_digest);

/// What is compared, as a SharedFolder takes it.
nlohmann::ordered_json plan_of(const CompareOptions& options, const std::string& data_digest);

/// The run in the job's file, if there is one. Error if it is one of other options or data: it would be overwritten.
std::optional<Run> finished_run(const Job& job);

/// Does the jobs that are not finished, unless another process does them, and keeps each run in its file as soon as it
/// is finished. Returns when all are there or a signal has come.
void do_jobs(std::vector<Job> jobs, int threads, const DataSet& data, const SharedFolder& folder,
             std::vector<Runs>& runs, Progress& progress);

}  // namespace tare
