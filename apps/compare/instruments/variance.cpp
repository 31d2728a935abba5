// How large the outputs of hidden blocks are, of a network as it is initialized: residual ones add up.
#include <tare/apps/compare/instruments/instruments.h>
#include <tare/layers/mlp.h>

namespace TARE_NAMESPACE {
namespace {

class VarianceInstrument : public Instrument {
 public:
  using Instrument::Instrument;

  // Of every hidden block's output, from the first to the last: "variance" over the batch, and "mean square"; means
  // over the units.
  void start(Sequential& model) override {
    const std::unique_ptr<Layer> copy = model.clone();  // whose running statistics nobody needs
    auto& blocks = dynamic_cast<Sequential&>(*copy);
    Tape tape(setting.workers, Tape::Gradients::none);
    Batches batches = setting.batches();
    Var x = batches.at(0, tape).x;
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) {
      x = blocks.forward_layer(i, x, Mode::train);
      const bool ends_block = dynamic_cast<const Residual*>(&blocks[i]) != nullptr ||
                              dynamic_cast<const Linear*>(&blocks[i + 1]) != nullptr ||
                              dynamic_cast<const Residual*>(&blocks[i + 1]) != nullptr;
      if (!ends_block) continue;
      const Moments m = column_moments(x.value());
      double squares = 0;
      for (std::size_t k = 0; k < m.mean.size(); ++k) squares += m.variance[k] + m.mean[k] * m.mean[k];
      measured["variance"].push_back(mean_of(m.variance));
      measured["mean square"].push_back(squares / static_cast<double>(m.mean.size()));
    }
  }
};

}  // namespace

std::unique_ptr<Instrument> make_variance_instrument(const RunSetting& setting) {
  return std::make_unique<VarianceInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
