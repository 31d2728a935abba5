// BatchNorm in pieces of a batch: the noise of its statistics without that of the gradient.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

namespace tare {
namespace {

constexpr const char* kHoffer = "Hoffer et al. 2017, arXiv 1705.08741, table 1 (MNIST)";

std::optional<double> accuracy(const Comparison& comparison, const std::string& variant) {
  const std::vector<const Run*> runs = finished_runs(comparison, variant);
  if (runs.empty()) return std::nullopt;
  return 100 * spread(accuracies(runs)).mean;
}

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const std::optional<double> whole = accuracy(comparison, "pieces 512");
  if (!whole) return all;
  for (const int piece : {128, 32, 8}) {
    const std::optional<double> one = accuracy(comparison, fmt::format("pieces {}", piece));
    if (!one) continue;
    add_claim(all, fmt::format("test accuracy, pieces of {} minus the whole batch of 512, in percentage points", piece),
              kHoffer, 0.05, *one - *whole, 0, 1);
  }
  return all;
}

std::vector<LinePlot> plots(const Comparison& comparison) {
  return {{.name = "pieces",
           .caption = "Test accuracy with statistics over pieces of a batch of 512: median and range over the seeds.",
           .x_label = "samples in a piece",
           .y_label = "test accuracy (%)",
           .log_x = true,
           .lines = {accuracy_line(comparison, "pieces")}}};
}

}  // namespace

Experiment ghost_experiment() {
  Experiment e{.title = "BatchNorm in pieces of a batch",
               .about =
                   "As many steps for all. \"Pieces\": a batch of 512, so the gradient is little noisy, and "
                   "statistics over pieces of it. \"Batches\": whole batches of that size, so both are noisy. "
                   "Without BatchNorm only the gradient is.",
               .words = "--steps 1200",
               .lrs = {0.1},
               .seeds = 5,
               .eval_every = 200,
               .axis = "samples in a piece or a batch",
               .claims = claims,
               .plots = plots};
  for (const int n : {8, 16, 32, 64, 128, 512}) {
    const std::string pieces = n == 512 ? "" : fmt::format(" --ghost {}", n);
    const auto add = [&](const char* series, const std::string& words) {
      e.variants.push_back({.name = fmt::format("{} {}", series, n), .words = words, .series = series, .x = n});
    };
    add("pieces", "--batch 512" + pieces);
    if (n < 512) add("batches", fmt::format("--batch {}", n));
    add("no BatchNorm", fmt::format("--norm none --batch {}", n));
  }
  return e;
}

}  // namespace tare
