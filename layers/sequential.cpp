#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE {

Sequential::Sequential(const Sequential& other) : Layer(other) {
  for (const auto& layer : other.layers_) layers_.push_back(layer->clone());
}

Layer& Sequential::add(std::unique_ptr<Layer> layer) {
  if (layer == nullptr) throw Error("Sequential: layer {}: expected a layer, found none", layers_.size());
  return *layers_.emplace_back(std::move(layer));
}

Var Sequential::forward(Var x, Mode mode) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Tape::LayerScope scope(x.tape(), i);
    try {
      x = layers_[i]->forward(x, mode);
    } catch (const Error& error) {
      throw Error("layer {}, {}: {}", i, layers_[i]->describe(), error.what());
    }
  }
  return x;
}

std::string Sequential::describe() const {
  std::string text;
  for (const auto& layer : layers_) text += (text.empty() ? "" : " - ") + layer->describe();
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

std::vector<Random*> Sequential::generators() {
  std::vector<Random*> all;
  for (const auto& layer : layers_) {
    for (Random* generator : layer->generators()) all.push_back(generator);
  }
  return all;
}

}  // namespace TARE_NAMESPACE
