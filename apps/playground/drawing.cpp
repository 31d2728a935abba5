#include <tare/apps/playground/drawing.h>

#include <tare/datasets/batches.h>
#include <tare/datasets/pictures/network_input.h>
#include <tare/layers/layer.h>
#include <tare/optim/training/predict.h>

namespace TARE_NAMESPACE {

void check_for_digits(const SavedModel& model, const std::string& file) {
  constexpr Index kClasses = 10;
  if (model.inputs != kDigitPixels || model.outputs != kClasses) {
    throw Error("{}: expected a model of {} pixels and {} classes, found {} and {}", file, kDigitPixels, kClasses,
                model.inputs, model.outputs);
  }
}

nlohmann::json read_digits(const Sequential& model, Pixels pixels, const GrayImage& picture) {
  const NetworkInputs inputs = network_inputs(picture, kDigitSide, "picture");
  nlohmann::json digits = nlohmann::json::array();
  Tape tape(Tape::Gradients::none);
  for (const GrayImage& digit : inputs.pictures) {
    tape.clear();
    const Var logits = evaluate(model, gather(image_set(digit), pixels, 0, 1, tape));
    const View row = logits.value();
    digits.push_back({{"pixels", digit.pixels},
                      {"logits", std::vector(row.data(), row.data() + row.size())},
                      {"probabilities", probabilities(row, 0)}});
  }
  return {{"digits", digits}, {"notices", inputs.notices}};
}

}  // namespace TARE_NAMESPACE
