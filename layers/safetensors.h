// The safetensors file format: an 8-byte length, a JSON header that names each tensor's type, shape and place, and the
// bytes of the tensors one after the other. Reading is strict: what the format forbids is an Error, not a guess.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace tare {

enum class Dtype { F32, F64, I64 };

struct TensorData {
  Dtype dtype;
  std::vector<std::int64_t> shape;  // {} for a single number
  std::vector<std::byte> bytes;     // little-endian, row by row
};

struct Safetensors {
  std::map<std::string, TensorData> tensors;
  std::map<std::string, std::string> metadata;
};

/// Error, naming the file and what is wrong, unless the whole file follows the format and its tensors are of a Dtype.
Safetensors read_safetensors(const std::filesystem::path& file);

/// Writes beside the file, then renames: whatever happens, the file is the old or the new one, whole. Error, naming the
/// file, if it cannot be written; then the old one is still there and nothing else is left behind.
void write_safetensors(const std::filesystem::path& file, const Safetensors& contents);

}  // namespace tare
