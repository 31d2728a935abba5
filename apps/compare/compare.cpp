// tare compare: trains variants side by side, over learning rates and seeds, and shows what came of it.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/gnuplot.h>
#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/compare/commands.h>
#include <tare/apps/compare/comparison.h>
#include <tare/apps/compare/dry_run.h>
#include <tare/apps/compare/experiments/experiments.h>
#include <tare/apps/compare/jobs.h>
#include <tare/apps/compare/plots.h>
#include <tare/apps/compare/print_summary.h>
#include <tare/apps/compare/report.h>
#include <tare/apps/compare/summary.h>
#include <tare/apps/train/make_model.h>
#include <tare/apps/train/run_description.h>
#include <tare/core/machine/file.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace tare {
namespace {

namespace fs = std::filesystem;

DataFacts facts_of(const std::string& option, const fs::path& found, const DataSet& data) {
  DataFacts facts{.name = option,
                  .folder = {},
                  .digest = digest_of(data),
                  .training_samples = data.train.count,
                  .test_samples = data.test.count};
  if (is_built_in(found)) {
    facts.name = found.string();
  } else {
    facts.folder = printable(fs::canonical(found).filename().string());  // JSON is UTF-8
    if (option == "auto") facts.name = "mnist";
  }
  return facts;
}

void make_folder(const fs::path& out, bool only_runs) {
  std::error_code error;
  fs::create_directories(out / "runs", error);
  if (error) throw Error("--out: {}: cannot be created: {}", (out / "runs").string(), error.message());
  check_writable(out / "runs" / "check");
  if (only_runs) return;
  for (const char* file : {"curves.csv", "summary.json", "report.html"}) {
    check_distinct({{"--out", out / file}}, {});
    check_writable(out / file);
  }
}

std::ptrdiff_t count_finished(std::span<const Runs> runs) {
  std::ptrdiff_t count = 0;
  for (const Runs& of_case : runs) count += std::ranges::count_if(of_case, &std::optional<Run>::has_value);
  return count;
}

// The experiment's own plots that show something.
std::vector<Plot> own_plots(const std::vector<LinePlot>& plots) {
  std::vector<Plot> all;
  for (const LinePlot& plot : plots) {
    if (std::optional<Plot> one = line_plot(plot)) all.push_back(std::move(*one));
  }
  return all;
}

// The plots, each in its file. One that cannot be drawn is left out, and said.
PlotSections draw_plots(const Comparison& comparison, const Experiment& experiment, Progress& progress) {
  PlotSections plots{
      .drawn = true,
      .curves = plot_curves(comparison),
      .over_axis = plot_over_axis(comparison),
      .inputs = plot_inputs(comparison),
      .bias = plot_bias(comparison),
      .measured = experiment.plots != nullptr ? own_plots(experiment.plots(comparison)) : std::vector<Plot>{},
      .layers = plot_layers(comparison)};
  for (auto* section : {&plots.curves, &plots.over_axis, &plots.inputs, &plots.bias, &plots.measured, &plots.layers}) {
    std::erase_if(*section, [&](Plot& plot) {
      const fs::path file = fs::path(comparison.options.out) / (plot.name + ".svg");
      try {
        draw(plot);
      } catch (const Error& error) {
        progress.line("{}: not drawn: {}", file.string(), error.what());
        return true;
      }
      write_file(file, plot.svg);
      return false;
    });
  }
  return plots;
}

// Writes everything that is made of the runs, and prints what they say.
void write_results(const Comparison& comparison, Progress& progress) {
  const CompareOptions& options = comparison.options;
  const fs::path out = options.out;
  write_file(out / "curves.csv", curves_csv(comparison));
  if (options.layers) write_file(out / "layers.csv", layers_csv(comparison));
  if (options.measure != Measure::nothing) write_file(out / "measured.csv", measured_csv(comparison));
  const Experiment experiment =
      options.experiment.empty() ? Experiment{} : experiment_named(options.experiment, "--experiment");
  const std::vector<Claim> claims = experiment.claims != nullptr ? experiment.claims(comparison) : std::vector<Claim>{};
  const nlohmann::ordered_json summary = summary_json(comparison, claims);
  write_file(out / "summary.json", summary.dump(1) + "\n");
  PlotSections plots;
  if (can_plot()) {
    plots = draw_plots(comparison, experiment, progress);
  } else {
    progress.line(
        "gnuplot is missing: there are no plots. On Debian: apt-get install gnuplot-nox, then the same command again");
  }
  write_file(out / "report.html", report_html(comparison, summary, plots));
  if (options.base.json) {
    fmt::print("{}\n", summary.dump());
  } else {
    print_summary(comparison, claims);
  }
  progress.line("Written: {}", (out / "report.html").string());
}

}  // namespace

int run_compare(const CompareOptions& options) {
  watch_signals();
  Progress progress(options.base.quiet);
  const fs::path data_folder = find_data(options.base.data, options.base.test);
  const DataSet data = load_data(data_folder, {.seed = options.base.seed, .test = options.base.test});
  std::set<std::string> notices;
  for (const Case& c : options.cases) {
    for (const std::string& notice : doubts(c.options, plan_training(c.options, data))) notices.insert(notice);
  }
  const DataFacts facts = facts_of(options.base.data, data_folder, data);
  std::vector<Job> jobs = jobs_of(options, facts.digest);
  std::vector<Runs> runs(options.cases.size(), Runs(static_cast<std::size_t>(options.seeds)));
  std::optional<SharedFolder> folder;
  if (!options.dry_run) {
    make_folder(options.out, options.part.has_value());
    folder.emplace(options.out, plan_of(options, facts.digest));
  }
  Index found = 0;
  for (const Job& job : jobs) {
    std::optional<Run>& run = runs[job.case_index][job.seed_index];
    run = finished_run(job);
    found += run.has_value();
  }
  if (options.dry_run) {
    print_plan(options, jobs, runs, data, facts.name);
    return 0;
  }
  progress.line("Data: {}, {} training and {} test {}", data_folder.string(), grouped(data.train.count),
                grouped(data.test.count), data.train.is_table() ? "rows" : "images");
  if (!data.notice.empty()) progress.line("{}: {}", data_folder.string(), data.notice);
  for (const std::string& notice : notices) progress.line("{}", notice);
  const std::string part = options.part ? fmt::format("Part {} of {}: ", options.part->number, options.part->of) : "";
  progress.line("{}{} runs: {} variants and learning rates from {} seeds{}", part, jobs.size(), options.cases.size(),
                options.seeds, found > 0 ? fmt::format("; {} are done already", found) : "");
  const std::size_t wanted = jobs.size();
  do_jobs(std::move(jobs), options.base.threads, data, *folder, runs, progress);
  progress.clear();
  if (!options.part) {
    write_results({options, runs, facts}, progress);
  } else if (options.base.json) {
    fmt::print("{}\n", nlohmann::ordered_json{{"data", facts.name},
                                              {"part", options.part->number},
                                              {"of", options.part->of},
                                              {"runs_wanted", wanted},
                                              {"runs_finished", count_finished(runs)}}
                           .dump());
  } else if (stop_signal() == 0) {
    progress.line("{}these runs are in {}. The same command without --part makes what is missing, and the report", part,
                  (fs::path(options.out) / "runs").string());
  }
  if (stop_signal() != 0) {
    progress.line("Stopped by signal {}; the same command goes on where this one stopped", stop_signal());
    return 128 + stop_signal();
  }
  return 0;
}

}  // namespace tare
