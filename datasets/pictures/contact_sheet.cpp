#include <tare/datasets/pictures/contact_sheet.h>

#include <tare/datasets/pictures/mnist_form.h>

#include <algorithm>

namespace tare {
namespace {

// A font of 3 x 5 pixels.
constexpr std::int64_t kGlyphRows = 5, kGlyphCols = 3;
struct Glyph {
  char character;
  const char* rows;
};
constexpr Glyph kFont[] = {
    {'0', "###|# #|# #|# #|###"}, {'1', " # |## | # | # |###"}, {'2', "###|  #|###|#  |###"},
    {'3', "###|  #|###|  #|###"}, {'4', "# #|# #|###|  #|  #"}, {'5', "###|#  |###|  #|###"},
    {'6', "###|#  |###|# #|###"}, {'7', "###|  #|  #|  #|  #"}, {'8', "###|# #|###|# #|###"},
    {'9', "###|# #|###|  #|###"}, {'.', "   |   |   |   | # "}, {',', "   |   |   | # |#  "},
    {':', "   | # |   | # |   "}, {'>', "#  | # |  #| # |#  "}, {'%', "# #|  #| # |#  |# #"},
    {'-', "   |   |###|   |   "},
};

// What lies between the pictures, and what is written there.
constexpr std::uint8_t kBackground = 64, kText = 224;

std::int64_t caption_width(const std::string& caption) {
  return caption.empty() ? 0 : std::ssize(caption) * (kGlyphCols + 1) - 1;
}

void draw_text(GrayImage& sheet, std::int64_t top, std::int64_t left, const std::string& text) {
  for (const char c : text) {
    const auto* glyph = std::ranges::find(kFont, c, &Glyph::character);
    for (std::int64_t i = 0; i < kGlyphRows && glyph != std::end(kFont); ++i) {
      for (std::int64_t j = 0; j < kGlyphCols; ++j) {
        if (glyph->rows[i * (kGlyphCols + 1) + j] == '#') sheet(top + i, left + j) = kText;
      }
    }
    left += kGlyphCols + 1;
  }
}

GrayImage enlarged(const GrayImage& image, std::int64_t factor) {
  GrayImage large(image.rows * factor, image.cols * factor);
  for (std::int64_t i = 0; i < large.rows; ++i) {
    for (std::int64_t j = 0; j < large.cols; ++j) large(i, j) = image(i / factor, j / factor);
  }
  return large;
}

// The size of the largest tile: the pictures of one sheet need not be of one size.
struct Cell {
  std::int64_t rows = 1, cols = 1, caption = 0;

  explicit Cell(std::span<const Tile> tiles) {
    for (const Tile& tile : tiles) {
      rows = std::max(rows, tile.picture.rows);
      cols = std::max(cols, tile.picture.cols);
      caption = std::max<std::int64_t>(caption, std::ssize(tile.caption));
    }
  }
};

// U+2800 and up: a bit for each of the dots. UTF-8, with a plain space for no dot at all.
std::string braille(unsigned dots) {
  if (dots == 0) return " ";
  return {'\xe2', static_cast<char>(0xa0 | dots >> 6), static_cast<char>(0x80 | (dots & 0x3f))};
}

// Lines of `width` characters.
std::vector<std::string> braille_lines(const GrayImage& picture, std::int64_t height, std::int64_t width) {
  const int lightest = picture.pixels.empty() ? 0 : *std::ranges::max_element(picture.pixels);
  const auto lit = [&](std::int64_t i, std::int64_t j) {
    return lightest > 0 && i < picture.rows && j < picture.cols && 2 * picture(i, j) >= lightest;
  };
  std::vector<std::string> lines(static_cast<std::size_t>(height));
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      constexpr unsigned kBit[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
      unsigned dots = 0;
      for (std::int64_t i = 0; i < 4; ++i) {
        for (std::int64_t j = 0; j < 2; ++j) {
          if (lit(4 * y + i, 2 * x + j)) dots |= kBit[i][j];
        }
      }
      lines[static_cast<std::size_t>(y)] += braille(dots);
    }
  }
  return lines;
}

void end_line(std::string& text) {
  text.erase(text.find_last_not_of(' ') + 1);
  text += '\n';
}

}  // namespace

GrayImage picture_of(const ImageSet& set, std::int64_t i) {
  GrayImage picture(set.rows, set.cols);
  std::copy_n(set.pixels.begin() + i * set.features(), set.features(), picture.pixels.begin());
  return picture;
}

