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

}  // namespace

Sequential fold_batch_norm(const Sequential& model) {
  bool any = false;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (batch_norm_at(model, i) == nullptr) continue;
    if (i == 0 || dynamic_cast<const Linear*>(&model[i - 1]) == nullptr) {
      throw Error("layer {}, {}: expected a Linear right before it to fold it into, found {}", i, model[i].describe(),
                  i == 0 ? "nothing" : model[i - 1].describe());
    }
    any = true;
  }
  if (!any) throw Error("{}: expected a BatchNorm to fold, found none", model.describe());
  return fold_where_possible(model);
}

Sequential fold_where_possible(const Sequential& model) {
  Sequential folded;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const auto* linear = dynamic_cast<const Linear*>(&model[i]);
    const BatchNorm* norm = batch_norm_at(model, i + 1);
    if (linear == nullptr || norm == nullptr) {
      folded.add(model[i].clone());
      continue;
    }
    check_widths(*linear, *norm, i + 1);
    folded.add(fold(*linear, *norm));
    ++i;  // the BatchNorm is done with
  }
  return folded;
}

Sequential drop_cancelled_biases(const Sequential& model) {
  Sequential dropped = model;
  bool any = false;
  for (std::size_t i = 0; i + 1 < dropped.size(); ++i) {
    auto* linear = dynamic_cast<Linear*>(&dropped[i]);
    auto* norm = dynamic_cast<BatchNorm*>(&dropped[i + 1]);
    if (linear == nullptr || norm == nullptr || !linear->bias) continue;
    check_widths(*linear, *norm, i + 1);
    norm->running_mean -= linear->bias->value;  // [BIAS-3]
    linear->bias.reset();
    any = true;
  }
  if (!any) throw Error("{}: expected a bias before a BatchNorm to drop, found none", model.describe());
  return dropped;
}

}  // namespace TARE_NAMESPACE
