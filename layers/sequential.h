// A chain of layers, each fed with the one before. Its positions number the tensors as PyTorch's nn.Sequential does;
// a layer may itself be a Sequential.
#pragma once

#include <tare/layers/layer.h>

#include <concepts>

namespace TARE_NAMESPACE {

class Sequential : public Layer {
 public:
  Sequential() = default;
  Sequential(const Sequential& other);
  Sequential(Sequential&&) = default;
  Sequential& operator=(Sequential other) {
    layers_.swap(other.layers_);
    return *this;
  }

  /// Appends a layer, of which a pointer must not be null, and returns it.
  template <std::derived_from<Layer> L>
  L& add(L layer) {
    return static_cast<L&>(add(std::make_unique<L>(std::move(layer))));
  }

  Layer& add(std::unique_ptr<Layer> layer);

  std::size_t size() const { return layers_.size(); }
  Layer& operator[](std::size_t i) { return *layers_[i]; }
  const Layer& operator[](std::size_t i) const { return *layers_[i]; }

  /// An Error inside a layer is rethrown with the layer's number and description in front.
  Var forward(Var x, Mode mode) override;
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Sequential>(*this); }
  std::string describe() const override;  // "Linear(784, 256, no bias) - BatchNorm(256) - ReLU - ..."
  Parameters parameters() override;
  std::vector<StateTensor> state() override;  // "0.weight", "1.running_mean", "2.0.weight", ...
  std::vector<Random*> generators() override;

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace TARE_NAMESPACE
