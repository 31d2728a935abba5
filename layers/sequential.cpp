#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE {

Sequential::Sequential(const Sequential& other) : Layer(other) {
  for (const auto& layer : other.layers_) {
    layers_.push_back(layer->clone());
    const Layer &original = *layer, &copy = *layers_.back();
    if (typeid(copy) != typeid(original)) {
      throw Error("layer {}, {}: expected clone() to make a layer of its own type, found another: override it",
                  layers_.size() - 1, layer->describe());
    }
  }
}

Layer& Sequential::add(std::unique_ptr<Layer> layer) {
  if (layer == nullptr) throw Error("Sequential: layer {}: expected a layer, found none", layers_.size());
  return *layers_.emplace_back(std::move(layer));
}

void Sequential::replace(std::size_t i, std::unique_ptr<Layer> layer) {
  check(i < layers_.size(), "Sequential: replace", fmt::format("a layer below {}", layers_.size()).c_str(), i);
  if (layer == nullptr) throw Error("Sequential: layer {}: expected a layer, found none", i);
  layers_[i] = std::move(layer);
}

void Sequential::erase(std::size_t i) {
  check(i < layers_.size(), "Sequential: erase", fmt::format("a layer below {}", layers_.size()).c_str(), i);
  layers_.erase(layers_.begin() + static_cast<std::ptrdiff_t>(i));
}

Var Sequential::forward(Var x, Mode mode) {
  for (std::size_t i = 0; i < layers_.size(); ++i) x = forward_layer(i, x, mode);
  return x;
}

Var Sequential::forward_layer(std::size_t i, Var x, Mode mode) {
  check(i < layers_.size(), "Sequential: forward_layer", fmt::format("a layer below {}", layers_.size()).c_str(), i);
  const Tape::LayerScope scope(x.tape(), i);
  try {
    return layers_[i]->forward(x, mode);
  } catch (const Error& error) {
    throw Error("layer {}, {}: {}", i, layers_[i]->describe(), error.what());
  }
}

std::string Sequential::describe() const {
  std::string text;
  for (const auto& layer : layers_) {
    const bool nested = dynamic_cast<const Sequential*>(layer.get()) != nullptr;
    if (!text.empty()) text += " - ";
    text += nested ? fmt::format("({})", layer->describe()) : layer->describe();
  }
  return text;
}

Parameters Sequential::parameters() {
  Parameters all;
  for (const auto& layer : layers_) {
    for (Parameter* p : layer->parameters()) all.push_back(p);
  }
  return all;
}

std::vector<StateTensor> Sequential::state() {
  std::vector<StateTensor> all;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    for (StateTensor& tensor : layers_[i]->state()) {
      tensor.name = fmt::format("{}.{}", i, tensor.name);
      all.push_back(tensor);
    }
  }
  return all;
}

std::vector<const Layer*> innermost_layers(const Sequential& model) {
  std::vector<const Layer*> all;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (const auto* inner = dynamic_cast<const Sequential*>(&model[i])) {
      for (const Layer* layer : innermost_layers(*inner)) all.push_back(layer);
    } else {
      all.push_back(&model[i]);
    }
  }
  return all;
}

std::vector<Random*> Sequential::generators() {
  std::vector<Random*> all;
  for (const auto& layer : layers_) {
    for (Random* generator : layer->generators()) all.push_back(generator);
  }
  return all;
}

}  // namespace TARE_NAMESPACE
