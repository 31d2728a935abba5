#include <tare/datasets/pictures/upright.h>

#include <optional>
#include <utility>

namespace tare {
namespace {

using std::literals::operator""sv;

// The number of so many bytes that stands there; nothing behind the end.
std::optional<std::uint32_t> number(std::string_view bytes, std::size_t at, std::size_t size, bool high_byte_first) {
  if (at > bytes.size() || bytes.size() - at < size) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) {
    value = value << 8 | static_cast<std::uint8_t>(bytes[at + (high_byte_first ? i : size - 1 - i)]);
  }
  return value;
}

// Exif data is a TIFF file: a directory of entries of 12 bytes, each a tag, a type, a count and a value.
int orientation_in(std::string_view exif) {
  constexpr std::uint32_t kOrientation = 0x0112;
  if (exif.starts_with("Exif\0\0"sv)) exif.remove_prefix(6);  // as in a JPEG
  const bool high_first = exif.starts_with("MM\0*"sv);
  if (!high_first && !exif.starts_with("II*\0"sv)) return 1;
  const std::size_t directory = number(exif, 4, 4, high_first).value_or(0);
  const std::uint32_t entries = number(exif, directory, 2, high_first).value_or(0);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    const auto tag = number(exif, entry, 2, high_first), value = number(exif, entry + 8, 2, high_first);
    if (!tag || !value) break;
    if (*tag == kOrientation) return *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

}  // namespace

int exif_orientation(std::string_view png) {
  std::string_view rest = png.substr(8);  // behind the signature: length, type, data and check sum of each chunk
  while (const auto length = number(rest, 0, 4, true)) {
    if (rest.size() < std::uint64_t{12} + *length) break;
    if (rest.substr(4, 4) == "eXIf") return orientation_in(rest.substr(8, *length));
    if (rest.substr(4, 4) == "IEND") break;
    rest.remove_prefix(12 + *length);
  }
  return 1;
}

GrayImage upright(GrayImage picture, int orientation) {
  // Where the first row and the first column of the file belong: 1 top, left; 2 top, right; 3 bottom, right;
  // 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom; 8 left, bottom.
  if (orientation == 1) return picture;
  const bool swapped = orientation >= 5;
  const bool row_last = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool col_last = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  GrayImage result(swapped ? picture.cols : picture.rows, swapped ? picture.rows : picture.cols);
  result.colorful = picture.colorful;
  for (std::int64_t i = 0; i < picture.rows; ++i) {
    for (std::int64_t j = 0; j < picture.cols; ++j) {
      const std::int64_t row = row_last ? picture.rows - 1 - i : i, col = col_last ? picture.cols - 1 - j : j;
      (swapped ? result(col, row) : result(row, col)) = picture(i, j);
    }
  }
  return result;
}

}  // namespace tare
