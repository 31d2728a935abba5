#include <tare/core/tools/layer_statistics.h>

#include <tare/core/machine/functions.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace TARE_NAMESPACE {
namespace {

auto as_doubles(const View& m) { return ConstRow(m.data(), m.size()).cast<double>(); }

double norm(const View& m) { return std::sqrt(functions::sum(as_doubles(m).square())); }

double rms(const View& m) { return norm(m) / std::sqrt(static_cast<double>(m.size())); }

// The share of outputs at which an activation hardly depends on its input any more.
std::optional<double> saturated_share(std::string_view op, const View& y) {
  constexpr double kNear = 0.02;
  const auto share = [&](const auto& is_saturated) {
    return static_cast<double>(std::count_if(y.data(), y.data() + y.size(), is_saturated)) /
           static_cast<double>(y.size());
  };
  if (op == "relu") return share([](real x) { return x == 0; });
  if (op == "sigmoid") return share([](real x) { return static_cast<double>(std::min(x, 1 - x)) <= kNear; });
  if (op == "tanh") return share([](real x) { return 1 - static_cast<double>(std::abs(x)) <= kNear; });
  return std::nullopt;
}

// 2 atan(|u - v| / |u + v|) of the unit vectors u and v, which is exact for small angles, too, where acos is not.
double angle(const View& a, const View& b) {
  const double norm_a = norm(a), norm_b = norm(b);
  const double apart = std::sqrt(functions::sum((as_doubles(a) * norm_b - as_doubles(b) * norm_a).square()));
  const double together = std::sqrt(functions::sum((as_doubles(a) * norm_b + as_doubles(b) * norm_a).square()));
  return 2 * std::atan2(apart, together);
}

}  // namespace

LayerProbe::LayerProbe(const Tape& tape) {
  std::vector<std::size_t> outputs, weights;  // places on the tape: the last value of every layer, and its weight
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    if (e.layer.empty()) continue;
    if (e.parameter != nullptr && e.parameter->name == "weight") weights.push_back(i);
    if (e.operands[0] < 0) continue;  // a parameter or a constant
    std::erase_if(outputs, [&](std::size_t earlier) { return tape.entry(earlier).layer == e.layer; });
    outputs.push_back(i);
  }
  for (const std::size_t output : outputs) {
    const Tape::Entry e = tape.entry(output);
    LayerStatistics& layer = layers_.emplace_back();
    layer.place = e.layer;
    layer.output_mean = functions::sum(as_doubles(e.value)) / static_cast<double>(e.value.size());
    layer.output_rms = rms(e.value);
    if (e.grad) layer.gradient_rms = rms(*e.grad);
    layer.saturated_share = saturated_share(e.op, e.value);
    for (const std::size_t weight : weights) {
      const Tape::Entry w = tape.entry(weight);
      if (w.layer != e.layer) continue;
      layer.weight_norm = norm(w.value);
      if (w.grad) layer.weight_gradient_norm = norm(*w.grad);
      weights_.push_back({layers_.size() - 1, w.parameter, Buffer(w.value)});
    }
  }
}

std::vector<LayerStatistics> LayerProbe::statistics() const {
  std::vector<LayerStatistics> layers = layers_;
  for (const Weight& w : weights_) {
    LayerStatistics& layer = layers[w.layer];
    if (*layer.weight_norm == 0) continue;
    layer.update_ratio = norm(Buffer(w.parameter->value - w.before)) / *layer.weight_norm;
    layer.angle = angle(w.before, w.parameter->value);
  }
  return layers;
}

}  // namespace TARE_NAMESPACE
