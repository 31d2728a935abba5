// What a comparison answers: the variants' differences seed by seed, with an interval, and the same in sentences.
#pragma once

#include <tare/apps/compare/comparison.h>

#include <span>
#include <string>
#include <vector>

namespace tare {

/// A mean and the ends of its 95 % interval, which a single number does not have.
struct Interval {
  double mean = 0;
  std::optional<double> low = {}, high = {};

  /// Whether 0 is inside, so that the numbers do not tell the mean from it.
  bool contains_zero() const { return low && *low <= 0 && *high >= 0; }
};
/// Student's t, numbers.size() - 1 degrees of freedom.
Interval mean_interval(std::span<const double> numbers);

/// Two variants of one panel. The runs of a seed have the same initial weights and the same batches, so it is their
/// difference that is looked at: what a seed does to both of them drops out.
struct PairedDifference {
  std::size_t variant = 0, against = 0;  // cases
  bool bias_only = false;                // the variant is the other one without the bias that BatchNorm cancels
  int seeds = 0;                         // of which both runs are finished and did not diverge
  Interval accuracy;                     // final test accuracy, percentage points, the variant's minus the other's
  int reached = 0, against_reached = 0;  // runs with 97 %
  int both_reached = 0;                  // seeds with both
  double steps_saved = 0;                // to 97 %, by the variant: the median over these seeds
};

/// Of every variant and the first of its panel, and of every two that differ in the bias only.
std::vector<PairedDifference> paired_differences(const Comparison& comparison);

/// What is missing, a sentence for every difference, who diverged, and what the bias does.
std::vector<std::string> answer(const Comparison& comparison);

}  // namespace tare
