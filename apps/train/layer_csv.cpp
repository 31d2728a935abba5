#include <tare/apps/train/layer_rows.h>

#include <cmath>

namespace tare {

std::string csv(const LayerRow& row) {
  const LayerStatistics& l = row.statistics;
  // NaN without its sign, which is the processor's choice.
  const auto text = [](const std::optional<double>& x) {
    return !x ? std::string() : std::isnan(*x) ? "nan" : fmt::format("{}", *x);
  };
  return fmt::format("{},{},\"{}\",{},{},{},{},{},{},{},{}\n", row.step, l.place, row.description, text(l.output_mean),
                     text(l.output_rms), text(l.gradient_rms), text(l.saturated_share), text(l.weight_norm),
                     text(l.weight_gradient_norm), text(l.update_ratio), text(l.angle));
}

}  // namespace tare
