// From the default network to 99 % on MNIST, one option a step.
#include <tare/apps/compare/experiments/evidence.h>
#include <tare/apps/compare/experiments/papers.h>

namespace tare {
namespace {

struct Step {
  const char *name, *words;  // the words that this step adds
};
constexpr Step kSteps[] = {{"default", ""},
                           {"cosine", "--schedule cosine"},
                           {"20 epochs", "--epochs 20"},
                           {"distortions", "--augment shift:2,rotate:10,elastic:1"},
                           {"512 units", "--hidden 512,512"}};

std::vector<Claim> claims(const Comparison& comparison) {
  std::vector<Claim> all;
  const std::vector<const Run*> runs = finished_runs(comparison, std::end(kSteps)[-1].name);
  if (runs.empty()) return all;
  add_claim(all, "test accuracy of the last step, median over the seeds", "stated here", 0.99, median(accuracies(runs)),
            0.988, 1);
  return all;
}

}  // namespace

Experiment ladder_experiment() {
  Experiment e{.title = "A ladder to 99 %",
               .about =
                   "From the default network in steps of one option each, every step with all options of those "
                   "before it.",
               .words = "",
               .lrs = {0.05},
               .seeds = 10,
               .eval_every = 500,
               .axis = "step",
               .claims = claims};
  std::string words;
  for (std::size_t i = 0; i < std::size(kSteps); ++i) {
    words += fmt::format(" {}", kSteps[i].words);
    e.variants.push_back({.name = kSteps[i].name, .words = words, .series = "ladder", .x = static_cast<double>(i)});
  }
  return e;
}

}  // namespace tare
