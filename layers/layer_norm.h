// Layer normalization as a layer: the op of core/ops/layer_norm.h and its parameters; the same in training and
// evaluation.
#pragma once

#include <tare/core/ops/layer_norm.h>
#include <tare/layers/layer.h>

#include <cmath>

namespace TARE_NAMESPACE {

class LayerNorm : public Layer {
 public:
  struct Options {
    Index features;
    double eps = 1e-5;
  };
  /// Error, naming the field, unless features >= 1 and eps >= 0.
  explicit LayerNorm(Options o) : options(checked(o)), gamma("weight", 1, o.features), beta("bias", 1, o.features) {
    gamma.value.setOnes();
  }

  Var forward(Var x, Mode) override {
    Var gamma_leaf = x.tape().leaf(gamma), beta_leaf = x.tape().leaf(beta);
    return layer_norm(x, gamma_leaf, beta_leaf, static_cast<real>(options.eps));
  }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<LayerNorm>(*this); }
  std::string describe() const override { return fmt::format("LayerNorm({})", options.features); }
  Parameters parameters() override { return {&gamma, &beta}; }
  std::vector<StateTensor> state() override {
    return {{gamma.name, {options.features}, gamma.value}, {beta.name, {options.features}, beta.value}};
  }

  Options options;
  Parameter gamma, beta;  // [1 x features], 1 and 0 at first

 private:
  static const Options& checked(const Options& o) {
    check(o.features >= 1, "LayerNorm: features", "at least 1", o.features);
    check(o.eps >= 0 && std::isfinite(o.eps), "LayerNorm: eps", "a finite number of at least 0", o.eps);
    return o;
  }
};

}  // namespace TARE_NAMESPACE
