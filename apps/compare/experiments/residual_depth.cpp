// Depth, with and without residual connections and BatchNorm.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <cmath>
#include <numbers>

namespace tare {
namespace {

constexpr const char* kDeSmith = "De, Smith 2020, arXiv 2002.10444, section 2";
constexpr int kDepths[] = {2, 5, 10, 20, 50};
constexpr const char *kPlain = "plain", *kPlainNorm = "plain + BatchNorm", *kResidual = "residual",
                     *kResidualNorm = "residual + BatchNorm";

// A block that ends in a ReLU adds numbers that are never negative, so that not only squares add up but also means: for
// outputs of mean square r^2 and mean m, He's weights make relu(w'x) one of mean square r^2 and mean r / sqrt(pi), and
// their sum has the mean square 2 r^2 + 2 m r / sqrt(pi). The ratio m / r tends to a limit, and with it the factor.
double mean_square_factor() {
  const double c = 1 / std::sqrt(std::numbers::pi);
  double ratio = c;
  for (int i = 0; i < 1000; ++i) ratio = (ratio + c) / std::sqrt(2 + 2 * c * ratio);
  return 2 + 2 * c * ratio;
}

// Mean over the seeds of what `of` makes of a list. The first blocks still depend on the images: they are left out.
template <class Of>
std::optional<double> over_blocks(const std::vector<std::vector<double>>& lists, const Of& of) {
  constexpr std::size_t kSkipped = 3;
  std::vector<double> all;
  for (const std::vector<double>& list : lists) {
    if (list.size() <= kSkipped + 1) continue;
    all.push_back(of(list[kSkipped], list.back(), static_cast<double>(list.size() - 1 - kSkipped)));
  }
  return all.empty() ? std::nullopt : std::optional(spread(all).mean);
}

double factor(double first, double last, double blocks) { return std::pow(last / first, 1 / blocks); }
double slope(double first, double last, double blocks) { return (last - first) / blocks; }

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const auto of = [&](const char* series, const char* name) {
    return measured(comparison, fmt::format("{} 20", series), name);
  };
  add_claim(all, "variance of the outputs, factor a block, residual without BatchNorm", kDeSmith, 2,
            over_blocks(of(kResidual, "variance"), factor), 1.8, 2.2);
  const double squares = mean_square_factor();
  add_claim(all, "mean square of the outputs, factor a block, residual without BatchNorm", "derived here", squares,
            over_blocks(of(kResidual, "mean square"), factor), 0.9 * squares, 1.1 * squares);
  // relu(z) of a standard normal z has the variance 1/2 - 1/(2 pi).
  const double added = 0.5 - 0.5 / std::numbers::pi;
  add_claim(all, "variance of the outputs, added by a block, residual with BatchNorm", kDeSmith, added,
            over_blocks(of(kResidualNorm, "variance"), slope), 0.9 * added, 1.1 * added);
  const auto deep = median_accuracy(comparison, fmt::format("{} 50", kResidualNorm)),
             plain = median_accuracy(comparison, fmt::format("{} 50", kPlainNorm));
  if (deep && plain) {
    add_claim(all, "test accuracy at 50 layers with BatchNorm, residual minus plain, in percentage points, is above 0",
              "He et al. 2016, arXiv 1512.03385", 0, *deep - *plain, kLeastPoints, 100);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{.name = "variance",
                .caption =
                    "Variance over the batch of the outputs of hidden blocks before training, mean over the "
                    "units: median and range over the seeds.",
                .x_label = "block",
                .y_label = "variance",
                .log_y = true};
  LinePlot with_batch_norm = plot;
  with_batch_norm.name = "variance-batchnorm";
  with_batch_norm.log_y = false;
  for (const char* series : {kPlain, kPlainNorm, kResidual, kResidualNorm}) {
    const auto lists = measured(comparison, fmt::format("{} 50", series), "variance");
    if (lists.empty()) continue;
    const Line line = line_over_steps(series, lists, 1);
    plot.lines.push_back(line);
    if (std::string_view(series).ends_with("BatchNorm")) with_batch_norm.lines.push_back(line);
  }
  return {plot, with_batch_norm};
}

}  // namespace

Experiment residual_depth_experiment() {
  Experiment e{.title = "Depth, residual connections and BatchNorm",
               .about =
                   "2 to 50 hidden layers of 100 units. In a residual network every hidden layer but the first adds "
                   "its input to its output.",
               .words = "--epochs 1",
               .lrs = {0.02},
               .seeds = 3,
               .eval_every = 100,
               .axis = "hidden layers",
               .measure = Measure::variance,
               .claims = claims,
               .plots = plots};
  for (const int depth : kDepths) {
    std::string hidden = "--hidden 100";
    for (int i = 1; i < depth; ++i) hidden += ",100";
    const auto add = [&](const char* series, const char* words) {
      e.variants.push_back({.name = fmt::format("{} {}", series, depth),
                            .words = fmt::format("{} {}", hidden, words),
                            .series = series,
                            .x = depth});
    };
    add(kPlain, "--norm none");
    add(kPlainNorm, "--norm batch");
    add(kResidual, "--norm none --residual");
    add(kResidualNorm, "--norm batch --residual");
  }
  return e;
}

}  // namespace tare
