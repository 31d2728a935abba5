// What a row of logits says about one image: the classes from the likeliest down, with their probabilities.
#pragma once

#include <tare/core/machine/functions.h>
#include <tare/core/tape.h>

#include <algorithm>
#include <vector>

namespace TARE_NAMESPACE {

struct ClassProbability {
  Index label;
  double probability;
};

/// The softmax of a row. Not finite numbers give probabilities that are not finite.
inline std::vector<double> probabilities(const View& logits, Index row) {
  std::vector<double> result(static_cast<std::size_t>(logits.cols()));
  const auto largest = static_cast<double>(logits.row(row).maxCoeff());
  double sum = 0;
  for (Index k = 0; k < logits.cols(); ++k) {
    sum += result[static_cast<std::size_t>(k)] = functions::exp(static_cast<double>(logits(row, k)) - largest);
  }
  for (double& p : result) p /= sum;
  return result;
}

/// The `most` likeliest classes; of equals, the first comes first.
inline std::vector<ClassProbability> likeliest(const std::vector<double>& probabilities, std::size_t most) {
  std::vector<ClassProbability> result;
  for (const double p : probabilities) result.push_back({std::ssize(result), p});
  std::ranges::stable_sort(result, std::greater{}, &ClassProbability::probability);
  result.resize(std::min(most, result.size()));
  return result;
}

}  // namespace TARE_NAMESPACE
