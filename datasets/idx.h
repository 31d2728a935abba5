// IDX, the file format of MNIST and its successors, raw or gzip-compressed: a big-endian header, then bytes. Reading is
// strict: a file is exactly what its header promises, or an Error.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tare {

struct IdxImages {
  std::int64_t count, rows, cols;
  std::vector<std::uint8_t> pixels;  // count * rows * cols, image by image, row by row
};

/// Throws Error, naming the file and what is wrong with it, unless it is exactly the images (unsigned bytes in three
/// dimensions) or labels (in one) that its header promises. Allocates no more than what is really there can justify.
IdxImages read_idx_images(const std::filesystem::path& file);
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file);

/// The same for a file's bytes. They must be compressed if its name ends in ".gz".
IdxImages decode_idx_images(std::vector<std::uint8_t> bytes, const std::string& name);
std::vector<std::uint8_t> decode_idx_labels(std::vector<std::uint8_t> bytes, const std::string& name);

/// The bytes of such a file.
std::string encode_idx_images(std::int64_t count, std::int64_t rows, std::int64_t cols,
                              std::span<const std::uint8_t> pixels);
std::string encode_idx_labels(std::span<const std::uint8_t> labels);

}  // namespace tare
