// IDX, the file format of MNIST and its successors, raw or gzip-compressed: a big-endian header, then bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace tare {

struct IdxImages {
  std::int64_t count, rows, cols;
  std::vector<std::uint8_t> pixels;  // count * rows * cols, image by image, row by row
};

/// Throws Error, naming the file and what is wrong with it, unless it is exactly the images (unsigned bytes in three
/// dimensions) or labels (in one) that its header promises. Allocates no more than the file's size can justify.
IdxImages read_idx_images(const std::filesystem::path& file);
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file);

}  // namespace tare
