// Pictures: PNG and PGM files that are well-formed, MNIST's form, contact sheets.
#include "core/random.h"
#include "datasets/contact_sheet.h"
#include "datasets/images.h"
#include "datasets/mnist_form.h"
#include "datasets/pgm.h"
#include "datasets/png.h"
#include "tests/core_testing.h"
#include "tests/file_testing.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <numeric>

namespace tare {
namespace {

using testing::TemporaryFolder;
using testing::write_file;

GrayImage noise(std::int64_t rows, std::int64_t cols) {
  Random random(7, Random::Stream::test);
  GrayImage image(rows, cols);
  for (std::uint8_t& pixel : image.pixels) pixel = static_cast<std::uint8_t>(random.below(256));
  return image;
}

using Bytes = std::vector<std::uint8_t>;

// ---- Files ----------------------------------------------------------------------------------------------------------

TEST_CASE("a grey PNG comes back as it was written") {
  const TemporaryFolder folder;
  for (const GrayImage& image : {noise(1, 1), noise(28, 28), noise(301, 7)}) {
    write_png(folder / "image.png", image);
    const GrayImage read = read_image(folder / "image.png");
    CHECK(read.rows == image.rows);
    CHECK(read.cols == image.cols);
    CHECK(read.pixels == image.pixels);
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("a colour PNG comes back as its luma") {
  const TemporaryFolder folder;
  write_png(folder / "image.png", 1, 5, Bytes{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 10, 10});
  CHECK(read_image(folder / "image.png").pixels == Bytes{76, 150, 29, 255, 10});
}

TEST_CASE("PGM as bytes and as numbers, with comments, of any white value") {
  auto pixels = [](const std::string& bytes, std::int64_t rows, std::int64_t cols) {
    const GrayImage image = decode_image(bytes, "image");
    CHECK(image.rows == rows);
    CHECK(image.cols == cols);
    return image.pixels;
  };
  using namespace std::string_literals;
  CHECK(pixels("P5 3 2 255\n\x00\x01\x02\x7f\x80\xff"s, 2, 3) == Bytes{0, 1, 2, 127, 128, 255});
  CHECK(pixels("P5\n# one\n#two\r\n2 # three\n1\n#\n255#\n\t#"s, 1, 2) == Bytes{'\t', '#'});
  CHECK(pixels("P5 3 1 3\n\x00\x01\x03"s, 1, 3) == Bytes{0, 85, 255});
  CHECK(pixels("P5 3 1 65535\n\x00\x00\x80\x00\xff\xff"s, 1, 3) == Bytes{0, 128, 255});
  CHECK(pixels("P5 2 1 256\n\x00\x01\x01\x00"s, 1, 2) == Bytes{1, 255});
  CHECK(pixels("P2 3 2 255 0 1 2 127 128 255", 2, 3) == Bytes{0, 1, 2, 127, 128, 255});
  CHECK(pixels("P2\n3\n1\n15\n0 7 # seven\n015 # the last\n", 1, 3) == Bytes{0, 119, 255});
  CHECK(pixels("P2 1 1 65535 65535", 1, 1) == Bytes{255});
}

// ---- MNIST's form ---------------------------------------------------------------------------------------------------

GrayImage formed(const GrayImage& ink, std::int64_t size = 28) {
  GrayImage form(size, size);
  REQUIRE(to_mnist_form<std::uint8_t>(ink.pixels, ink.rows, ink.cols, size, form.pixels.data()));
  return form;
}

// A block of ink in a larger field.
GrayImage block(std::int64_t rows, std::int64_t cols, std::int64_t top, std::int64_t left, std::int64_t height,
                std::int64_t width) {
  GrayImage image(rows, cols);
  for (std::int64_t i = top; i < top + height; ++i) {
    for (std::int64_t j = left; j < left + width; ++j) image(i, j) = 200;
  }
  return image;
}

TEST_CASE("the longer side of the ink takes 20 of 28 pixels, and its centre of mass the middle") {
  for (const GrayImage& ink :
       {block(100, 300, 3, 200, 80, 20), block(12, 9, 1, 2, 8, 2), block(80, 20, 0, 0, 80, 20)}) {
    const GrayImage form = formed(ink);
    for (std::int64_t i = 0; i < 28; ++i) {
      for (std::int64_t j = 0; j < 28; ++j) {
        CAPTURE(i);
        CAPTURE(j);
        CHECK(form(i, j) == (i >= 5 && i < 25 && j >= 12 && j < 17 ? 200 : 0));
      }
    }
  }
  CHECK(formed(block(50, 50, 10, 10, 2, 30), 14)(7, 7) == 200);  // 10 of 14 pixels
}

TEST_CASE("the form is the same for ink that is larger, elsewhere, or in float") {
  GrayImage ink = noise(20, 15);
  GrayImage field(90, 120);
  std::vector<float> floats(90 * 120);
  for (std::int64_t i = 0; i < 60; ++i) {
    for (std::int64_t j = 0; j < 45; ++j) {
      field(i + 17, j + 30) = ink(i / 3, j / 3);
      floats[static_cast<std::size_t>((i + 17) * 120 + j + 30)] = static_cast<float>(ink(i / 3, j / 3));
    }
  }
  const GrayImage form = formed(ink);
  CHECK(formed(field).pixels == form.pixels);
  GrayImage from_floats(28, 28);
  CHECK(to_mnist_form<float>(floats, 90, 120, 28, from_floats.pixels.data()));
  CHECK(from_floats.pixels == form.pixels);
}

TEST_CASE("areas are averaged: mass is kept, up to rounding") {
  const GrayImage ink = noise(77, 53);
  const GrayImage form = formed(ink);
  const auto total = [](const Bytes& pixels) { return std::accumulate(pixels.begin(), pixels.end(), 0.0); };
  CHECK(total(form.pixels) / (20 * 14) == doctest::Approx(total(ink.pixels) / (77 * 53)).epsilon(0.005));
}

TEST_CASE("without ink there is no form, and paper may be more than 0") {
  GrayImage form(28, 28, 9);
  CHECK_FALSE(to_mnist_form<std::uint8_t>(Bytes(100), 10, 10, 28, form.pixels.data()));
  CHECK(form.pixels == Bytes(784, 9));
  GrayImage stained = block(100, 100, 40, 40, 20, 20);
  stained(0, 0) = 10;
  CHECK(formed(stained).pixels != formed(block(100, 100, 40, 40, 20, 20)).pixels);
  CHECK(to_mnist_form<std::uint8_t>(stained.pixels, 100, 100, 28, form.pixels.data(), 10));
  CHECK(form.pixels == formed(block(100, 100, 40, 40, 20, 20)).pixels);
}

TEST_CASE("an image of MNIST is in MNIST's form already") {
  if (std::getenv("TARE_DATA") == nullptr) {
    MESSAGE("skipped: TARE_DATA does not name a folder with MNIST");
    return;
  }
  const ImageSet test = load_test_data(find_data("mnist"));
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < test.count; ++i)
    same += formed(picture_of(test, i)).pixels == picture_of(test, i).pixels;
  CHECK(same >= test.count * 99 / 100);
}

// ---- Contact sheets -------------------------------------------------------------------------------------------------

TEST_CASE("a contact sheet shows every picture and its caption") {
  const ImageSet set{.count = 2, .rows = 28, .cols = 28, .pixels = Bytes(2 * 784, 255), .labels = {3, 4}};
  std::vector<Tile> tiles;
  for (const char* caption : {"3>8 99%", "4"}) tiles.push_back({picture_of(set, std::ssize(tiles)), caption});
  tiles[1].picture.pixels.assign(784, 0);

  const GrayImage sheet = contact_sheet(tiles, 5);
  CHECK(sheet.cols == 2 * (2 + 28 + 2 + 28 + 2));
  CHECK(sheet.rows == 2 * (2 + 28 + 6 + 2));
  CHECK(sheet(0, 0) == 64);
  CHECK(sheet(4, 4) == 255);
  CHECK(sheet(4 + 55, 4 + 55) == 255);
  CHECK(sheet(4, 64) == 0);
  CHECK(sheet(62, 4) == 224);  // the 3's upper left corner
  CHECK(contact_sheet(tiles, 1).rows == 2 * (2 + 2 * (28 + 6 + 2)));

  const std::string text = contact_sheet_text(tiles);
  CHECK(std::count(text.begin(), text.end(), '\n') == 8);
  CHECK(contains(text, "⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿\n"));  // the black picture leaves no trailing spaces
  CHECK(contains(text, "   3>8 99%            4\n"));
  const std::string narrow = contact_sheet_text(tiles, 20);
  CHECK(std::count(narrow.begin(), narrow.end(), '\n') == 17);
  CHECK(contact_sheet_text({}).empty());
}

TEST_CASE("a picture as lines of text") {
  GrayImage picture(3, 4);
  picture(0, 0) = picture(1, 0) = picture(0, 1) = picture(1, 2) = 255;
  picture(1, 3) = 100;
  picture(2, 3) = 128;
  CHECK(picture_lines(picture) == std::vector<std::string>{"█▀▄░", "   ▀"});
  const std::vector<std::string> smaller = picture_lines(GrayImage(120, 200, 255), 10);
  CHECK(smaller == std::vector<std::string>(3, "██████████"));
}

}  // namespace
}  // namespace tare
