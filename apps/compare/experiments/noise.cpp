// BatchNorm with noise behind it, which moves the distributions that BatchNorm is said to hold still.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

namespace tare {
namespace {

constexpr const char* kSanturkar = "Santurkar et al. 2018, arXiv 1805.11604, figure 2";

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const auto shift = [&](const char* variant) { return measured(comparison, variant, "shift"); };
  const auto none = shift("no BatchNorm"), noisy = shift("BatchNorm + noise");
  if (!none.empty() && !noisy.empty()) {
    add_claim(all, "shift of the inputs of activations, with BatchNorm and noise over without BatchNorm, is above 1",
              kSanturkar, 1, median_of_all(noisy) / median_of_all(none), 1, kNoEnd);
  }
  const auto reached = [&](const char* variant) -> std::optional<double> {
    std::vector<double> steps;
    for (const Run* run : finished_runs(comparison, variant)) {
      if (const CurvePoint* point = run->reached(0.95)) steps.push_back(static_cast<double>(point->step));
    }
    return steps.empty() ? std::nullopt : std::optional(median(steps));
  };
  const auto without = median_accuracy(comparison, "no BatchNorm"), batch = median_accuracy(comparison, "BatchNorm"),
             with = median_accuracy(comparison, "BatchNorm + noise");
  if (batch && with) {
    add_claim(all, "final test accuracy, BatchNorm with noise minus BatchNorm, in percentage points", kSanturkar, 0,
              *with - *batch, -0.5, 0.5);
  }
  if (without && with) {
    add_claim(all, "final test accuracy, BatchNorm with noise minus none, in percentage points, is above 0", kSanturkar,
              0, *with - *without, kLeastPoints, 100);
  }
  const auto a = reached("BatchNorm + noise"), b = reached("no BatchNorm");
  if (a && b) {
    add_claim(all, "steps to 95 %, with BatchNorm and noise over without BatchNorm, is below 1", kSanturkar, 1, *a / *b,
              0, 1);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{.name = "shift",
                .caption =
                    "How far the means of the inputs of activations move from a step to the next, in deviations, "
                    "root mean square over the units: median and range over the seeds.",
                .x_label = "step",
                .y_label = "shift (deviations)",
                .log_y = true};
  for (const Case& c : comparison.options.cases) {
    const auto lists = measured(comparison, c.variant, "shift");
    if (!lists.empty()) plot.lines.push_back(line_over_steps(c.variant, lists, 20));
  }
  return {plot};
}

}  // namespace

Experiment noise_experiment() {
  return {
      .title = "BatchNorm with noise behind it",
      .about =
          "Without BatchNorm, with it, and with noise behind it whose mean and deviation are drawn anew in every step.",
      .words = "",
      .variants = {{.name = "no BatchNorm", .words = "--norm none"},
                   {.name = "BatchNorm", .words = "--norm batch"},
                   {.name = "BatchNorm + noise", .words = "--norm batch", .settings = {{"noise", 1}}}},
      .lrs = {0.1},
      .seeds = 3,
      .eval_every = 50,
      .measure = Measure::shift,
      .claims = claims,
      .plots = plots};
}

}  // namespace tare
