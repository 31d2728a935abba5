// The multilayer perceptron: hidden blocks of Linear - normalization - activation - dropout, or with the normalization
// last, then an output Linear.
#pragma once

#include <tare/core/ops/ops.h>
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
/// Where the normalization stands: before the activation or behind it.
enum class NormPlace { before, after };

/// What BatchNorm does: subtracts the mean, divides by the deviation, and has gamma and beta.
struct BatchNormParts {
  bool mean = true, variance = true, affine = true;
  bool operator==(const BatchNormParts&) const = default;
};

struct InitScale {
  enum class Kind { by_activation, he, xavier, normal };
  Kind kind = Kind::by_activation;  // He before a ReLU, else Xavier
  double sigma = 0;                 // of Kind::normal
};

/// What is trained: all parameters, or only gamma and beta (Frankle et al. 2020, arXiv 2003.00152).
enum class Trained { all, norm };

struct MlpOptions {
  Index in = 0;
  std::vector<Index> hidden = {};  // widths
  Index out = 0;
  Norm norm = Norm::batch;
  BiasRule bias = BiasRule::drop_cancelled;
  Activation activation = Activation::relu;
  double dropout = 0;  // no Dropout layers at 0
  InitScale init = {};
  NormPlace norm_place = NormPlace::before;
  double bn_momentum = 0.1;   // of the running statistics
  BatchNormParts parts = {};  // mean and variance are up to the `op` of make_mlp
  Trained trained = Trained::all;
  bool residual = false;  // hidden blocks as wide as their inputs are Residual
};

}  // namespace tare

namespace TARE_NAMESPACE {

/// Layers whose output is added to their input, which is as wide (He et al. 2016, arXiv 1512.03385).
struct Residual : Sequential {
  Var forward(Var x, Mode mode) override { return x + Sequential::forward(x, mode); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Residual>(*this); }
  std::string describe() const override { return "x + " + Sequential::describe(); }
  bool is_chain() const override { return true; }
};

/// `op` is what its BatchNorms train with. Weights come from the seed's stream for initialization; biases are 0 and
/// draw nothing, so that networks that differ in their biases only start from the same weights.
Sequential make_mlp(const MlpOptions& options, std::uint64_t seed, BatchNormOp op = batch_norm);

Elementwise activation_layer(Activation activation);

}  // namespace TARE_NAMESPACE
