// What a model says about one image: the classes from the likeliest down, with their probabilities.
#pragma once

#include <tare/datasets/batches.h>
#include <tare/datasets/pictures/gray_image.h>
#include <tare/layers/layer.h>

#include <vector>

namespace TARE_NAMESPACE {

/// The softmax of a row of logits. Not finite numbers give probabilities that are not finite. Error if there is no such
/// row, or if it is empty.
std::vector<double> probabilities(const View& logits, Index row);

/// Of the classes, for a picture as network_input gives it. `tape` must record no gradients; it is cleared.
std::vector<double> predict(const Layer& model, const GrayImage& picture, Pixels pixels, Tape& tape);

struct ClassProbability {
  int label;
  double probability;
};

/// The `most` likeliest classes; of equals, the first comes first.
std::vector<ClassProbability> likeliest(const std::vector<double>& probabilities, std::size_t most);

}  // namespace TARE_NAMESPACE