GrayImage contact_sheet(std::span<const Tile> tiles, std::int64_t across) {
  constexpr std::int64_t kGap = 2, kLeast = 56, kMost = 560;
  Cell cell(tiles);
  // Captions must fit below, and small pictures are enlarged before they get theirs.
  const std::int64_t factor = std::max<std::int64_t>(1, kLeast / 2 / std::max(cell.rows, cell.cols));
  std::int64_t caption = 0;
  for (const Tile& tile : tiles) caption = std::max(caption, caption_width(tile.caption));
  const std::int64_t picture_rows = cell.rows * factor, cols = std::max(cell.cols * factor, caption);
  const std::int64_t rows = picture_rows + (caption > 0 ? kGlyphRows + 1 : 0);
  across = std::clamp<std::int64_t>(across, 1, std::max<std::int64_t>(1, std::ssize(tiles)));
  const std::int64_t down = (std::ssize(tiles) + across - 1) / across;

  GrayImage sheet(down * (rows + kGap) + kGap, across * (cols + kGap) + kGap, kBackground);
  for (std::int64_t t = 0; t < std::ssize(tiles); ++t) {
    const Tile& tile = tiles[static_cast<std::size_t>(t)];
    const std::int64_t top = kGap + t / across * (rows + kGap), left = kGap + t % across * (cols + kGap);
    const GrayImage picture = enlarged(tile.picture, factor);
    const std::int64_t margin = (cols - picture.cols) / 2;
    for (std::int64_t i = 0; i < picture.rows; ++i) {
      for (std::int64_t j = 0; j < picture.cols; ++j) sheet(top + i, left + margin + j) = picture(i, j);
    }
    draw_text(sheet, top + picture_rows + 1, left + (cols - caption_width(tile.caption)) / 2, tile.caption);
  }
  return enlarged(sheet, std::clamp<std::int64_t>(kMost / rows, 1, (kLeast + cols - 1) / cols));
}

std::string contact_sheet_text(std::span<const Tile> tiles, std::int64_t width) {
  const Cell cell(tiles);
  // A picture of a few pixels would be a few dots.
  const std::int64_t factor = std::max<std::int64_t>(1, 24 / std::max(cell.rows, cell.cols));
  const std::int64_t height = (cell.rows * factor + 3) / 4, cols = std::max((cell.cols * factor + 1) / 2, cell.caption);
  const auto across = static_cast<std::size_t>(std::max<std::int64_t>(1, (width + 2) / (cols + 2)));

  std::string text;
  for (std::size_t first = 0; first < tiles.size(); first += across) {
    const auto row = tiles.subspan(first, std::min(across, tiles.size() - first));
    std::vector<std::string> lines(static_cast<std::size_t>(height));
    std::string captions;
    for (const Tile& tile : row) {
      const std::vector<std::string> picture = braille_lines(enlarged(tile.picture, factor), height, cols);
      for (std::size_t i = 0; i < lines.size(); ++i) lines[i] += picture[i] + "  ";
      const std::size_t missing = static_cast<std::size_t>(cols) - tile.caption.size();
      captions += std::string(missing / 2, ' ') + tile.caption + std::string(missing - missing / 2 + 2, ' ');
    }
    if (first > 0) text += '\n';
    if (cell.caption > 0) lines.push_back(captions);
    for (std::string& line : lines) {
      end_line(line);
      text += line;
    }
  }
  return text;
}

std::vector<std::string> picture_lines(const GrayImage& picture, std::int64_t width) {
  if (picture.cols > width) {
    return picture_lines(resize(picture, std::max<std::int64_t>(1, picture.rows * width / picture.cols), width), width);
  }
  std::vector<std::string> lines;
  for (std::int64_t i = 0; i < picture.rows; i += 2) {
    std::string& line = lines.emplace_back();
    for (std::int64_t j = 0; j < picture.cols; ++j) {
      const int upper = picture(i, j), lower = i + 1 < picture.rows ? picture(i + 1, j) : 0;
      if (upper >= 128) {
        line += lower >= 128 ? "█" : "▀";
      } else if (lower >= 128) {
        line += "▄";
      } else {
        line += std::max(upper, lower) >= 48 ? "░" : " ";
      }
    }
  }
  return lines;
}

}  // namespace tare
