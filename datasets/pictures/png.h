// PNG files, through libpng: any of them is read into grey, grey and colour ones are written.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

#include <span>

namespace tare {

/// Whether these bytes begin as a PNG does.
bool is_png(std::string_view bytes);

/// See decode_image. Colours become their luma, 0.299 R + 0.587 G + 0.114 B. What is transparent takes the grey of
/// the paper: the median of what is opaque, or, where less than half of the picture is, of black and white the one
/// further from it. A picture whose Exif data says how the camera was held is turned upright. What stands behind the
/// PNG's end is not looked at.
GrayImage decode_png(std::string_view bytes, const std::string& name);

/// Bytes of a PNG, whole: 1 channel is grey, 3 are red, green and blue of each pixel in turn.
std::string encode_png(std::int64_t rows, std::int64_t cols, int channels, std::span<const std::uint8_t> pixels);

/// Writes atomically. Error, naming the file, if it cannot be written.
void write_png(const std::filesystem::path& file, const GrayImage& image);
/// `rgb`: rows * cols * 3.
void write_png(const std::filesystem::path& file, std::int64_t rows, std::int64_t cols,
               std::span<const std::uint8_t> rgb);

}  // namespace tare
