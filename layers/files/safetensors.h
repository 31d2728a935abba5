// The safetensors file format: an 8-byte length, a JSON header that names each tensor's type, shape and place, and the
// bytes of the tensors one after the other. Reading is strict: what the format forbids is an Error, not a guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tare {

enum class Dtype { F32, F64, F16, BF16, I64 };

struct TensorData {
  Dtype dtype;
  std::vector<std::int64_t> shape;  // {} for a single number
  std::vector<std::byte> bytes;     // as in memory, row by row; in the file they are little-endian
};

struct Safetensors {
  std::map<std::string, TensorData> tensors;
  std::map<std::string, std::string> metadata;
};

/// Error, naming the file and what is wrong, unless the whole file follows the format and its tensors are of a Dtype.
/// If the metadata has the CRC-32 of the tensors' bytes, as "tensors_crc32", that is checked too and taken out.
Safetensors read_safetensors(const std::filesystem::path& file);
/// The same of the bytes of a file; `file` names it in messages.
Safetensors decode_safetensors(std::string_view bytes, const std::string& file);

/// With the CRC-32, atomically: whatever happens, the file is the old or the new one, whole. Error, naming the file,
/// if it cannot be written; then the old one is still there and nothing else is left behind.
void write_safetensors(const std::filesystem::path& file, const Safetensors& contents);

}  // namespace tare
