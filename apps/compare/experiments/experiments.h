// Comparisons that are ready to run: `tare compare --experiment NAME`. Each is other defaults, in the words of the
// command line; options that are given as well take their place. Those from papers also measure, predict and plot
// something of their own.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/comparison.h>
#include <tare/apps/compare/plots.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tare {

struct VariantWords {
  std::string name, words;       // as in --variant name:words
  std::string series = {};       // the line in plots over the experiment's axis; empty: the name
  std::optional<double> x = {};  // its place on that axis; nothing: the learning rate
  Settings settings = {};        // for the experiment's instrument
};

struct Experiment {
  std::string title, about;
  std::string words;
  std::vector<VariantWords> variants = {};
  std::vector<double> lrs = {};
  std::int64_t seeds = 5, eval_every = 50;
  std::string axis = "learning rate";
  Measure measure = Measure::nothing;
  std::vector<Claim> (*claims)(const Comparison&) = nullptr;
  std::vector<LinePlot> (*plots)(const Comparison&) = nullptr;
};

/// Without BatchNorm; with BatchNorm and the bias that it cancels; with BatchNorm alone.
std::vector<VariantWords> default_variants();

std::vector<std::string> experiment_names();
/// UsageError, naming `what`, if there is no such experiment.
Experiment experiment_named(const std::string& name, const std::string& what);

}  // namespace tare
