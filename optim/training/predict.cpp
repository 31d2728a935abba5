#include <tare/optim/training/predict.h>

#include <tare/core/machine/functions.h>
#include <tare/datasets/pictures/network_input.h>

#include <algorithm>
#include <functional>

namespace TARE_NAMESPACE {

std::vector<double> probabilities(const View& logits, Index row) {
  if (row < 0 || row >= logits.rows() || logits.cols() < 1) {
    throw Error("probabilities: expected logits with a row {}, found {}", row, shape_of(logits));
  }
  std::vector<double> result(static_cast<std::size_t>(logits.cols()));
  const auto largest = static_cast<double>(logits.row(row).maxCoeff());
  double sum = 0;
  for (Index k = 0; k < logits.cols(); ++k) {
    sum += result[static_cast<std::size_t>(k)] = functions::exp(static_cast<double>(logits(row, k)) - largest);
  }
  for (double& p : result) p /= sum;
  return result;
}

std::vector<double> predict(const Layer& model, const GrayImage& picture, Pixels pixels, Tape& tape) {
  tape.clear();
  return probabilities(evaluate(model, gather(image_set(picture), pixels, 0, 1, tape)).value(), 0);
}

std::vector<ClassProbability> likeliest(const std::vector<double>& probabilities, std::size_t most) {
  std::vector<ClassProbability> result;
  for (const double p : probabilities) result.push_back({static_cast<int>(result.size()), p});
  std::ranges::stable_sort(result, std::greater{}, &ClassProbability::probability);
  result.resize(std::min(most, result.size()));
  return result;
}

}  // namespace TARE_NAMESPACE
