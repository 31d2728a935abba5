// Many small pictures at a glance: in a grid with a caption under each, as a picture or as text for a terminal; and one
// picture as text. Pictures are light on dark. Text uses Unicode's block and Braille characters, and no colour.
#pragma once

#include <tare/datasets/images.h>
#include <tare/datasets/pictures/gray_image.h>

#include <span>

namespace tare {

struct Tile {
  GrayImage picture;
  std::string
      caption;  // ASCII; on a sheet that is a picture, characters other than digits and " .,:>%-" are left blank
};

/// Image i of a set as a picture.
GrayImage picture_of(const ImageSet& set, std::int64_t i);

/// `across` tiles in a row, enlarged so that each is at least 56 pixels wide, unless that made it over 560 high.
GrayImage contact_sheet(std::span<const Tile> tiles, std::int64_t across);

/// As many tiles in a row as `width` characters hold, at least one. A character is 2 x 4 pixels: a dot for every
/// pixel that is at least half as light as the picture's lightest.
std::string contact_sheet_text(std::span<const Tile> tiles, std::int64_t width = 80);

/// Lines of equal length without their ends. A character is 1 x 2 pixels. A picture wider than `width` is shown
/// smaller.
std::vector<std::string> picture_lines(const GrayImage& picture, std::int64_t width = 72);

}  // namespace tare
