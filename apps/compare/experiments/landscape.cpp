// Whether BatchNorm makes the loss smoother, and whether it reduces internal covariate shift.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

namespace tare {
namespace {

constexpr const char* kSanturkar4 = "Santurkar et al. 2018, arXiv 1805.11604, figure 4";
constexpr const char* kSanturkar3 = "Santurkar et al. 2018, arXiv 1805.11604, figure 3";

using Lists = std::vector<std::vector<double>>;

Lists difference(Lists a, const Lists& b) {
  for (std::size_t run = 0; run < a.size(); ++run) {
    for (std::size_t i = 0; i < a[run].size(); ++i) a[run][i] -= b[run][i];
  }
  return a;
}

Lists loss_range(const Comparison& comparison, const std::string& variant) {
  return difference(measured(comparison, variant, "highest loss"), measured(comparison, variant, "lowest loss"));
}

// The median over steps and seeds with BatchNorm, divided by that without.
std::optional<double> ratio(const Lists& with, const Lists& without) {
  if (with.empty() || without.empty()) return std::nullopt;
  return median_of_all(with) / median_of_all(without);
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  for (const std::string network : {"MLP", "linear"}) {
    const std::string with = network + " + BatchNorm", without = network;
    const auto of = [&](const std::string& variant, const char* name) { return measured(comparison, variant, name); };
    const auto smoother = [&](const char* what, const std::optional<double>& measured) {
      add_claim(all, fmt::format("{}: {}, with BatchNorm over without, is below 1", network, what), kSanturkar4, 1,
                measured, 0, 1);
    };
    smoother("range of the loss along the gradient",
             ratio(loss_range(comparison, with), loss_range(comparison, without)));
    smoother("largest change of the gradient along it",
             ratio(of(with, "largest gradient change"), of(without, "largest gradient change")));
    smoother("largest effective beta", ratio(of(with, "beta"), of(without, "beta")));
    add_claim(
        all,
        fmt::format("{}: internal covariate shift as a distance of gradients, with BatchNorm over without, is not "
                    "below 1",
                    network),
        kSanturkar3, 1, ratio(of(with, "shift"), of(without, "shift")), 1, kNoEnd);
    add_claim(all, fmt::format("{}: cosine of these gradients, with BatchNorm over without, is not above 1", network),
              kSanturkar3, 1, ratio(of(with, "cosine"), of(without, "cosine")), -kNoEnd, 1);
  }
  return all;
}

// A band from the first to the second measurement, and the line of the second.
Line band(const Comparison& comparison, const std::string& variant, const char* low, const char* high) {
  const Line from = line_over_steps(variant, measured(comparison, variant, low), 10);
  Line line = line_over_steps(variant, measured(comparison, variant, high), 10);
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    line.points[i].low = from.points[i].y;
    line.points[i].high = line.points[i].y;
  }
  return line;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  std::vector<LinePlot> all;
  for (const std::string network : {"MLP", "linear"}) {
    const std::string with = network + " + BatchNorm";
    if (measured(comparison, network, "beta").empty() || measured(comparison, with, "beta").empty()) continue;
    const auto add = [&](const char* name, const char* caption, const char* y_label, bool log_y) -> LinePlot& {
      return all.emplace_back(LinePlot{.name = fmt::format("{}-{}", name, network == "MLP" ? "mlp" : "linear"),
                                       .caption = fmt::format("{}: {}", network, caption),
                                       .x_label = "step",
                                       .y_label = y_label,
                                       .log_y = log_y});
    };
    add("loss", "the lowest and the highest loss on the way of half to four steps along the gradient", "loss", true)
        .lines = {band(comparison, network, "lowest loss", "highest loss"),
                  band(comparison, with, "lowest loss", "highest loss")};
    add("gradient", "the smallest and the largest change of the gradient on that way", "change of the gradient", true)
        .lines = {band(comparison, network, "smallest gradient change", "largest gradient change"),
                  band(comparison, with, "smallest gradient change", "largest gradient change")};
    for (const auto& [name, what, label] :
         {std::tuple("beta", "the largest change of the gradient divided by the distance", "effective beta"),
          std::tuple("shift", "how far the update of the layers below moves the gradient of a layer",
                     "internal covariate shift"),
          std::tuple("cosine", "the cosine between a layer's gradient before that and after", "cosine")}) {
      add(name, what, label, std::string(name) != "cosine").lines = {
          line_over_steps(network, measured(comparison, network, name), 10),
          line_over_steps(with, measured(comparison, with, name), 10)};
    }
  }
  return all;
}

}  // namespace

Experiment landscape_experiment() {
  // At a rate of 0.1 the deep linear network diverges without BatchNorm.
  const std::string linear = " --hidden 100,100,100,100,100,100,100,100,100,100 --init-scale xavier --lr 0.01";
  return {.title = "BatchNorm and the landscape of the loss",
          .about =
              "At every step: the loss and its gradient on the way along the gradient, and what the update of the "
              "layers below does to the gradient of a layer. On a multilayer perceptron, and on ten hidden layers "
              "of 100 units without activations.",
          .words = "--momentum 0 --steps 300",
          .variants = {{.name = "MLP", .words = "--norm none"},
                       {.name = "MLP + BatchNorm", .words = "--norm batch"},
                       {.name = "linear", .words = "--norm none" + linear, .settings = {{"linear", 1}}},
                       {.name = "linear + BatchNorm", .words = "--norm batch" + linear, .settings = {{"linear", 1}}}},
          .lrs = {0.1},
          .seeds = 3,
          .eval_every = 50,
          .measure = Measure::landscape,
          .claims = claims,
          .plots = plots};
}

}  // namespace tare
