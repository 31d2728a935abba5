// Fuzzes the reader of model files.
#include <tare/layers/files/safetensors.h>
#include "tests/fuzz/fuzzing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tare;
  return testing::fuzz(data, size, [](std::string_view bytes) {
    std::size_t sum = 0;
    for (const auto& [name, tensor] : decode_safetensors(bytes, testing::kFuzzName).tensors) {
      std::size_t numbers = 1;
      for (const std::int64_t n : tensor.shape) numbers *= static_cast<std::size_t>(n);
      if (tensor.bytes.size() != numbers * (tensor.dtype == Dtype::F32 ? 4 : 8)) return false;
      sum += tensor.bytes.size();
    }
    return sum < bytes.size();
  });
}
