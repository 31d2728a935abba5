// The gammas that training ends with.
#include <tare/apps/compare/instruments/instruments.h>

namespace TARE_NAMESPACE {
namespace {

class GammaInstrument : public Instrument {
 public:
  using Instrument::Instrument;

  void start(Sequential& model) override { model_ = &model; }

  // "gamma": of all BatchNorms.
  void finish() override {
    for (const Layer* layer : innermost_layers(*model_)) {
      const auto* norm = dynamic_cast<const BatchNorm*>(layer);
      if (norm == nullptr) continue;
      for (real gamma : norm->gamma.value.reshaped()) measured["gamma"].push_back(static_cast<double>(gamma));
    }
  }

 private:
  const Sequential* model_ = nullptr;
};

}  // namespace

std::unique_ptr<Instrument> make_gamma_instrument(const RunSetting& setting) {
  return std::make_unique<GammaInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
