// The options of `tare compare`.
#pragma once

#include <tare/apps/compare/experiments/experiments.h>
#include <tare/apps/train/train_options.h>

namespace tare {

/// What becomes the cases of a comparison.
struct CompareArguments {
  std::vector<std::string> variants;
  std::optional<Experiment> experiment;
  std::vector<double> lrs;  // empty: not given
};

void add_compare_options(Command& c, CompareOptions& o, Unresolved& u, CompareArguments& a);

/// A case for every variant and learning rate.
void resolve(CompareOptions& o, const Unresolved& base, const CompareArguments& a);

}  // namespace tare
