// tare compare: trains variants side by side, over learning rates and seeds, and shows what came of it.
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/gnuplot.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/compare/commands.h>
#include <tare/apps/compare/compared_run.h>
#include <tare/apps/compare/comparison.h>
#include <tare/apps/compare/experiments/experiments.h>
#include <tare/apps/compare/plots.h>
#include <tare/apps/compare/report.h>
#include <tare/apps/train/make_model.h>
#include <tare/apps/train/run_description.h>
#include <tare/core/machine/file.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace tare {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct Job {
  std::size_t case_index, seed_index;
  std::string name;  // for people
  RunRequest request;
  ordered_json origin;
  fs::path file;
};

ordered_json parse_json(const fs::path& file) {
  try {
    return ordered_json::parse(read_file(file));
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not a run that tare compare has written: {}", file.string(), error.what());
  }
}

// The run in the job's file, if there is one. Error if it is one of other options or data: it would be overwritten.
std::optional<Run> finished_run(const Job& job) {
  std::error_code error;
  if (!fs::exists(job.file, error)) return std::nullopt;
  const ordered_json json = parse_json(job.file);
  const std::string name = job.file.string();
  if (!json.is_object() || !json.contains("origin") || !json.contains("run") || !json["origin"].is_object()) {
    throw Error("{}: not a run that tare compare has written", name);
  }
  const ordered_json& there = json["origin"];
  for (const ordered_json* one : {&job.origin, &there}) {
    for (const auto& [key, value] : one->items()) {
      const ordered_json wanted = job.origin.value(key, ordered_json("nothing")),
                         found = there.value(key, ordered_json("nothing"));
      if (wanted == found) continue;
      throw Error("--out: {} is of another comparison: expected {} {}, found {}; choose another folder", name, key,
                  wanted.dump(), found.dump());
    }
  }
  return run_from_json(json["run"], name);
}

// Does the jobs, several at a time, and keeps each run in its file as soon as it is finished.
class JobPool {
 public:
  JobPool(std::vector<Job> jobs, const DataSet& data, std::vector<Runs>& runs, Index done, Progress& progress)
      : jobs_(std::move(jobs)),
        data_(data),
        runs_(runs),
        done_(done),
        all_(done + std::ssize(jobs_)),
        progress_(progress) {
    for (const Job& job : jobs_) steps_ += plan_training(job.request.options, data).steps;
  }

