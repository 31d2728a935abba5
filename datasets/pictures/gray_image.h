// One picture in grey, and how it comes from a file: PNG or PGM, told apart by their first bytes. What is dark in it
// means nothing here; the images of a data set, and what becomes of a picture before a model sees it, are light on
// dark.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tare {

struct GrayImage {
  std::int64_t rows = 0, cols = 0;
  std::vector<std::uint8_t> pixels;  // rows * cols, row by row; 0 is black, 255 white
  bool colorful = false;             // as a file: it has colours that grey may not tell apart

  GrayImage() = default;
  GrayImage(std::int64_t rows_, std::int64_t cols_, std::uint8_t gray = 0)
      : rows(rows_), cols(cols_), pixels(static_cast<std::size_t>(rows_ * cols_), gray) {}

  std::uint8_t& operator()(std::int64_t row, std::int64_t col) {
    return pixels[static_cast<std::size_t>(row * cols + col)];
  }
  std::uint8_t operator()(std::int64_t row, std::int64_t col) const {
    return pixels[static_cast<std::size_t>(row * cols + col)];
  }
};

/// Larger pictures, of more than a modern camera's pixels, are refused.
constexpr std::int64_t kLargestPicture = std::int64_t{1} << 26;

/// The picture in a file's bytes. Throws Error, beginning with `name` and saying what is wrong, unless they are a PNG
/// or one PGM. Allocates no more than the number of bytes can justify.
GrayImage decode_image(std::string_view bytes, const std::string& name);
GrayImage read_image(const std::filesystem::path& file);

}  // namespace tare
