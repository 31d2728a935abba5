// Fuzzes the readers of PNG and PGM files.
#include <tare/datasets/pictures/gray_image.h>
#include "tests/fuzz/fuzzing.h"

#include <zlib.h>

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tare;
  return testing::fuzz(data, size, [](std::string_view bytes) {
    const GrayImage image = decode_image(bytes, testing::kFuzzName);
    return image.rows > 0 && image.cols > 0 && std::ssize(image.pixels) == image.rows * image.cols;
  });
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Nearly every mutation of a PNG breaks its signature, its first chunk's name or a check sum, and nothing behind it
// would ever be read: most of them are put right.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  constexpr std::string_view kStart("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  constexpr std::size_t kSignature = 8, kAround = 12;  // a chunk: length, type, data, check sum
  const bool png =
      size >= kStart.size() && std::equal(kStart.begin(), kStart.end(), reinterpret_cast<const char*>(data));
  size = LLVMFuzzerMutate(data, size, most);
  if (!png || size < kStart.size() || seed % 8 == 0) return size;
  std::copy(kStart.begin(), kStart.end(), data);
  const auto number = [&](std::size_t at) {
    return std::size_t{data[at]} << 24 | std::size_t{data[at + 1]} << 16 | std::size_t{data[at + 2]} << 8 |
           data[at + 3];
  };
  for (std::size_t chunk = kSignature; chunk + kAround <= size;) {
    const std::size_t length = std::min(number(chunk), size - chunk - kAround);
    const uLong crc = crc32(0, data + chunk + 4, static_cast<unsigned>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) data[chunk + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    if (length != number(chunk)) break;
    chunk += length + kAround;
  }
  return size;
}
