// How the gradient grows on its way back through the hidden layers of a network as it is initialized.
#include <tare/apps/compare/instruments/instruments.h>
#include <tare/core/ops/ops.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

double mean_square(const View& m) { return static_cast<double>(m.squaredNorm()) / static_cast<double>(m.size()); }

class GradientInstrument : public Instrument {
 public:
  using Instrument::Instrument;
  bool trains() const override { return false; }

  // Of every hidden Linear's output, from the first to the last: "mean square" and "gradient mean square", for a random
  // gradient at the output of the last hidden layer.
  void start(Sequential& model) override {
    Tape tape(setting.workers);
    Batches batches = setting.batches();
    Var x = batches.at(0, tape).x;
    for (std::size_t i = 0; i + 1 < model.size(); ++i) x = model.forward_layer(i, x, Mode::train);
    Var upstream = tape.constant(x.rows(), x.cols());
    Random random(setting.options.seed);
    for (real& g : upstream.mutable_value().reshaped<Eigen::RowMajor>()) g = static_cast<real>(random.normal());
    tape.backward(sum(x * upstream));
    for (std::size_t i = 0; i + 1 < model.size(); ++i) {
      if (dynamic_cast<const Linear*>(&model[i]) == nullptr) continue;
      const Tape::Entry y = output_of(tape, i);
      measured["mean square"].push_back(mean_square(y.value));
      measured["gradient mean square"].push_back(mean_square(*y.grad));
    }
  }
};

}  // namespace

std::unique_ptr<Instrument> make_gradient_instrument(const RunSetting& setting) {
  return std::make_unique<GradientInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
