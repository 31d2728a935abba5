// Fuzzes the reader of IDX files, raw and compressed, images and labels.
#include <tare/datasets/idx.h>
#include "tests/fuzz/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tare;
  const std::string name = testing::kFuzzName;
  testing::fuzz(data, size, [&](std::string_view bytes) {
    return !decode_idx_labels({bytes.begin(), bytes.end()}, name).empty();
  });
  return testing::fuzz(data, size, [&](std::string_view bytes) {
    const IdxImages images = decode_idx_images({bytes.begin(), bytes.end()}, name);
    return std::ssize(images.pixels) == images.count * images.rows * images.cols;
  });
}
