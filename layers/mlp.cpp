#include <tare/layers/mlp.h>

#include <tare/layers/init.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>

namespace TARE_NAMESPACE {
namespace {

void initialize(Linear& layer, InitScale scale, bool before_relu, Random& random) {
  using Kind = InitScale::Kind;
  Kind kind = scale.kind;
  if (kind == Kind::by_activation) kind = before_relu ? Kind::he : Kind::xavier;
  if (kind == Kind::he) init_he(layer.weight, random);
  if (kind == Kind::xavier) init_xavier(layer.weight, random);
  if (kind == Kind::normal) init_normal(layer.weight, scale.sigma, random);
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
    // A Linear followed by BatchNorm needs no bias: subtracting the batch mean subtracts it again.
    const bool followed_by_batch_norm = options.norm == Norm::batch;
    const bool keep = options.bias == BiasRule::keep;
    Linear& layer = model.add(Linear({.in = in, .out = out, .bias = keep || !followed_by_batch_norm}));
    initialize(layer, options.init, options.activation == Activation::relu, random);
    if (followed_by_batch_norm) model.add(BatchNorm({.features = out, .op = op}));
    if (options.norm == Norm::layer) model.add(LayerNorm({.features = out}));
    model.add(activation_layer(options.activation));
    if (options.dropout != 0) model.add(Dropout(options.dropout, Random(seed, Random::Stream::dropout, i)));
    in = out;
  }
  Linear& output = model.add(Linear({.in = in, .out = options.out}));
  initialize(output, options.init, false, random);
  return model;
}

}  // namespace TARE_NAMESPACE
