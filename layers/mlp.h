// The multilayer perceptron: hidden blocks of Linear - normalization - activation - dropout, then an output Linear.
#pragma once

#include <tare/layers/batch_norm.h>
#include <tare/layers/sequential.h>

#include <array>
#include <utility>

namespace tare {

enum class Norm { none, batch, layer };
enum class Activation { relu, sigmoid, tanh };
/// As options and model files name them.
inline constexpr std::array kActivationNames{std::pair{"relu", Activation::relu},
                                             std::pair{"sigmoid", Activation::sigmoid},
                                             std::pair{"tanh", Activation::tanh}};
/// What becomes of the bias of a Linear whose output is batch-normalized.
enum class BiasRule { drop_cancelled, keep };

struct InitScale {
  enum class Kind { by_activation, he, xavier, normal };
  Kind kind = Kind::by_activation;  // He before a ReLU, else Xavier
  double sigma = 0;                 // of Kind::normal
};

struct MlpOptions {
  Index in = 0;
  std::vector<Index> hidden = {};  // widths
  Index out = 0;
  Norm norm = Norm::batch;
  BiasRule bias = BiasRule::drop_cancelled;
  Activation activation = Activation::relu;
  double dropout = 0;  // no Dropout layers at 0
  InitScale init = {};
};

}  // namespace tare

namespace TARE_NAMESPACE {

/// `op` is what its BatchNorms train with. Weights come from the seed's stream for initialization; biases are 0 and
/// draw nothing, so that networks that differ in their biases only start from the same weights.
Sequential make_mlp(const MlpOptions& options, std::uint64_t seed, BatchNormOp op = batch_norm);

Elementwise activation_layer(Activation activation);

}  // namespace TARE_NAMESPACE
