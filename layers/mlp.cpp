#include <tare/layers/mlp.h>

#include <tare/layers/init.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>

namespace TARE_NAMESPACE {
namespace {

void initialize(Linear& layer, const MlpOptions& options, bool before_relu, Random& random) {
  using Kind = InitScale::Kind;
  Kind kind = options.init.kind;
  if (kind == Kind::by_activation) kind = before_relu ? Kind::he : Kind::xavier;
  if (kind == Kind::he) init_he(layer.weight, random);
  if (kind == Kind::xavier) init_xavier(layer.weight, random);
  if (kind == Kind::normal) init_normal(layer.weight, options.init.sigma, random);
  for (Parameter* p : layer.parameters()) p->requires_grad = options.trained == Trained::all;
}

}  // namespace

Elementwise activation_layer(Activation activation) {
  switch (activation) {
    case Activation::relu:
      break;
    case Activation::sigmoid:
      return {"Sigmoid", sigmoid};
    case Activation::tanh:
      return {"Tanh", tanh};
  }
  return {"ReLU", relu};
}

Sequential make_mlp(const MlpOptions& options, std::uint64_t seed, BatchNormOp op) {
  Random random(seed, Random::Stream::init);
  Sequential model;
  Index in = options.in;
  for (std::size_t i = 0; i < options.hidden.size(); ++i) {
    const Index out = options.hidden[i];
    const bool norm_first = options.norm_place == NormPlace::before;
    Sequential& block = options.residual && in == out ? model.add(Residual()) : model;
    const auto add_norm = [&] {
      if (options.norm == Norm::layer) block.add(LayerNorm({.features = out}));
      if (options.norm != Norm::batch) return;
      block.add(
          BatchNorm({.features = out, .op = op, .momentum = options.bn_momentum, .affine = options.parts.affine}));
    };
    // A Linear followed by BatchNorm needs no bias: subtracting the batch mean subtracts it again.
    const bool followed_by_batch_norm = options.norm == Norm::batch && norm_first && options.parts.mean;
    const bool keep = options.bias == BiasRule::keep;
    Linear& layer = block.add(Linear({.in = in, .out = out, .bias = keep || !followed_by_batch_norm}));
    initialize(layer, options, options.activation == Activation::relu, random);
    if (norm_first) add_norm();
    block.add(activation_layer(options.activation));
    if (!norm_first) add_norm();
    if (options.dropout != 0) block.add(Dropout(options.dropout, Random(seed, Random::Stream::dropout, i)));
    in = out;
  }
  Linear& output = model.add(Linear({.in = in, .out = options.out}));
  initialize(output, options, false, random);
  return model;
}

}  // namespace TARE_NAMESPACE
