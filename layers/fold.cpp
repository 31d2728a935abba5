#include <tare/layers/fold.h>

#include <tare/layers/batch_norm.h>
#include <tare/layers/linear.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

// The BatchNorm at place i of the model, or null.
const BatchNorm* batch_norm_at(const Sequential& model, std::size_t i) {
  return i < model.size() ? dynamic_cast<const BatchNorm*>(&model[i]) : nullptr;
}

void check_widths(const Linear& linear, const BatchNorm& norm, std::size_t place_of_norm) {
  if (norm.options.features == linear.weight.value.rows()) return;
  throw Error("layer {}, {}: expected as many features as {} puts out", place_of_norm, norm.describe(),
              linear.describe());
}

Linear fold(const Linear& linear, const BatchNorm& norm) {
  Linear folded({.in = linear.weight.value.cols(), .out = linear.weight.value.rows(), .bias = true});
  for (Index k = 0; k < linear.weight.value.rows(); ++k) {
    // In double also for float models: this is done once, and the products that follow see one rounding less.
    const double s = std::sqrt(static_cast<double>(norm.running_var(0, k)) + norm.options.eps);
    const double factor = static_cast<double>(norm.gamma.value(0, k)) / s;
    const double b = linear.bias ? static_cast<double>(linear.bias->value(0, k)) : 0;
    const double beta = static_cast<double>(norm.beta.value(0, k)), mean = static_cast<double>(norm.running_mean(0, k));
    folded.weight.value.row(k) = (factor * linear.weight.value.row(k).cast<double>()).cast<real>();  // [FOLD-1]
    folded.bias->value(0, k) = static_cast<real>(beta + factor * (b - mean));                        // [FOLD-2]
  }
  return folded;
}

// Folds what can be folded, also inside of layers made of layers, and returns how many BatchNorms are gone.
int fold_in_place(Sequential& model) {
  int folded = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (auto* inner = dynamic_cast<Sequential*>(&model[i])) folded += fold_in_place(*inner);
    const auto* linear = dynamic_cast<const Linear*>(&model[i]);
    const BatchNorm* norm = batch_norm_at(model, i + 1);
    if (linear == nullptr || norm == nullptr || !model.is_chain()) continue;
    check_widths(*linear, *norm, i + 1);
    model.replace(i, std::make_unique<Linear>(fold(*linear, *norm)));
    model.erase(i + 1);
    ++folded;
  }
  return folded;
}

// Error if a BatchNorm is left. `outer` is the model's own place: "2.".
void check_folded(const Sequential& model, const std::string& outer) {
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (const auto* inner = dynamic_cast<const Sequential*>(&model[i])) {
      check_folded(*inner, fmt::format("{}{}.", outer, i));
    }
    if (batch_norm_at(model, i) == nullptr) continue;
    if (!model.is_chain()) {
      throw Error("layer {}{}, {}: expected layers that are a chain to fold it into, found others", outer, i,
                  model[i].describe());
    }
    throw Error("layer {}{}, {}: expected a Linear right before it to fold it into, found {}", outer, i,
                model[i].describe(), i == 0 ? "nothing" : model[i - 1].describe());
  }
}

// A copy of a class derived from Sequential, as a Sequential, would forget how its layers are wired.
void check_plain(const Sequential& model) {
  if (typeid(model) == typeid(Sequential)) return;
  throw Error("{}: expected a Sequential itself, found a class derived from it; put it into one", model.describe());
}

bool drop_in_place(Sequential& model) {
  bool any = false;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (auto* inner = dynamic_cast<Sequential*>(&model[i])) any |= drop_in_place(*inner);
    auto* linear = dynamic_cast<Linear*>(&model[i]);
    auto* norm = i + 1 < model.size() ? dynamic_cast<BatchNorm*>(&model[i + 1]) : nullptr;
    if (linear == nullptr || norm == nullptr || !linear->bias || !model.is_chain()) continue;
    check_widths(*linear, *norm, i + 1);
    norm->running_mean -= linear->bias->value;  // [BIAS-3]
    linear->bias.reset();
    any = true;
  }
  return any;
}

}  // namespace

Sequential fold_batch_norm(const Sequential& model) {
  check_plain(model);
  Sequential folded = model;
  const int count = fold_in_place(folded);
  check_folded(folded, "");
  if (count == 0) throw Error("{}: expected a BatchNorm to fold, found none", model.describe());
  return folded;
}

std::unique_ptr<Layer> fold_where_possible(const Layer& model) {
  std::unique_ptr<Layer> folded = model.clone();
  if (auto* chain = dynamic_cast<Sequential*>(folded.get())) fold_in_place(*chain);
  return folded;
}

Sequential drop_cancelled_biases(const Sequential& model) {
  check_plain(model);
  Sequential dropped = model;
  if (!drop_in_place(dropped)) {
    throw Error("{}: expected a bias before a BatchNorm to drop, found none", model.describe());
  }
  return dropped;
}

}  // namespace TARE_NAMESPACE
