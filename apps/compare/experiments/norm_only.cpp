// Training gamma and beta alone, in front of features that stay as they were drawn.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

constexpr const char* kFrankle = "Frankle et al. 2020, arXiv 2003.00152";
constexpr int kWidths[] = {32, 128, 512, 1024};

std::string only(int width) { return fmt::format("gamma and beta {}", width); }
std::string all_of(int width) { return fmt::format("all {}", width); }

// Of the gammas, those so small that the features behind them are as good as gone.
std::optional<double> disabled(const Comparison& comparison, const std::string& variant) {
  double small = 0, count = 0;
  for (const std::vector<double>& gammas : measured(comparison, variant, "gamma")) {
    small += static_cast<double>(std::ranges::count_if(gammas, [](double g) { return std::abs(g) < 0.01; }));
    count += static_cast<double>(gammas.size());
  }
  return count == 0 ? std::nullopt : std::optional(small / count);
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  for (std::size_t i = 1; i < std::size(kWidths); ++i) {
    const auto narrow = median_accuracy(comparison, only(kWidths[i - 1])),
               wide = median_accuracy(comparison, only(kWidths[i]));
    if (!narrow || !wide) continue;
    add_claim(all,
              fmt::format("test accuracy grows with the width, gamma and beta alone: {} minus {}, in percentage points",
                          kWidths[i], kWidths[i - 1]),
              kFrankle, 0, *wide - *narrow, kLeastPoints, 100);
  }
  add_claim(all, "share of |gamma| below 0.01, gamma and beta alone, width 1024: a third", kFrankle, 1.0 / 3,
            disabled(comparison, only(1024)), 0.25, 0.4);
  const auto few = disabled(comparison, only(1024)), full = disabled(comparison, all_of(1024));
  if (few && full) {
    add_claim(all, "the same share minus that where all is trained is above 0", kFrankle, 0, *few - *full, 1e-6, 1);
  }
  return all;
}

// Shares of gammas in bins.
Line histogram(const std::string& title, const std::vector<std::vector<double>>& lists) {
  constexpr double kLow = 0, kHigh = 2.5;
  constexpr int kBins = 50;
  std::vector<double> counts(kBins);
  double all = 0;
  for (const std::vector<double>& list : lists) {
    for (double x : list) {
      ++all;
      const double bin = std::floor((x - kLow) / (kHigh - kLow) * kBins);
      ++counts[static_cast<std::size_t>(std::clamp(bin, 0.0, kBins - 1.0))];
    }
  }
  Line line{.title = title};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double x = kLow + (static_cast<double>(i) + 0.5) * (kHigh - kLow) / kBins;
    line.points.push_back({.x = x, .y = 100 * counts[i] / all});
  }
  return line;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{.name = "gammas",
                .caption =
                    "The gammas that training ends with, all seeds: the share in bins of 0.05. What lies beyond "
                    "is counted at the ends.",
                .x_label = "gamma",
                .y_label = "share (%)",
                .log_y = true};
  for (const std::string& variant : {only(1024), all_of(1024)}) {
    const auto lists = measured(comparison, variant, "gamma");
    if (!lists.empty()) plot.lines.push_back(histogram(variant, lists));
  }
  return {plot};
}

}  // namespace

Experiment norm_only_experiment() {
  Experiment e{.title = "Training gamma and beta alone",
               .about =
                   "Two hidden layers of 32 to 1,024 units; either everything is trained, or only the gammas and "
                   "betas of BatchNorm, and all weights stay as they were drawn.",
               .words = "--epochs 3",
               .lrs = {0.05},
               .seeds = 3,
               .eval_every = 200,
               .axis = "units in a hidden layer",
               .measure = Measure::gamma,
               .claims = claims,
               .plots = plots};
  for (const int width : kWidths) {
    const std::string hidden = fmt::format("--hidden {0},{0}", width);
    e.variants.push_back(
        {.name = only(width), .words = hidden + " --train norm", .series = "gamma and beta", .x = width});
    e.variants.push_back({.name = all_of(width), .words = hidden, .series = "all", .x = width});
  }
  return e;
}

}  // namespace tare
