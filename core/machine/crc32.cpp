#include <tare/core/machine/crc32.h>

#include <zlib.h>

namespace tare {

std::uint32_t extend_crc32(std::uint32_t crc, std::string_view bytes) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer for the wish to begin anew
  return static_cast<std::uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace tare
