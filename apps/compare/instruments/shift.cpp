// How much the distribution of an activation's inputs moves from step to step; and BatchNorm with noise after it that
// makes it move (Santurkar et al. 2018, arXiv 1805.11604, section 2.1 and appendix A).
//
// Settings: `noise` 1: with the noise.
#include <tare/apps/compare/instruments/instruments.h>
#include <tare/core/ops/ops.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

// In training, y_ij = s_ij z_ij + m_ij with z from BatchNorm, of sample i and unit j. The noise is drawn around means
// that are themselves drawn anew in every step: m_ij ~ U(mu_j - 0.5, mu_j + 0.5) with mu_j ~ U(-0.5, 0.5), and
// s_ij ~ N(sigma_j, 0.5^2) with sigma_j ~ U(1, 1.25).
class NoisyBatchNorm : public BatchNorm {
 public:
  NoisyBatchNorm(const BatchNorm& norm, const Random& random) : BatchNorm(norm), random_(random) {}

  Var forward(Var x, Mode mode) override {
    Var z = BatchNorm::forward(x, mode);
    if (mode == Mode::eval) return z;
    Var shift = x.tape().constant(x.rows(), x.cols()), scale = x.tape().constant(x.rows(), x.cols());
    MatrixMap m = shift.mutable_value(), s = scale.mutable_value();
    for (Index j = 0; j < x.cols(); ++j) {
      const double mu = random_.uniform() - 0.5, sigma = 1 + 0.25 * random_.uniform();
      for (Index i = 0; i < x.rows(); ++i) {
        m(i, j) = static_cast<real>(mu + random_.uniform() - 0.5);
        s(i, j) = static_cast<real>(sigma + 0.5 * random_.normal());
      }
    }
    return scale * z + shift;
  }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<NoisyBatchNorm>(*this); }
  std::vector<Random*> generators() override { return {&random_}; }

 private:
  Random random_;
};

class ShiftInstrument : public Instrument {
 public:
  using Instrument::Instrument;

  void start(Sequential& model) override {
    for (std::size_t i = 0; i < model.size(); ++i) {
      const auto* norm = dynamic_cast<const BatchNorm*>(&model[i]);
      if (norm != nullptr && setting.of("noise") != 0) {
        const Random random(setting.options.seed, Random::Stream::own, i);
        model.replace(i, std::make_unique<NoisyBatchNorm>(*norm, random));
      }
      if (i > 0 && dynamic_cast<const Elementwise*>(&model[i]) != nullptr) inputs_.push_back(i - 1);
    }
    last_.resize(inputs_.size());
  }

  // Of every step but the first, over all units: "shift", the root mean square of how far the mean of an activation's
  // input over the batch has moved since the step before, in deviations.
  void before_update(std::int64_t step, const Tape& tape) override {
    double squares = 0, units = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      Moments now = column_moments(output_of(tape, inputs_[i]).value);
      for (std::size_t k = 0; step > 1 && k < now.mean.size(); ++k) {
        const double moved = now.mean[k] - last_[i].mean[k];
        if (last_[i].variance[k] > 0) squares += moved * moved / last_[i].variance[k];
        ++units;
      }
      last_[i] = std::move(now);
    }
    if (step > 1) measured["shift"].push_back(std::sqrt(squares / units));
  }

 private:
  std::vector<std::size_t> inputs_;  // layers whose outputs are the inputs of activations
  std::vector<Moments> last_;        // of these, in the step before
};

}  // namespace

std::unique_ptr<Instrument> make_shift_instrument(const RunSetting& setting) {
  return std::make_unique<ShiftInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
