#include <tare/apps/compare/experiments/experiments.h>

#include <tare/apps/cli/options.h>
#include <tare/apps/compare/experiments/papers.h>

#include <fmt/ranges.h>

#include <utility>

namespace tare {
namespace {

// The same network with and without BatchNorm for every value of an option.
template <class Words>
std::vector<VariantWords> with_and_without(const std::vector<double>& values, const Words& words) {
  std::vector<VariantWords> variants;
  for (const auto& [series, norm] : {std::pair{"no BatchNorm", "none"}, std::pair{"BatchNorm", "batch"}}) {
    for (double x : values) {
      variants.push_back({.name = fmt::format("{} {}", series, x),
                          .words = fmt::format("--norm {} {}", norm, words(x)),
                          .series = series,
                          .x = x});
    }
  }
  return variants;
}

std::string layers(double count) {
  return fmt::format("--hidden {}", fmt::join(std::vector<int>(static_cast<std::size_t>(count), 100), ","));
}

std::vector<std::pair<std::string, Experiment>> experiments() {
  return {
      {"ioffe-szegedy",
       {.title = "Ioffe and Szegedy (2015), section 4.1",
        .about =
            "Three hidden layers of 100 sigmoid units on binary images, batches of 60, 50,000 steps, with and without "
            "BatchNorm. The paper states neither the learning rate nor the deviation of the normal initial weights, "
            "0.1 or 0.01 here.",
        .words = "--hidden 100,100,100 --activation sigmoid --pixels binary --batch 60 --steps 50000 --momentum 0",
        .variants = {{.name = "no BatchNorm 0.1", .words = "--norm none --init-scale normal:0.1"},
                     {.name = "no BatchNorm 0.01", .words = "--norm none --init-scale normal:0.01"},
                     {.name = "BatchNorm 0.1", .words = "--norm batch --init-scale normal:0.1"},
                     {.name = "BatchNorm 0.01", .words = "--norm batch --init-scale normal:0.01"}},
        .lrs = {0.01, 0.1, 1},
        .seeds = 3,
        .eval_every = 500}},
      {"depth",
       {.title = "BatchNorm and depth",
        .about = "Hidden layers of 100 units, 2 to 20 of them.",
        .words = "--epochs 2",
        .variants = with_and_without({2, 5, 10, 15, 20}, layers),
        .lrs = {0.05},
        .seeds = 3,
        .eval_every = 50,
        .axis = "hidden layers"}},
      {"batch-size",
       {.title = "BatchNorm and the size of the batch",
        .about = "Two epochs at one learning rate, so that a run with smaller batches makes more steps.",
        .words = "--hidden 100,100 --epochs 2",
        .variants = with_and_without({2, 4, 8, 32, 128, 512}, [](double n) { return fmt::format("--batch {}", n); }),
        .lrs = {0.02},
        .seeds = 3,
        .eval_every = 500,
        .axis = "samples in a batch"}},
      {"init-scale",
       {.title = "BatchNorm and the scale of the initial weights",
        .about = "Initial weights are normal numbers of a deviation from 0.0001 to 1.",
        .words = "--hidden 100,100,100 --epochs 1",
        .variants = with_and_without({1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1},
                                     [](double s) { return fmt::format("--init-scale normal:{}", s); }),
        .lrs = {0.05},
        .seeds = 3,
        .eval_every = 50,
        .axis = "deviation of the initial weights"}},
      {"layer-norm",
       {.title = "BatchNorm against LayerNorm",
        .about = "The same network with either normalization and with none.",
        .words = "--epochs 3",
        .variants = {{.name = "no normalization", .words = "--norm none"},
                     {.name = "LayerNorm", .words = "--norm layer"},
                     {.name = "BatchNorm", .words = "--norm batch"}},
        .lrs = {0.01, 0.1, 1},
        .seeds = 3,
        .eval_every = 50}},
      {"effective-lr", effective_lr_experiment()},
      {"gradient-explosion", gradient_explosion_experiment()},
      {"landscape", landscape_experiment()},
      {"noise", noise_experiment()},
      {"ghost", ghost_experiment()},
      {"norm-only", norm_only_experiment()},
      {"residual-depth", residual_depth_experiment()},
      {"parts", parts_experiment()},
      {"dropout-shift", dropout_shift_experiment()},
      {"ladder", ladder_experiment()},
  };
}

}  // namespace

std::vector<VariantWords> default_variants() {
  return {{.name = "no BatchNorm", .words = "--norm none"},
          {.name = "BatchNorm + bias", .words = "--norm batch --bias keep"},
          {.name = "BatchNorm", .words = "--norm batch --bias auto"}};
}

std::vector<std::string> experiment_names() {
  std::vector<std::string> names;
  for (const auto& [name, experiment] : experiments()) names.push_back(name);
  return names;
}

Experiment experiment_named(const std::string& name, const std::string& what) {
  for (const auto& [known, experiment] : experiments()) {
    if (known == name) return experiment;
  }
  throw UsageError("{}: expected {}, found \"{}\"", what, fmt::join(experiment_names(), ", "), name);
}

}  // namespace tare
