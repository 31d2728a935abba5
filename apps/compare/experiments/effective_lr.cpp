// The scale of a weight before BatchNorm cancels, and what that makes of the learning rate and of weight decay.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

constexpr const char* kVanLaarhoven = "van Laarhoven 2017, arXiv 1706.05350";
constexpr const char* kWan = "Wan et al. 2020, arXiv 2006.08419";

// With momentum and decay of the weights before BatchNorm.
struct Decayed {
  const char* name;
  double lr, decay, momentum;

  // The angle by which a row turns in a step, once growth by the gradient and decay balance each other.
  double equilibrium() const { return std::sqrt(2 * lr * decay / (1 + momentum)); }
  std::string words() const {
    return fmt::format("--precision float --lr {} --weight-decay {} --momentum {} --decay weights --steps 6000", lr,
                       decay, momentum);
  }
};
constexpr Decayed kDecayed[] = {
    {"decay 0.005", 0.1, 0.005, 0.9}, {"decay 0.02", 0.05, 0.02, 0.9}, {"decay 0.02 without momentum", 0.2, 0.02, 0}};

// The largest relative difference of two runs' losses in a step.
std::optional<double> loss_difference(const Comparison& comparison, const std::string& a, const std::string& b) {
  const auto losses_a = measured(comparison, a, "loss"), losses_b = measured(comparison, b, "loss");
  if (losses_a.empty() || losses_a.size() != losses_b.size()) return std::nullopt;
  double largest = 0;
  for (std::size_t run = 0; run < losses_a.size(); ++run) {
    for (std::size_t i = 0; i < std::min(losses_a[run].size(), losses_b[run].size()); ++i) {
      largest = std::max(largest, std::abs(losses_a[run][i] - losses_b[run][i]) / losses_a[run][i]);
    }
  }
  return largest;
}

std::optional<double> largest(const Comparison& comparison, const std::string& variant, const std::string& name) {
  std::optional<double> most;
  for (const std::vector<double>& list : measured(comparison, variant, name)) {
    most = std::max(most.value_or(0), *std::ranges::max_element(list));
  }
  return most;
}

// Root mean square over the second half of the steps, of all seeds.
std::optional<double> settled(const std::vector<std::vector<double>>& angles) {
  double squares = 0, count = 0;
  for (const std::vector<double>& list : angles) {
    for (std::size_t i = list.size() / 2; i < list.size(); ++i) squares += list[i] * list[i], ++count;
  }
  return count == 0 ? std::nullopt : std::optional(std::sqrt(squares / count));
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const auto differences = [&](const std::string& reference, const std::string& other) {
    add_claim(all, fmt::format("largest relative difference of the losses in a step, weights {}", other), kVanLaarhoven,
              0, loss_difference(comparison, reference, other), 0, 1e-8);
  };
  differences("as they are", "3 times as large");
  differences("as they are", "0.3 times as large");
  differences("as they are + eps", "3 times as large + eps");
  add_claim(all, "largest | |w'|^2 - |w|^2 - lr^2 |g|^2 | / |w|^2", kVanLaarhoven, 0,
            largest(comparison, "as they are", "norm error"), 0, 1e-12);
  add_claim(all, "the same with eps 1e-5", kVanLaarhoven, 0, largest(comparison, "as they are + eps", "norm error"), 0,
            1e-12);
  add_claim(all, "the same less what w'g = gamma dgamma eps / (variance + eps) explains", "derived here", 0,
            largest(comparison, "as they are + eps", "norm error without eps"), 0, 1e-12);
  for (const Decayed& d : kDecayed) {
    const double predicted = d.equilibrium();
    add_claim(all, fmt::format("angle of a row in a step, {}: sqrt(2 lr decay / (1 + momentum))", d.name), kWan,
              predicted, settled(measured(comparison, d.name, "angle")), 0.9 * predicted, 1.1 * predicted);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  LinePlot angles{.name = "angles",
                  .caption =
                      "The angle by which the rows of weights before BatchNorm turn in a step, root mean square; "
                      "the grey lines are the predictions.",
                  .x_label = "step",
                  .y_label = "angle (radians)",
                  .log_y = true};
  LinePlot losses{.name = "losses",
                  .caption = "Relative difference of the loss from that of the weights as they are, step by step.",
                  .x_label = "step",
                  .y_label = "relative difference",
                  .log_y = true};
  for (const Decayed& d : kDecayed) {
    const auto list = measured(comparison, d.name, "angle");
    if (list.empty()) continue;
    angles.lines.push_back(line_over_steps(d.name, list, 50));
    const double steps = static_cast<double>(list[0].size());
    angles.lines.push_back(
        {.title = "", .points = {{.x = 1, .y = d.equilibrium()}, {.x = steps, .y = d.equilibrium()}}});
  }
  for (const auto& [reference, other] : {std::pair("as they are", "3 times as large"),
                                         {"as they are", "0.3 times as large"},
                                         {"as they are + eps", "3 times as large + eps"}}) {
    const auto base = measured(comparison, reference, "loss");
    auto lists = measured(comparison, other, "loss");
    if (lists.empty() || lists.size() != base.size()) continue;
    for (std::size_t run = 0; run < lists.size(); ++run) {
      for (std::size_t i = 0; i < lists[run].size(); ++i) {
        lists[run][i] = std::abs(lists[run][i] - base[run][i]) / base[run][i];
      }
    }
    losses.lines.push_back(line_over_steps(other, lists, 4));
  }
  return {losses, angles};
}

}  // namespace

Experiment effective_lr_experiment() {
  Experiment e{.title = "The scale of a weight before BatchNorm",
               .about =
                   "Weights before BatchNorm that start a times as large, with a^2 times the learning rate, train "
                   "alike: only their direction counts. Their length still decides how far a step turns them. "
                   "Weight decay shortens them, the gradient lengthens them, and the angle settles in between.",
               .words = "--precision double --hidden 64,32 --momentum 0 --steps 200",
               .variants = {{.name = "as they are", .words = "", .settings = {{"a", 1}, {"eps", 0}}},
                            {.name = "3 times as large", .words = "", .settings = {{"a", 3}, {"eps", 0}}},
                            {.name = "0.3 times as large", .words = "", .settings = {{"a", 0.3}, {"eps", 0}}},
                            {.name = "as they are + eps", .words = "", .settings = {{"a", 1}, {"eps", 1e-5}}},
                            {.name = "3 times as large + eps", .words = "", .settings = {{"a", 3}, {"eps", 1e-5}}}},
               .lrs = {0.1},
               .seeds = 3,
               .eval_every = 100,
               .measure = Measure::effective_lr,
               .claims = claims,
               .plots = plots};
  for (const Decayed& d : kDecayed) {
    e.variants.push_back({.name = d.name, .words = d.words()});
  }
  return e;
}

}  // namespace tare
