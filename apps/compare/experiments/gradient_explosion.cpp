// BatchNorm multiplies the gradient in every layer that it goes back through.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <cmath>
#include <numbers>

namespace tare {
namespace {

constexpr const char* kYang = "Yang et al. 2019, arXiv 1902.08129";
constexpr const char* kHe = "He et al. 2015, arXiv 1502.01852";

// The mean of f(z) for a standard normal z, by Simpson's rule.
template <class F>
double normal_mean(const F& f) {
  constexpr int kIntervals = 2000;
  constexpr double kEnd = 10, kWidth = 2 * kEnd / kIntervals;
  double sum = 0;
  for (int i = 0; i <= kIntervals; ++i) {
    const double z = -kEnd + i * kWidth, weight = i == 0 || i == kIntervals ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * f(z) * std::exp(-z * z / 2);
  }
  return sum * kWidth / 3 / std::sqrt(2 * std::numbers::pi);
}

double logistic(double z) { return 1 / (1 + std::exp(-z)); }
double logistic_slope(double z) { return logistic(z) * (1 - logistic(z)); }
double tanh_slope(double z) { return 1 - std::tanh(z) * std::tanh(z); }

// Behind BatchNorm, an activation f of z, which is standard normal over the batch, divides the next layer's inputs by
// their deviation: gradients grow by sqrt(E f'(z)^2 / Var f(z)), which is 1 only for a line.
template <class F, class Slope>
double factor_of(const F& f, const Slope& slope) {
  const double mean = normal_mean(f);
  return std::sqrt(normal_mean([&](double z) { return slope(z) * slope(z); }) /
                   normal_mean([&](double z) { return (f(z) - mean) * (f(z) - mean); }));
}

// Without BatchNorm, where all layers are as wide and the weights Xavier's: the mean square q of a layer's inputs to f
// tends to q = E f(sqrt(q) z)^2, and gradients to shrink by sqrt(E f'(sqrt(q) z)^2).
template <class F, class Slope>
double factor_without_batch_norm(const F& f, const Slope& slope) {
  double q = 1;
  for (int i = 0; i < 1000; ++i) {
    q = normal_mean([&](double z) { return f(std::sqrt(q) * z) * f(std::sqrt(q) * z); });
  }
  return std::sqrt(normal_mean([&](double z) { return slope(std::sqrt(q) * z) * slope(std::sqrt(q) * z); }));
}

struct Prediction {
  const char *variant, *source;
  double factor;
};

std::vector<Prediction> predictions() {
  const double relu = std::sqrt(std::numbers::pi / (std::numbers::pi - 1));
  return {{"ReLU + BatchNorm", kYang, relu},
          {"ReLU", kHe, 1},
          {"sigmoid + BatchNorm", kYang, factor_of(logistic, logistic_slope)},
          {"sigmoid", "derived here", factor_without_batch_norm(logistic, logistic_slope)},
          {"tanh + BatchNorm", kYang, factor_of([](double z) { return std::tanh(z); }, tanh_slope)}};
}

// Of the gradient a layer, from the last to the first but `skipped`: the root of the mean square over the seeds.
std::optional<double> growth(const Comparison& comparison, const std::string& variant, std::size_t skipped) {
  double first = 0, last = 0, layers = 0;
  for (const std::vector<double>& squares : measured(comparison, variant, "gradient mean square")) {
    if (squares.size() < skipped + 2) return std::nullopt;
    first += squares[skipped];
    last += squares.back();
    layers = static_cast<double>(squares.size() - 1 - skipped);
  }
  return layers == 0 ? std::nullopt : std::optional(std::pow(first / last, 0.5 / layers));
}

constexpr std::size_t kSkipped = 3;

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  for (const Prediction& p : predictions()) {
    add_claim(all, fmt::format("factor of the gradient's root mean square a layer, going back: {}", p.variant),
              p.source, p.factor, growth(comparison, p.variant, kSkipped), 0.99 * p.factor, 1.01 * p.factor);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot plot{.name = "gradients",
                .caption =
                    "Root mean square of the gradient at the outputs of the hidden layers before training, for "
                    "a random gradient behind the last: median and range over the seeds. Left out is the sigmoid "
                    "without BatchNorm, which loses three quarters of it a layer.",
                .x_label = "hidden layer",
                .y_label = "gradient (rms)",
                .log_y = true};
  for (const Case& c : comparison.options.cases) {
    if (c.variant == "sigmoid") continue;
    std::vector<std::vector<double>> lists = measured(comparison, c.variant, "gradient mean square");
    for (std::vector<double>& list : lists) {
      for (double& x : list) x = std::sqrt(x);
    }
    if (!lists.empty()) plot.lines.push_back(line_over_steps(c.variant, lists, 1));
  }
  return {plot};
}

}  // namespace

Experiment gradient_explosion_experiment() {
  std::string widths = "512";
  for (int i = 1; i < 20; ++i) widths += ",512";
  return {.title = "BatchNorm makes gradients explode",
          .about =
              "Twenty hidden layers of 512 units before any training, on a batch of 512 images: what becomes of a "
              "random gradient on its way back.",
          .words = "--steps 1 --batch 512 --hidden " + widths,
          .variants = {{.name = "ReLU + BatchNorm", .words = "--norm batch"},
                       {.name = "ReLU", .words = "--norm none"},
                       {.name = "sigmoid + BatchNorm", .words = "--norm batch --activation sigmoid"},
                       {.name = "sigmoid", .words = "--norm none --activation sigmoid"},
                       {.name = "tanh + BatchNorm", .words = "--norm batch --activation tanh"},
                       {.name = "tanh", .words = "--norm none --activation tanh"}},
          .lrs = {0.05},
          .seeds = 10,
          .eval_every = 1,
          .measure = Measure::gradient,
          .claims = claims,
          .plots = plots};
}

}  // namespace tare
