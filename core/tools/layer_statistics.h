// What every layer did in a step of training: how large its outputs and their gradients were, how many of its units
// were saturated, how far its weight moved. Nothing here changes a tape or a model.
//
//   Var loss = softmax_cross_entropy(model.forward(x, Mode::train), labels);
//   zero_grad(parameters);
//   tape.backward(loss);
//   const LayerProbe probe(tape);
//   sgd.step(0.1, tape.workers());
//   for (const LayerStatistics& layer : probe.statistics()) {
//     if (layer.update_ratio) fmt::print("layer {}: {:.4f}\n", layer.place, *layer.update_ratio);
//   }
#pragma once

#include <tare/core/tape.h>

#include <optional>
#include <string>
#include <vector>

namespace tare {

/// The outputs y of a layer and their gradients dL/dy, over the batch and all units, and its weight W: Euclidean norms,
/// in double. Of BatchNorm and LayerNorm the weight is gamma. What a layer does not have is absent, and what is not
/// defined: of a weight of zeros, the last two.
struct LayerStatistics {
  std::string place;  // in the Sequential: "0"; in one inside of it "3.1"
  double output_mean, output_rms;
  std::optional<double> gradient_rms;     // if it was needed on the way to a parameter
  std::optional<double> saturated_share;  // of y: relu 0; sigmoid and tanh within 0.02 of a limit
  std::optional<double> weight_norm;      // |W| before the update
  std::optional<double> weight_gradient_norm;
  std::optional<double> update_ratio;  // |W after - W before| / |W before|
  std::optional<double> angle;         // between W before and W after, in radians
};

}  // namespace tare

namespace TARE_NAMESPACE {

/// Takes the statistics of a step, which forward() of a Sequential has recorded.
class LayerProbe {
 public:
  /// After backward() and before the update: what the tape knows, and a copy of the weights.
  explicit LayerProbe(const Tape& tape);
  /// After the update, with what it has changed; of every layer that has an output, in the order in which they end.
  std::vector<LayerStatistics> statistics() const;

 private:
  struct Weight {
    std::size_t layer;  // place in layers_
    const Parameter* parameter;
    Buffer before;
  };
  std::vector<LayerStatistics> layers_;
  std::vector<Weight> weights_;
};

}  // namespace TARE_NAMESPACE
