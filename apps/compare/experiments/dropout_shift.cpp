// Dropout before BatchNorm: evaluation meets a smaller variance than the one that training remembered.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <numbers>

namespace tare {
namespace {

constexpr const char* kLi = "Li et al. 2018, arXiv 1801.05134, section 3";
constexpr double kProbabilities[] = {0.1, 0.3, 0.5, 0.7};

std::string variant(double p) { return fmt::format("dropout {}", p); }

// Of evaluation's variance and training's at a BatchNorm behind dropout, ReLU and another BatchNorm, at the start: a
// unit x = relu(z) of a standard normal z has E x^2 = 1/2 and the variance 1/2 - 1/(2 pi), and the masks add
// p / (1 - p) E x^2 to it.
double ratio_at_start(double p) {
  const double variance = 0.5 - 0.5 / std::numbers::pi;
  return variance / (variance + 0.5 * p / (1 - p));
}

// The median over the seeds of one measurement by another.
std::optional<double> ratio(const Comparison& comparison, double p, const std::string& a, const std::string& b) {
  const auto above = measured(comparison, variant(p), a), below = measured(comparison, variant(p), b);
  if (above.empty() || above.size() != below.size()) return std::nullopt;
  std::vector<double> ratios;
  for (std::size_t run = 0; run < above.size(); ++run) ratios.push_back(above[run][0] / below[run][0]);
  return median(std::move(ratios));
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  for (const double p : kProbabilities) {
    const double predicted = ratio_at_start(p);
    add_claim(all, fmt::format("variance in evaluation over that in training, at the start, dropout {}", p), kLi,
              predicted, ratio(comparison, p, "eval at the start", "train at the start"), 0.95 * predicted,
              1.05 * predicted);
  }
  for (const double p : kProbabilities) {
    add_claim(
        all,
        fmt::format("variance in training after training, over what weights and activations predict, dropout {}", p),
        kLi, 1, ratio(comparison, p, "train at the end", "predicted at the end"), 0.95, 1.05);
  }
  for (const double p : kProbabilities) {
    std::vector<double> gains;
    const auto again = measured(comparison, variant(p), "accuracy with new statistics");
    const std::vector<const Run*> runs = finished_runs(comparison, variant(p));
    for (std::size_t i = 0; i < again.size() && again.size() == runs.size(); ++i) {
      gains.push_back(100 * (again[i][0] - runs[i]->test_accuracy().value_or(0)));
    }
    if (gains.empty()) continue;
    add_claim(all,
              fmt::format("test accuracy that new statistics, without dropout, gain, in percentage points, dropout {}, "
                          "is above 0",
                          p),
              "Li et al. 2018, section 4.2", 0, median(std::move(gains)), kLeastPoints, 100);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{
      .name = "variances",
      .caption =
          "The variance that evaluation meets divided by that of training, at the BatchNorm behind "
          "dropout: median over the seeds.",
      .x_label = "dropout",
      .y_label = "evaluation / training",
      .lines = {
          {.title = "predicted at the start"}, {.title = "measured at the start"}, {.title = "measured at the end"}}};
  for (const double p : kProbabilities) {
    plot.lines[0].points.push_back({.x = p, .y = ratio_at_start(p)});
    for (const auto& [line, when] : {std::pair(1u, "start"), {2u, "end"}}) {
      const auto measured =
          ratio(comparison, p, fmt::format("eval at the {}", when), fmt::format("train at the {}", when));
      if (measured) plot.lines[line].points.push_back({.x = p, .y = *measured});
    }
  }
  return {plot};
}

}  // namespace

Experiment dropout_shift_experiment() {
  Experiment e{.title = "Dropout before BatchNorm",
               .about =
                   "Dropout behind the first of two hidden layers is dropout before the second BatchNorm: masks add "
                   "to the variance in training, and evaluation, which has none, is normalized as if they were "
                   "there.",
               .words = "--epochs 3",
               .lrs = {0.05},
               .seeds = 3,
               .eval_every = 200,
               .axis = "dropout",
               .measure = Measure::dropout,
               .claims = claims,
               .plots = plots};
  for (const double p : kProbabilities) {
    e.variants.push_back({.name = variant(p), .words = fmt::format("--dropout {}", p), .series = "BatchNorm", .x = p});
    e.variants.push_back({.name = fmt::format("no BatchNorm {}", p),
                          .words = fmt::format("--norm none --dropout {}", p),
                          .series = "no BatchNorm",
                          .x = p});
  }
  return e;
}

}  // namespace tare
