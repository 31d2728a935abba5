#include <tare/datasets/pictures/gray_image.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/pictures/pgm.h>
#include <tare/datasets/pictures/png.h>

namespace tare {
namespace {

// What a file that is no picture we read seems to be instead.
const char* kind_of(std::string_view bytes) {
  const struct {
    std::string_view start;
    const char* kind;
  } known[] = {{"<", "HTML, XML or SVG"},
               {"\xff\xd8\xff", "JPEG"},
               {"GIF8", "GIF"},
               {"BM", "BMP"},
               {"II*", "TIFF"},
               {"MM", "TIFF"},
               {"RIFF", "WebP"},
               {"%PDF", "PDF"},
               {"\x1f\x8b", "gzip data"},
               {"P1", "PBM (black and white)"},
               {"P4", "PBM (black and white)"},
               {"P3", "PPM (colour)"},
               {"P6", "PPM (colour)"}};
  for (const auto& [start, kind] : known) {
    if (bytes.starts_with(start)) return kind;
  }
  return "something else";
}

}  // namespace

GrayImage decode_image(std::string_view bytes, const std::string& name) {
  if (bytes.empty()) throw Error("{}: the file is empty", name);
  if (is_png(bytes)) return decode_png(bytes, name);
  if (is_pgm(bytes)) return decode_pgm(bytes, name);
  throw Error("{}: expected PNG or PGM, found {}", name, kind_of(bytes));
}

GrayImage read_image(const std::filesystem::path& file) { return decode_image(read_file(file), file.string()); }

}  // namespace tare
