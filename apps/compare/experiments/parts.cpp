// What of BatchNorm it is that allows large learning rates.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <algorithm>

namespace tare {
namespace {

constexpr const char *kNone = "no BatchNorm", *kAll = "BatchNorm", *kMean = "mean only", *kVariance = "variance only",
                     *kNoAffine = "no gamma and beta", *kAfter = "after the activation";
constexpr double kTrains = 0.95;  // the test accuracy from which a run counts as one that trains

// The largest learning rate at which all seeds train.
std::optional<double> largest_rate(const Comparison& comparison, const std::string& variant) {
  std::optional<double> largest;
  for (const Case& c : comparison.options.cases) {
    if (c.variant != variant) continue;
    const std::vector<const Run*> runs = finished_runs(comparison, variant, c.options.lr);
    const bool trains = !runs.empty() && std::ranges::min(accuracies(runs)) >= kTrains;
    if (trains) largest = std::max(largest.value_or(0), c.options.lr);
  }
  return largest;
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const auto ratio = [&](const char* claim, const char* source, const char* a, const char* b, double predicted,
                         double low, double high) {
    const auto rate_a = largest_rate(comparison, a), rate_b = largest_rate(comparison, b);
    if (rate_a && rate_b) add_claim(all, claim, source, predicted, *rate_a / *rate_b, low, high);
  };
  // Rates are a factor of 2 apart, so that two that are the same may be measured as 1/2 to 2.
  // In the paper 30 times the rate trains with BatchNorm, and 5 times diverges without: a factor of more than 6.
  ratio("largest learning rate that trains to 95 %, BatchNorm over none", "Ioffe, Szegedy 2015, section 4.2.2", kAll,
        kNone, 30, 6, kNoEnd);
  ratio("the same, mean only over none: the mean alone does not do it", "Bjorck et al. 2018, arXiv 1806.02375", kMean,
        kNone, 1, 0.5, 2);
  ratio("the same, no gamma and beta over all of BatchNorm: they are not needed for it",
        "Ioffe, Szegedy 2015, section 3", kNoAffine, kAll, 1, 0.5, 2);
  ratio("the same, after the activation over before", "Zhang et al., Dive into Deep Learning, section 8.5", kAfter,
        kAll, 1, 0.5, 2);
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{
      .name = "rates",
      .caption = "Test accuracy over learning rates, 0 where training diverged: median and range over the seeds.",
      .x_label = "learning rate",
      .y_label = "test accuracy (%)",
      .log_x = true};
  for (const char* variant : {kNone, kAll, kMean, kVariance, kNoAffine, kAfter}) {
    plot.lines.push_back(accuracy_line(comparison, variant));
  }
  return {plot};
}

}  // namespace

Experiment parts_experiment() {
  return {.title = "The parts of BatchNorm",
          .about =
              "BatchNorm with parts of it left out, and behind the activation instead of before it, over learning "
              "rates from harmless to absurd.",
          .words = "--epochs 2 --hidden 100,100,100",
          .variants = {{.name = kNone, .words = "--norm none"},
                       {.name = kAll, .words = ""},
                       {.name = kMean, .words = "--bn-parts mean,affine"},
                       {.name = kVariance, .words = "--bn-parts variance,affine"},
                       {.name = kNoAffine, .words = "--bn-parts mean,variance"},
                       {.name = kAfter, .words = "--norm-place after"}},
          .lrs = {0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4},
          .seeds = 3,
          .eval_every = 100,
          .claims = claims,
          .plots = plots};
}

}  // namespace tare
