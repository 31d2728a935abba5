#include <tare/apps/train/layer_rows.h>

#include <charconv>

namespace TARE_NAMESPACE {
namespace {

// The layer at a place such as "3.1".
const Layer& layer_at(const Sequential& model, std::string_view place) {
  std::size_t number = 0;
  const char* const end = place.data() + place.size();
  const char* const rest = std::from_chars(place.data(), end, number).ptr;
  if (rest == end) return model[number];
  return layer_at(dynamic_cast<const Sequential&>(model[number]), {rest + 1, end});
}

}  // namespace

std::vector<LayerRow> layer_rows(std::int64_t step, const LayerProbe& probe, const Sequential& model) {
  std::vector<LayerRow> rows;
  for (const LayerStatistics& layer : probe.statistics()) {
    rows.push_back({step, layer_at(model, layer.place).describe(), layer});
  }
  return rows;
}

}  // namespace TARE_NAMESPACE
