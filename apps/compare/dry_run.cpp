#include <tare/apps/compare/dry_run.h>

#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/compare/text_table.h>
#include <tare/apps/train/make_model.h>

#include <algorithm>
#include <chrono>
#include <map>

namespace tare {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

// What a run of a case takes on one thread.
struct Cost {
  double start = 0, step = 0, evaluation = 0;  // seconds
};

// Of a run that is only a few steps long: the first of them is left out, as it makes its memory, and behind the last
// one comes an evaluation.
Cost measure(const RunRequest& request, const DataSet& data) {
  constexpr Index kSteps = 6;
  RunRequest few = request;
  const TrainingPlan plan = plan_training(request.options, data);
  const Index steps = std::min(kSteps, plan.steps);
  few.options.threads = 1;
  few.options.steps = steps;
  few.options.eval_every = steps;
  std::vector<Clock::time_point> before;  // every step
  const auto note = [&](Index) {
    before.push_back(Clock::now());
    return false;
  };
  const Clock::time_point begin = Clock::now();
  const bool single = few.options.precision == Precision::float32;
  single ? float32::compared_run(few, data, note) : float64::compared_run(few, data, note);
  const Clock::time_point end = Clock::now();
  if (before.size() < 3) return {.start = seconds_between(begin, end)};
  Cost cost;
  cost.step = seconds_between(before[1], before[before.size() - 1]) / static_cast<double>(before.size() - 2);
  cost.evaluation = std::max(0.0, seconds_between(before.back(), end) - cost.step);
  cost.start = seconds_between(begin, before[0]);
  return cost;
}

double seconds_of(const Cost& cost, const TrainOptions& options, const TrainingPlan& plan) {
  const Index evaluations = plan.steps / options.eval_every.value_or(plan.steps) + plan.steps / plan.steps_per_epoch;
  return cost.start + static_cast<double>(plan.steps) * cost.step +
         static_cast<double>(std::max<Index>(evaluations, 1)) * cost.evaluation;
}

// Runs with the same text take the same time: the numbers that are left out decide nothing about it.
std::string kind_of(const RunRequest& request) {
  std::string kind;
  for (const auto& [option, text] : words(request.options)) {
    const bool counts = option != "--lr" && option != "--seed" && option != "--momentum" && option != "--init-scale";
    if (counts) kind += option + " " + text + "\n";
  }
  for (const auto& [name, value] : request.settings) kind += fmt::format("{} {}\n", name, value);
  return kind;
}

struct CasePlan {
  Index runs = 0, done = 0;
  double seconds = 0;  // of a run
};

}  // namespace

void print_plan(const CompareOptions& options, std::span<const Job> jobs, std::span<const Runs> runs,
                const DataSet& data, const std::string& data_name) {
  std::map<std::string, Cost> costs;
  std::vector<CasePlan> plans(options.cases.size());
  Index done = 0;
  double seconds = 0;
  for (const Job& job : jobs) {
    CasePlan& plan = plans[job.case_index];
    if (plan.runs++ == 0) {
      const std::string kind = kind_of(job.request);
      if (!costs.contains(kind)) costs[kind] = measure(job.request, data);
      plan.seconds = seconds_of(costs[kind], job.request.options, plan_training(job.request.options, data));
    }
    const bool is_done = runs[job.case_index][job.seed_index].has_value();
    plan.done += is_done;
    done += is_done;
    if (!is_done) seconds += plan.seconds;
  }
  const Index missing = std::ssize(jobs) - done;
  const Index at_a_time = std::max<Index>(1, std::min<Index>(options.base.threads, missing));
  seconds /= static_cast<double>(at_a_time);

  if (options.base.json) {
    nlohmann::ordered_json json{{"data", data_name}, {"runs", jobs.size()}, {"done", done}, {"seconds", seconds}};
    json["cases"] = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < plans.size(); ++i) {
      const Case& c = options.cases[i];
      json["cases"].push_back({{"variant", c.variant},
                               {"lr", c.options.lr},
                               {"steps", plan_training(c.options, data).steps},
                               {"runs", plans[i].runs},
                               {"done", plans[i].done},
                               {"seconds_of_a_run", plans[i].seconds}});
    }
    fmt::print("{}\n", json.dump());
    return;
  }
  TextColumn variant{.head = "variant"}, lr{.head = "lr", .importance = 100}, count{.head = "runs", .importance = 100},
      finished{.head = "done", .importance = 100}, steps{.head = "steps", .importance = 90},
      each{.head = "each about", .importance = 90};
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Case& c = options.cases[i];
    if (plans[i].runs == 0) continue;
    variant.cells.push_back(c.variant);
    lr.cells.push_back(fmt::format("{}", c.options.lr));
    count.cells.push_back(fmt::format("{}", plans[i].runs));
    finished.cells.push_back(fmt::format("{}", plans[i].done));
    steps.cells.push_back(grouped(plan_training(c.options, data).steps));
    each.cells.push_back(duration(plans[i].seconds));
  }
  const std::size_t columns = terminal_columns();
  fmt::print("{}\n", text_table({variant, lr, count, finished, steps, each}, columns));
  fmt::print(
      "{}\n",
      wrapped(fmt::format("{} runs, {} of them done already. The other {} take about {}, {} at a time, going by a few "
                          "steps of each kind on one thread. Nothing was written.",
                          jobs.size(), done, missing, duration(seconds), at_a_time),
              columns));
}

}  // namespace tare
