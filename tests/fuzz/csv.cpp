// Fuzzes the reader of tables.
#include <tare/datasets/csv.h>
#include "tests/fuzz/fuzzing.h"

#include <algorithm>
#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tare;
  return testing::fuzz(data, size, [](std::string_view bytes) {
    const CsvTable table = decode_csv(bytes, testing::kFuzzName);
    const auto classes = static_cast<int>(table.classes.size());
    return std::ssize(table.numbers) == table.rows() * std::ssize(table.columns) &&
           std::ssize(table.labels) == table.rows() &&
           std::ranges::all_of(table.numbers, [](double x) { return std::isfinite(x); }) &&
           std::ranges::all_of(table.labels, [&](int label) { return label >= 0 && label < classes; });
  });
}
