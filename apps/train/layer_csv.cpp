#include <tare/apps/train/layer_rows.h>

namespace tare {

std::string csv(const LayerRow& row) {
  const LayerStatistics& l = row.statistics;
  const auto text = [](const std::optional<double>& x) { return x ? fmt::format("{}", *x) : std::string(); };
  return fmt::format("{},{},\"{}\",{},{},{},{},{},{},{},{}\n", row.step, l.place, row.description, l.output_mean,
                     l.output_rms, text(l.gradient_rms), text(l.saturated_share), text(l.weight_norm),
                     text(l.weight_gradient_norm), text(l.update_ratio), text(l.angle));
}

}  // namespace tare
