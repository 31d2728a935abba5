// zlib's CRC-32, bit by bit: a page has no zlib, and sums up no more than a model.
#include <tare/core/machine/crc32.h>

namespace tare {

std::uint32_t extend_crc32(std::uint32_t crc, std::string_view bytes) {
  constexpr std::uint32_t kPolynomial = 0xedb88320;
  crc = ~crc;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? kPolynomial : 0);
  }
  return ~crc;
}

}  // namespace tare
