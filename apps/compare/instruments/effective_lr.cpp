// What BatchNorm makes of the scale of the weights before it: a learning rate for weights that were started larger or
// smaller, their norms from step to step, and the angles that they turn by.
//
// Settings: `a`, by which the weights before BatchNorm are multiplied at the start, and their learning rate by a^2
// (without: neither); `eps` of BatchNorm.
#include <tare/apps/compare/instruments/instruments.h>

#include <algorithm>
#include <cmath>

namespace TARE_NAMESPACE {
namespace {

// Plain SGD with another learning rate for some of the parameters.
class TwoRates : public Optimizer {
 public:
  TwoRates(Parameters scaled, double factor, Parameters others)
      : scaled_(std::move(scaled), {}), others_(std::move(others), {}), factor_(factor) {}
  void step(double lr, Workers& workers) override {
    scaled_.step(factor_ * lr, workers);
    others_.step(lr, workers);
  }
  std::vector<StateTensor> state() override { return {}; }

 private:
  Sgd scaled_, others_;
  double factor_;
};

double norm2(const Buffer& m, Index row) { return static_cast<double>(m.row(row).squaredNorm()); }

// Between two rows, in radians.
double angle(const Buffer& a, const Buffer& b, Index row) {
  const auto u = a.row(row).cast<double>().normalized().eval(), v = b.row(row).cast<double>().normalized().eval();
  return 2 * std::atan2((u - v).norm(), (u + v).norm());
}

class EffectiveLrInstrument : public Instrument {
 public:
  using Instrument::Instrument;

  void start(Sequential& model) override {
    model_ = &model;
    layers_ = normalized_linears(model);
    for (const NormalizedLinear& l : layers_) {
      if (setting.settings.contains("eps")) l.norm->options.eps = setting.of("eps");
      if (const double a = setting.of("a"); a != 0) l.linear->weight.value *= static_cast<real>(a);
    }
  }

  std::unique_ptr<Optimizer> optimizer() override {
    const double a = setting.of("a");
    if (a == 0) return nullptr;
    Parameters scaled, others;
    for (Parameter* p : model_->parameters()) {
      const bool normalized = std::ranges::any_of(layers_, [&](const auto& l) { return p == &l.linear->weight; });
      (normalized ? scaled : others).push_back(p);
    }
    return std::make_unique<TwoRates>(scaled, a * a, others);
  }

  // "loss" of every step.
  void before_update(std::int64_t /*step*/, const Tape& tape) override {
    measured["loss"].push_back(static_cast<double>(tape.entry(tape.size() - 1).value(0, 0)));
    before_.clear();
    leak_.clear();
    for (const NormalizedLinear& l : layers_) {
      before_.push_back(l.linear->weight.value);
      // By how much eps keeps a row w and its gradient g from being orthogonal: with x = w'z and y = gamma xhat + beta,
      // the derivative of the loss by log |w| is  w'g = gamma dgamma eps / (variance + eps).
      const std::vector<double> variance = column_moments(output_of(tape, l.place).value).variance;
      std::vector<double>& leak = leak_.emplace_back();
      for (std::size_t k = 0; k < variance.size(); ++k) {
        const auto at = static_cast<Index>(k);
        leak.push_back(static_cast<double>(l.norm->gamma.value(0, at)) *
                       static_cast<double>(l.norm->gamma.grad(0, at)) * l.norm->options.eps /
                       (variance[k] + l.norm->options.eps));
      }
    }
  }

  // Of every step, over all rows of weights before BatchNorm: the "angle" between a row before and after it, root mean
  // square; the largest "norm error" | |w'|^2 - |w|^2 - lr^2 |g|^2 | / |w|^2; and what is left of that error when the
  // part that eps explains is taken away, "norm error without eps".
  void after_step(std::int64_t /*step*/) override {
    const double a = setting.of("a"), lr = setting.options.lr * (a == 0 ? 1 : a * a);
    double squares = 0, rows = 0, error = 0, unexplained = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      const Parameter& weight = layers_[i].linear->weight;
      for (Index k = 0; k < weight.value.rows(); ++k) {
        const double turned = angle(before_[i], weight.value, k);
        squares += turned * turned;
        ++rows;
        const double before = norm2(before_[i], k);
        const double grown = norm2(weight.value, k) - before - lr * lr * norm2(weight.grad, k);
        error = std::max(error, std::abs(grown) / before);
        unexplained = std::max(unexplained, std::abs(grown + 2 * lr * leak_[i][static_cast<std::size_t>(k)]) / before);
      }
    }
    measured["angle"].push_back(std::sqrt(squares / rows));
    if (a == 0) return;  // with momentum or decay a row does not only move along its gradient
    measured["norm error"].push_back(error);
    measured["norm error without eps"].push_back(unexplained);
  }

 private:
  Sequential* model_ = nullptr;
  std::vector<NormalizedLinear> layers_;
  std::vector<Buffer> before_;
  std::vector<std::vector<double>> leak_;
};

}  // namespace

std::unique_ptr<Instrument> make_effective_lr_instrument(const RunSetting& setting) {
  return std::make_unique<EffectiveLrInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