  void run(int threads) {
    const int workers = static_cast<int>(std::min<Index>(threads, std::ssize(jobs_)));
    if (workers == 0) return;
    std::vector<std::jthread> threads_running;
    for (int i = 0; i < workers; ++i)
      threads_running.emplace_back([this, each = threads / workers] { take_jobs(each); });
    std::unique_lock lock(mutex_);
    while (working_ > 0 || next_ < jobs_.size()) {
      if (working_ == 0 && (failure_ || stop_signal() != 0)) break;
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      progress_.update(fmt::format("{}/{} runs  {} now  {} left", done_, all_, working_, duration(seconds_left())));
    }
    lock.unlock();
    threads_running.clear();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void take_jobs(int threads) {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (next_ == jobs_.size() || failure_ || stop_signal() != 0) return;
      Job& job = jobs_[next_++];
      ++working_;
      lock.unlock();
      std::exception_ptr failure;
      try {
        do_job(job, threads);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      --working_;
      if (failure) failure_ = failure;
      changed_.notify_all();
    }
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
    count_to(plan_training(options, data_).steps);

    const std::lock_guard lock(mutex_);
    write_file(job.file, ordered_json{{"origin", job.origin}, {"run", to_json(*run)}}.dump() + "\n");
    ++done_;
    const std::string result =
        run->curve.empty() ? "measured"
        : run->diverged    ? fmt::format("diverged in step {}", grouped(run->curve.back().step))
                           : fmt::format("test accuracy {:.2f} %", 100 * run->curve.back().test_accuracy.value_or(0));
    progress_.line("{}/{}  {}: {}; {}, {} left", done_, all_, job.name, result, duration(run->seconds),
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

  std::vector<Job> jobs_;
  const DataSet& data_;
  std::vector<Runs>& runs_;
  Index done_, all_, steps_ = 0;
  std::atomic<Index> steps_done_ = 0;
  Progress& progress_;
  Clock::time_point start_ = Clock::now();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;
  int working_ = 0;
  std::exception_ptr failure_;
};

int terminal_columns() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 100;
  return std::clamp<int>(size.ws_col, 60, 120);
}

// In lines of at most `columns` characters.
std::string wrapped(const std::string& text, int columns) {
  std::string result;
  std::istringstream words(text);
  std::ptrdiff_t column = 0;
  for (std::string word; words >> word; column += std::ssize(word)) {
    if (column > 0) {
      const bool fits = column + 1 + std::ssize(word) <= columns;
      result += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    result += word;
  }
  return result;
}

std::string steps_and_seconds(const CaseSummary& s, std::size_t threshold) {
  const Spread &steps = s.steps_to[threshold], &seconds = s.seconds_to[threshold];
  if (steps.count == 0) return "-";
  std::string text = fmt::format("{} ({:.1f} s)", grouped(static_cast<std::int64_t>(steps.median)), seconds.median);
  if (steps.count < s.finished) text += fmt::format(" {}/{}", steps.count, s.finished);
  return text;
}

void print_table(const CompareOptions& options, std::span<const Runs> runs) {
  std::size_t widest = 7;
  for (const Case& c : options.cases) widest = std::max(widest, c.variant.size());
  fmt::print("{:{}}  {:>6}  {:>16}  {:>8}  {:>16}  {:>16}  {:>16}  {:>10}\n", "variant", widest, "lr", "test accuracy",
             "training", "95 % at step", "97 %", "98 %", "parameters");
  for (std::size_t i = 0; i < options.cases.size(); ++i) {
    const CaseSummary s = summarize(runs[i]);
    if (s.finished == 0) continue;
    const Spread& a = s.test_accuracy;
    const bool some = a.count > 0;
    fmt::print("{:{}}  {:>6}  {:>16}  {:>8}  {:>16}  {:>16}  {:>16}  {:>10}{}\n", options.cases[i].variant, widest,
               options.cases[i].options.lr,
               some ? fmt::format("{:.2f} +- {:.2f} %", 100 * a.mean, 100 * a.deviation) : "-",
               some ? fmt::format("{:.2f} %", 100 * s.train_accuracy.mean) : "-", steps_and_seconds(s, 0),
               steps_and_seconds(s, 1), steps_and_seconds(s, 2), grouped(s.parameters),
               s.diverged > 0 ? fmt::format("  {} of {} diverged", s.diverged, s.finished) : "");
  }
}

void print_summary(const Comparison& comparison, std::span<const Claim> claims) {
  const CompareOptions& options = comparison.options;
  const int columns = terminal_columns();
  for (const Claim& claim : claims) fmt::print("{}\n", wrapped(sentence(claim), columns));
  if (!comparison.has_curves()) return;
  if (!claims.empty()) fmt::print("\n");
  if (can_plot()) {
    const std::vector<std::string> panels = panels_of(options.cases);
    for (std::size_t i = 0; i < std::min<std::size_t>(panels.size(), 3); ++i) {
      fmt::print("{}\n", text_curves(comparison, panels[i], columns));
    }
  }
  print_table(options, comparison.runs);
  for (const BiasEvidence& e : bias_evidence(options.cases, comparison.runs)) {
    fmt::print("\n{}\n", wrapped(bias_sentence(options.cases, e), columns));
  }
  fmt::print("\n{}\n", wrapped(kReading, columns));
}

// The experiment's own plots that show something.
std::vector<Plot> drawn(const std::vector<LinePlot>& plots) {
  std::vector<Plot> all;
  for (const LinePlot& plot : plots) {
    if (std::optional<Plot> one = draw(plot)) all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace

int run_compare(const CompareOptions& options) {
  watch_signals();
  Progress progress(options.base.quiet);
  const fs::path data_folder = find_data(options.base.data), out = options.out;
  std::error_code error;
  fs::create_directories(out / "runs", error);
  if (error) throw Error("--out: {}: cannot be created: {}", (out / "runs").string(), error.message());
  for (const char* file : {"curves.csv", "summary.json", "report.html", "runs/check"}) check_writable(out / file);
  const DataSet data = load_data(data_folder);
  for (const Case& c : options.cases) plan_training(c.options, data);

  const std::string digest = digest_of(data);
  std::vector<Runs> runs(options.cases.size(), Runs(static_cast<std::size_t>(options.seeds)));
  std::vector<Job> jobs;
  Index found = 0;
  for (std::size_t seed = 0; seed < runs[0].size(); ++seed) {  // outermost: an interrupted comparison has all cases
    for (std::size_t i = 0; i < options.cases.size(); ++i) {
      const Case& c = options.cases[i];
      Job job{.case_index = i,
              .seed_index = seed,
              .name = {},
              .request = {c.options, c.settings, options.measure, options.layers},
              .origin = {},
              .file = {}};
      const std::uint64_t number = job.request.options.seed += seed;
      job.name = fmt::format("{}, learning rate {}, seed {}", c.variant, c.options.lr, number);
      job.origin = origin(options, c, number, digest);
      job.file = out / "runs" / fmt::format("{}_lr{}_seed{}.json", file_name(c.variant), c.options.lr, number);
      std::optional<Run>& run = runs[i][seed];
      run = finished_run(job);
      if (run) {
        ++found;
      } else {
        jobs.push_back(std::move(job));
      }
    }
  }
  progress.line("Data: {}, {} training and {} test images", data_folder.string(), grouped(data.train.count),
                grouped(data.test.count));
  progress.line("{} runs: {} variants and learning rates from {} seeds{}", options.cases.size() * runs[0].size(),
                options.cases.size(), options.seeds, found > 0 ? fmt::format("; {} are done already", found) : "");

  JobPool pool(std::move(jobs), data, runs, found, progress);
  pool.run(options.base.threads);
  progress.clear();

  const Comparison comparison{options, runs, data.test.count};
  write_file(out / "curves.csv", curves_csv(comparison));
  if (options.layers) write_file(out / "layers.csv", layers_csv(comparison));
  if (options.measure != Measure::nothing) write_file(out / "measured.csv", measured_csv(comparison));
  const Experiment experiment =
      options.experiment.empty() ? Experiment{} : experiment_named(options.experiment, "--experiment");
  const std::vector<Claim> claims = experiment.claims != nullptr ? experiment.claims(comparison) : std::vector<Claim>{};
  const ordered_json summary = summary_json(comparison, claims);
  write_file(out / "summary.json", summary.dump(1) + "\n");
  PlotSections plots;
  if (can_plot()) {
    plots = {.drawn = true,
             .curves = plot_curves(comparison),
             .over_axis = plot_over_axis(comparison),
             .inputs = plot_inputs(comparison),
             .bias = plot_bias(comparison),
             .measured = experiment.plots != nullptr ? drawn(experiment.plots(comparison)) : std::vector<Plot>{},
             .layers = plot_layers(comparison)};
    for (const auto* section :
         {&plots.curves, &plots.over_axis, &plots.inputs, &plots.bias, &plots.measured, &plots.layers}) {
      for (const Plot& plot : *section) write_file(out / (plot.name + ".svg"), plot.svg);
    }
  }
  write_file(out / "report.html", report_html(comparison, claims, plots));
  if (options.base.json) {
    fmt::print("{}\n", summary.dump());
  } else {
    print_summary(comparison, claims);
  }
  if (!can_plot()) {
    progress.line(
        "gnuplot is missing: there are no plots. On Debian: apt-get install gnuplot-nox, then the same command again");
  }
  progress.line("Written: {}", (out / "report.html").string());
  if (stop_signal() != 0) {
    progress.line("Stopped by signal {}; the same command goes on where this one stopped", stop_signal());
    return 128 + stop_signal();
  }
  return 0;
}

}  // namespace tare
