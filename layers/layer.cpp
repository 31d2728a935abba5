#include <tare/layers/layer.h>

namespace TARE_NAMESPACE {

// These call what is not const, and change nothing: evaluation leaves a layer as it is, and a tape without gradients
// adds none to its parameters.

Var evaluate(const Layer& layer, Var x) {
  if (x.tape().records_gradients())
    throw Error("evaluate: expected a tape with Gradients::none, found one that records");
  return const_cast<Layer&>(layer).forward(x, Mode::eval);
}

std::vector<const Parameter*> parameters_of(const Layer& layer) {
  const Parameters parameters = const_cast<Layer&>(layer).parameters();
  return {parameters.begin(), parameters.end()};
}

std::vector<const Random*> generators_of(const Layer& layer) {
  const std::vector<Random*> generators = const_cast<Layer&>(layer).generators();
  return {generators.begin(), generators.end()};
}

Parameters trained_parameters(Layer& layer) {
  Parameters trained = layer.parameters();
  std::erase_if(trained, [](const Parameter* p) { return !p->requires_grad; });
  return trained;
}

Index count_parameters(const Layer& layer) {
  Index n = 0;
  for (const Parameter* p : parameters_of(layer)) n += p->requires_grad ? p->value.size() : 0;
  return n;
}

}  // namespace TARE_NAMESPACE
