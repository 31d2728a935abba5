// The fully connected layer.
#pragma once

#include <tare/core/ops/linear.h>
#include <tare/layers/layer.h>

#include <optional>

namespace TARE_NAMESPACE {

class Linear : public Layer {
 public:
  struct Options {
    Index in, out;
    bool bias = true;
  };
  /// With weights N(0, 2 / in), He's (layers/init.h), and a bias of zero. Error unless in and out are at least 1.
  Linear(Options options, Random& random);
  /// All zero, to be initialized or loaded: as it is, a network of these never learns.
  explicit Linear(Options options);

  Var forward(Var x, Mode mode) override;  // [N x in] -> [N x out]
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Linear>(*this); }
  std::string describe() const override;
  Parameters parameters() override;
  std::vector<StateTensor> state() override;

  Parameter weight;               // [out x in]
  std::optional<Parameter> bias;  // [1 x out]; a dropped bias is absent, not zero
};

}  // namespace TARE_NAMESPACE
