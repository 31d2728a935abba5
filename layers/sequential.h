// A chain of layers, each fed with the one before. Its positions number the tensors as PyTorch's nn.Sequential does;
// a layer may itself be a Sequential. A layer made of layers in any other way is one, too, and says in forward() how
// they are wired: Residual, in layers/mlp.h. Its parameters, state, generators and names, folding and checkpoints then
// follow from its layers.
#pragma once

#include <tare/layers/layer.h>

#include <concepts>
#include <typeinfo>

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
  /// Puts another layer, which must not be null, in the place of layer i, or takes it out.
  void replace(std::size_t i, std::unique_ptr<Layer> layer);
  void erase(std::size_t i);

  /// x through all layers.
  Var forward(Var x, Mode mode) override;
  /// Whether forward() passes x from each layer to the next, so that neighbours may be folded into one (layers/fold.h).
  /// A class derived from this one is not asked to, and says so if it does.
  virtual bool is_chain() const { return typeid(*this) == typeid(Sequential); }
  /// x through layer i. An Error inside it is rethrown with its number and description in front.
  Var forward_layer(std::size_t i, Var x, Mode mode);
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Sequential>(*this); }
  /// "Linear(784, 256, no bias) - BatchNorm(256) - ReLU - ...", with a Sequential inside in brackets.
  std::string describe() const override;
  Parameters parameters() override;
  std::vector<StateTensor> state() override;  // "0.weight", "1.running_mean", "2.0.weight", ...
  std::vector<Random*> generators() override;

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

/// The layers of a model in their order; in the place of a Sequential inside stand its layers.
std::vector<const Layer*> innermost_layers(const Sequential& model);

}  // namespace TARE_NAMESPACE
