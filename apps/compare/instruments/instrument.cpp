#include <tare/apps/compare/instruments/instruments.h>

#include <numeric>

namespace TARE_NAMESPACE {

std::unique_ptr<Instrument> make_instrument(Measure measure, const RunSetting& setting) {
  switch (measure) {
    case Measure::nothing:
      break;
    case Measure::effective_lr:
      return make_effective_lr_instrument(setting);
    case Measure::gradient:
      return make_gradient_instrument(setting);
    case Measure::landscape:
      return make_landscape_instrument(setting);
    case Measure::shift:
      return make_shift_instrument(setting);
    case Measure::gamma:
      return make_gamma_instrument(setting);
    case Measure::variance:
      return make_variance_instrument(setting);
    case Measure::dropout:
      return make_dropout_instrument(setting);
  }
  return nullptr;
}

std::vector<NormalizedLinear> normalized_linears(Sequential& model) {
  std::vector<NormalizedLinear> all;
  for (std::size_t i = 0; i + 1 < model.size(); ++i) {
    auto* linear = dynamic_cast<Linear*>(&model[i]);
    auto* norm = dynamic_cast<BatchNorm*>(&model[i + 1]);
    if (linear != nullptr && norm != nullptr) all.push_back({i, linear, norm});
  }
  return all;
}

Tape::Entry output_of(const Tape& tape, std::size_t place) {
  const std::string name = fmt::format("{}", place);
  for (std::size_t i = tape.size(); i-- > 0;) {
    const Tape::Entry e = tape.entry(i);
    if (e.layer == name && e.parameter == nullptr) return e;
  }
  throw Error("layer {}: expected its output on the tape, found none", place);
}

Moments column_moments(const View& x) {
  Moments m{std::vector<double>(static_cast<std::size_t>(x.cols())),
            std::vector<double>(static_cast<std::size_t>(x.cols()))};
  const auto n = static_cast<double>(x.rows());
  for (Index k = 0; k < x.cols(); ++k) {
    double &mean = m.mean[static_cast<std::size_t>(k)], &variance = m.variance[static_cast<std::size_t>(k)];
    for (Index i = 0; i < x.rows(); ++i) mean += static_cast<double>(x(i, k)) / n;
    for (Index i = 0; i < x.rows(); ++i) {
      const double d = static_cast<double>(x(i, k)) - mean;
      variance += d * d / n;
    }
  }
  return m;
}

double mean_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

}  // namespace TARE_NAMESPACE
