#include <tare/apps/compare/jobs.h>

#include <tare/apps/cli/signals.h>
#include <tare/apps/train/make_model.h>
#include <tare/core/machine/file.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace tare {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

ordered_json parse_json(const fs::path& file) {
  try {
    return ordered_json::parse(read_file(file));
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not a run that tare compare has written: {}", file.string(), error.what());
  }
}

std::string file_stem(const Case& c) { return fmt::format("{}_lr{}", file_name(c.variant), c.options.lr); }

class JobPool {
 public:
  JobPool(std::vector<Job> jobs, const DataSet& data, const SharedFolder& folder, std::vector<Runs>& runs,
          Progress& progress)
      : data_(data), folder_(folder), runs_(runs), all_(std::ssize(jobs)), progress_(progress) {
    for (Job& job : jobs) {
      if (runs[job.case_index][job.seed_index]) {
        ++done_;
        continue;
      }
      steps_ += steps_of(job);
      waiting_.push_back(std::move(job));
    }
  }

  void run(int threads) {
    workers_ = static_cast<int>(std::min<Index>(threads, std::ssize(waiting_)));
    if (workers_ == 0) return;
    std::vector<std::jthread> threads_running;
    for (int i = 0, each = threads / workers_, all = workers_; i < all; ++i) {
      threads_running.emplace_back([this, each] { take_jobs(each); });
    }
    std::unique_lock lock(mutex_);
    while (workers_ > 0) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      progress_.update(fmt::format("{}/{} runs  {} now  {} left", done_, all_, working_, duration(seconds_left())));
    }
    lock.unlock();
    threads_running.clear();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  Index steps_of(const Job& job) const { return plan_training(job.request.options, data_).steps; }

  // Until nothing is left to do, here or in another process.
  void take_jobs(int threads) {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty() && !failure_ && stop_signal() == 0) {
      try {
        if (!take_job(threads, lock)) changed_.wait_for(lock, std::chrono::milliseconds(200));
      } catch (...) {
        if (!lock.owns_lock()) lock.lock();
        failure_ = std::current_exception();
      }
    }
    --workers_;
    changed_.notify_all();
  }

  // The first that no other process is doing. False if there is none: those that do them may fail yet.
  bool take_job(int threads, std::unique_lock<std::mutex>& lock) {
    for (auto i = waiting_.begin(); i != waiting_.end(); ++i) {
      const std::optional<SharedFolder::Claim> claim = folder_.claim(i->file.filename().string());
      if (!claim) continue;
      Job job = std::move(*i);
      waiting_.erase(i);
      if (std::optional<Run> run = finished_run(job)) {
        ++done_;
        steps_ -= steps_of(job);
        progress_.line("{}/{}  {}: done by another process", done_, all_, job.name);
        runs_[job.case_index][job.seed_index] = std::move(run);
        return true;
      }
      ++working_;
      lock.unlock();
      try {
        do_job(job, threads);
      } catch (...) {
        lock.lock();
        --working_;
        throw;
      }
      lock.lock();
      --working_;
      changed_.notify_all();
      return true;
    }
    return false;
  }

  void do_job(Job& job, int threads) {
    TrainOptions& options = job.request.options;
    options.threads = threads;
    Index counted = 0;
    const auto count_to = [&](Index steps) { steps_done_ += steps - std::exchange(counted, steps); };
    const auto should_stop = [&](Index steps) {
      count_to(steps);
      return stop_signal() != 0 || failed();
    };
    const bool single = options.precision == Precision::float32;
    std::optional<Run> run = single ? float32::compared_run(job.request, data_, should_stop)
                                    : float64::compared_run(job.request, data_, should_stop);
    if (!run) return;
    count_to(steps_of(job));

    const std::lock_guard lock(mutex_);
    write_file(job.file, ordered_json{{"origin", job.origin}, {"run", to_json(*run)}}.dump() + "\n");
    ++done_;
    const std::string result = run->curve.empty() ? "measured"
                               : run->diverged
                                   ? fmt::format("diverged in step {}", grouped(run->curve.back().step))
                                   : fmt::format("{:.2f} %", 100 * run->curve.back().test_accuracy.value_or(0));
    progress_.line("{}/{}  {}: {}, {}; {} left", done_, all_, job.name, result, duration(run->seconds),
                   duration(seconds_left()));
    runs_[job.case_index][job.seed_index] = std::move(run);
  }

  bool failed() {
    const std::lock_guard lock(mutex_);
    return failure_ != nullptr;
  }

  double seconds_left() const {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    const auto done = static_cast<double>(std::max<Index>(steps_done_, 1));
    return elapsed / done * (static_cast<double>(steps_) - static_cast<double>(steps_done_));
  }

  const DataSet& data_;
  const SharedFolder& folder_;
  std::vector<Runs>& runs_;
  Index done_ = 0, all_, steps_ = 0;
  std::atomic<Index> steps_done_ = 0;
  Progress& progress_;
  Clock::time_point start_ = Clock::now();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Job> waiting_;
  int workers_ = 0, working_ = 0;  // threads that are there, and that train now
  std::exception_ptr failure_;
};

}  // namespace

std::vector<Job> jobs_of(const CompareOptions& options, const std::string& data_digest) {
  std::vector<Job> jobs;
  const Part part = options.part.value_or(Part{});
  Index place = 0;
  for (std::uint64_t seed = 0; seed < static_cast<std::uint64_t>(options.seeds);
       ++seed) {  // an interrupted comparison has all cases
    for (std::size_t i = 0; i < options.cases.size(); ++i) {
      if (place++ % part.of != part.number - 1) continue;
      const Case& c = options.cases[i];
      const std::uint64_t number = c.options.seed + seed;
      Job& job = jobs.emplace_back(Job{.case_index = i,
                                       .seed_index = seed,
                                       .name = run_name(c, number),
                                       .request = {c.options, c.settings, options.measure, options.layers},
                                       .origin = origin(options, c, number, data_digest),
                                       .file = {}});
      job.request.options.seed = number;
      job.file = fs::path(options.out) / "runs" / fmt::format("{}_seed{}.json", file_stem(c), number);
    }
  }
  return jobs;
}

ordered_json plan_of(const CompareOptions& options, const std::string& data_digest) {
  ordered_json plan{{"seed", options.base.seed}, {"seeds", options.seeds}, {"cases", ordered_json::array()}};
  for (const Case& c : options.cases) {
    ordered_json of_all_seeds = origin(options, c, 0, data_digest);
    of_all_seeds.erase("--seed");
    plan["cases"].push_back({{"name", file_stem(c)}, {"origin", of_all_seeds}});
  }
  return plan;
}

std::optional<Run> finished_run(const Job& job) {
  std::error_code error;
  if (!fs::exists(job.file, error)) return std::nullopt;
  const ordered_json json = parse_json(job.file);
  const std::string name = job.file.string();
  if (!json.is_object() || !json.contains("origin") || !json.contains("run")) {
    throw Error("{}: not a run that tare compare has written", name);
  }
  check_origin(job.origin, json["origin"], name);
  return run_from_json(json["run"], name);
}

void do_jobs(std::vector<Job> jobs, int threads, const DataSet& data, const SharedFolder& folder,
             std::vector<Runs>& runs, Progress& progress) {
  JobPool(std::move(jobs), data, folder, runs, progress).run(threads);
}

}  // namespace tare
