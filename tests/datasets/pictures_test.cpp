// Pictures: PNG and PGM files that are well-formed, MNIST's form, contact sheets.
#include <tare/core/machine/random.h>
#include <tare/datasets/images.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/ink.h>
#include <tare/datasets/pictures/mnist_form.h>
#include <tare/datasets/pictures/network_input.h>
#include <tare/datasets/pictures/pgm.h>
#include <tare/datasets/pictures/png.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>

namespace tare {
namespace {

using testing::png_chunk;
using testing::png_file;
using testing::PngHeader;
using testing::TemporaryFolder;

GrayImage noise(std::int64_t rows, std::int64_t cols) {
  Random random(7, Random::Stream{4});
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

TEST_CASE("every kind of PNG: depths, colours, palettes, interlaced or not") {
  const std::map<int, std::vector<int>> depths_of_colors{
      {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 2, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}};
  for (const auto& kind : depths_of_colors) {
    const int color = kind.first;
    for (const int depth : kind.second) {
      for (const int interlace : {0, 1}) {
        for (const std::uint32_t size : {1u, 3u, 9u, 21u}) {
          const PngHeader header{
              .width = size, .height = size + 2, .depth = depth, .color = color, .interlace = interlace};
          const std::uint32_t most = (1u << depth) - 1, entries = std::min(most, 6u) + 1;
          const bool has_alpha = color == 4 || color == 6;
          const auto sample = [=](std::uint32_t i, std::uint32_t j, int c) {
            if (has_alpha && c == (color == 4 ? 1 : 3)) return most;
            const std::uint32_t n = 37 * i + 11 * j + 5 * static_cast<std::uint32_t>(c);
            return color == 3 ? n % entries : n * most / 97 % (most + 1);
          };
          std::string palette;
          for (std::uint32_t k = 0; k < entries; ++k) palette += std::string(3, static_cast<char>(40 * k));
          const GrayImage image =
              decode_image(png_file(header, sample, color == 3 ? png_chunk("PLTE", palette) : ""), "image");
          REQUIRE(image.cols == header.width);
          REQUIRE(image.rows == header.height);
          int largest_error = 0;
          for (std::uint32_t i = 0; i < header.height; ++i) {
            for (std::uint32_t j = 0; j < header.width; ++j) {
              const auto light = [&](int c) { return sample(i, j, c) * 255.0 / most; };
              const double expected = color == 3       ? 40 * sample(i, j, 0)
                                      : color % 4 == 2 ? 0.299 * light(0) + 0.587 * light(1) + 0.114 * light(2)
                                                       : light(0);
              largest_error = std::max(largest_error, static_cast<int>(std::lround(std::abs(image(i, j) - expected))));
            }
          }
          CAPTURE(color);
          CAPTURE(depth);
          CAPTURE(interlace);
          CAPTURE(size);
          CHECK(largest_error <= 1);
        }
      }
    }
  }
}

TEST_CASE("what a PNG says beside its pixels changes none of them, be it damaged") {
  const auto sample = [](std::uint32_t i, std::uint32_t j, int) { return 20 * i + 7 * j; };
  const PngHeader header{.width = 5, .height = 9, .depth = 8, .color = 0, .interlace = 0};
  const GrayImage plain = decode_image(png_file(header, sample, ""), "image");
  std::string damaged = png_chunk("tEXt", std::string("Comment\0seven", 13));
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  for (const std::string& chunk : {png_chunk("gAMA", std::string("\0\1\x86\xa0", 4)), png_chunk("sBIT", "\5"),
                                   png_chunk("iCCP", std::string("sRGB\0\0no profile", 16)), damaged}) {
    CAPTURE(chunk);
    CHECK(decode_image(png_file(header, sample, chunk), "image").pixels == plain.pixels);
  }
}

TEST_CASE("what is transparent takes the grey of the paper") {
  // A black or white dot, 3 x 3, and transparent around it: the paper is what the dot is not. On opaque paper of grey
  // 200 it is that.
  const PngHeader header{.width = 9, .height = 9, .color = 4};
  const auto dot = [](std::uint32_t i, std::uint32_t j) { return i >= 3 && i < 6 && j >= 3 && j < 6; };
  for (const std::uint32_t ink : {0u, 255u}) {
    const GrayImage drawn = decode_image(
        png_file(header, [=](auto i, auto j, int c) { return dot(i, j) ? (c == 0 ? ink : 255u) : 0u; }), "image");
    CHECK(drawn(4, 4) == ink);
    CHECK(drawn(0, 0) == 255 - ink);
    const GrayImage paper = decode_image(
        png_file(header, [=](auto i, auto j, int c) { return c == 1      ? (i > 0 ? 255u : 0u)
                                                             : dot(i, j) ? ink
                                                                         : 200u; }),
        "image");
    CHECK(paper(4, 4) == ink);
    CHECK(paper(0, 0) == 200);
    CHECK(paper(8, 8) == 200);
  }
}

TEST_CASE("a PNG is turned upright as its Exif data says") {
  using testing::big_endian;
  using namespace std::string_literals;
  // 1 2 3
  // 4 5 6
  const PngHeader header{.width = 3, .height = 2};
  const auto sample = [](std::uint32_t i, std::uint32_t j, int) { return 3 * i + j + 1; };
  const Bytes upright[] = {{1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
                           {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  const auto exif = [](char orientation) {  // the width stands before it
    return "MM\0*\0\0\0\x8\0\2\1\0\0\4\0\0\0\1\0\0\0\3\1\x12\0\3\0\0\0\1\0"s + orientation + "\0\0\0\0\0\0"s;
  };
  for (int orientation = 1; orientation <= 8; ++orientation) {
    CAPTURE(orientation);
    const char value = static_cast<char>(orientation);
    const std::string low_first = "II*\0\x8\0\0\0\1\0\x12\1\3\0\1\0\0\0"s + value + "\0\0\0"s;
    for (const std::string& data : {exif(value), "Exif\0\0"s + exif(value), low_first}) {
      const std::string chunk = png_chunk("eXIf", data), file = png_file(header, sample, chunk);
      std::string behind = png_file(header, sample);
      behind.insert(behind.size() - 12, chunk);
      for (const std::string& bytes : {file, behind}) {
        const GrayImage image = decode_image(bytes, "image");
        CHECK(image.rows == (orientation < 5 ? 2 : 3));
        CHECK(image.cols == (orientation < 5 ? 3 : 2));
        CHECK(image.pixels == upright[orientation - 1]);
      }
    }
  }
  // What says nothing sensible says nothing: cut anywhere, another number, a directory that lies nowhere.
  std::vector<std::string> senseless{exif(0), exif(9), exif('\xff'), "MM\0*\xff\xff\xff\xff\0\1"s,
                                     "MM\0*\0\0\0\x8\xff\xff"s};
  for (std::size_t n = 0; n < 32; ++n) senseless.push_back(exif(6).substr(0, n));
  for (const std::string& data : senseless) {
    CHECK(decode_image(png_file(header, sample, png_chunk("eXIf", data)), "image").pixels == upright[0]);
  }
}

TEST_CASE("what stands behind a PNG, and white space behind a PGM, is not looked at") {
  const std::string png = png_file({.width = 2}, [](auto, std::uint32_t j, int) { return j; });
  for (const std::string more : {"\n", "x", "\x1a", "some text"}) {
    CHECK(decode_image(png + more, "image").pixels == Bytes{0, 1});
  }
  CHECK(decode_image(png + png, "image").pixels == Bytes{0, 1});
  CHECK(decode_image("P5 2 1 255\nab\n", "image").pixels == Bytes{'a', 'b'});
  CHECK(decode_image("P5 2 1 255\nab\r\n", "image").pixels == Bytes{'a', 'b'});
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
  const char* mnist = std::getenv("TARE_DATA");
  if (mnist == nullptr || !std::filesystem::is_directory(mnist)) {
    MESSAGE("skipped: TARE_DATA does not name a folder with MNIST");
    return;
  }
  const ImageSet test = load_test_data(mnist);
  std::int64_t same = 0;
  for (std::int64_t i = 0; i < test.count; ++i)
    same += formed(picture_of(test, i)).pixels == picture_of(test, i).pixels;
  CHECK(same >= test.count * 99 / 100);
}

// ---- Finding ink ----------------------------------------------------------------------------------------------------

// A seven with strokes of the given width, in a field of 100 x 80.
GrayImage seven(double width) {
  GrayImage image(100, 80);
  for (std::int64_t i = 0; i < 100; ++i) {
    for (std::int64_t j = 0; j < 80; ++j) {
      const auto y = static_cast<double>(i), x = static_cast<double>(j);
      const bool bar = std::abs(y - 20) <= width / 2 && x >= 20 && x <= 60;
      const double along = std::clamp((y - 20) / 60, 0.0, 1.0);
      const bool leg = std::hypot(x - (60 - 30 * along), y - (20 + 60 * along)) <= width / 2;
      image(i, j) = bar || leg ? 255 : 0;
    }
  }
  return image;
}

GrayImage mapped(const GrayImage& image, const std::function<double(double y, double x, double ink)>& light) {
  GrayImage result = image;
  for (std::int64_t i = 0; i < image.rows; ++i) {
    for (std::int64_t j = 0; j < image.cols; ++j) {
      const double value = light(static_cast<double>(i), static_cast<double>(j), image(i, j) / 255.0);
      result(i, j) = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
    }
  }
  return result;
}

// In MNIST's form, what is found in a picture.
std::vector<GrayImage> read_all_ink(const GrayImage& picture) {
  std::vector<GrayImage> forms;
  for (const GrayImage& ink : find_ink(picture).digits) {
    GrayImage& form = forms.emplace_back(28, 28);
    REQUIRE(to_mnist_form<std::uint8_t>(ink.pixels, ink.rows, ink.cols, 28, form.pixels.data(), kFaintInk));
  }
  return forms;
}

GrayImage read_ink(const GrayImage& picture) {
  const std::vector<GrayImage> forms = read_all_ink(picture);
  REQUIRE(forms.size() == 1);
  return forms[0];
}

double mean_difference(const GrayImage& a, const GrayImage& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) sum += std::abs(a.pixels[i] - b.pixels[i]);
  return sum / static_cast<double>(a.pixels.size());
}

TEST_CASE("ink is found dark on light, light on dark, on uneven paper, in noise, beside specks and shadows") {
  const GrayImage drawn = seven(9), form = read_ink(drawn);
  CHECK(form.pixels == formed(drawn).pixels);
  Random random(1, Random::Stream{4});
  CHECK(mean_difference(read_ink(mapped(drawn, [](double, double, double ink) { return 255 - 255 * ink; })), form) ==
        0);
  CHECK(mean_difference(read_ink(mapped(drawn, [](double, double, double ink) { return 90 - 40 * ink; })), form) < 1);
  CHECK(mean_difference(read_ink(mapped(drawn, [](double y, double x,
                                                  double ink) { return (120 + y + 0.4 * x) * (1 - 0.6 * ink); })),
                        form) < 8);
  CHECK(mean_difference(
            read_ink(mapped(drawn, [&](double, double, double ink) { return 200 - 120 * ink + 8 * random.normal(); })),
            form) < 8);
  CHECK(mean_difference(read_ink(mapped(drawn,
                                        [&](double y, double x, double ink) {
                                          const bool speck = (y == 10 && x == 10) || (y == 90 && x == 70),
                                                     shadow = x < 2;
                                          return speck || shadow ? 10.0 : 230 - 200 * ink;
                                        })),
                        form) < 8);
}

TEST_CASE("thin strokes are thickened, others are not") {
  const auto mass = [](const GrayImage& form) { return std::accumulate(form.pixels.begin(), form.pixels.end(), 0); };
  const int usual = mass(read_ink(seven(7)));
  CHECK(mass(read_ink(seven(1.5))) > 0.7 * usual);
  CHECK(mass(formed(seven(1.5))) < 0.4 * usual);
  CHECK(mass(read_ink(seven(16))) > 1.5 * usual);
}

TEST_CASE("paper without ink is blank") {
  Random random(1, Random::Stream{4});
  const GrayImage field(120, 90);
  CHECK(find_ink(field).digits.empty());
  CHECK(find_ink(GrayImage(1, 1, 255)).digits.empty());
  CHECK(find_ink(GrayImage(28, 28, 255)).digits.empty());
  CHECK(find_ink(mapped(field, [](double y, double x, double) { return 100 + y - 0.5 * x; })).digits.empty());
  CHECK(find_ink(mapped(field, [&](double, double, double) { return 200 + 6 * random.normal(); })).digits.empty());
}

// Drawings side by side, or one above the other.
GrayImage beside(const std::vector<GrayImage>& drawings) {
  GrayImage row(drawings[0].rows, 0);
  for (const GrayImage& d : drawings) row.cols += d.cols;
  row.pixels.clear();
  for (std::int64_t i = 0; i < row.rows; ++i) {
    for (const GrayImage& d : drawings) {
      row.pixels.insert(row.pixels.end(), d.pixels.begin() + i * d.cols, d.pixels.begin() + (i + 1) * d.cols);
    }
  }
  return row;
}
GrayImage below(GrayImage upper, const GrayImage& lower) {
  upper.rows += lower.rows;
  upper.pixels.insert(upper.pixels.end(), lower.pixels.begin(), lower.pixels.end());
  return upper;
}

TEST_CASE("digits are read one by one, line by line, in a line from left to right") {
  GrayImage other = seven(9);  // upside down
  std::ranges::reverse(other.pixels);
  const Bytes a = formed(seven(9)).pixels, b = formed(other).pixels;
  const GrayImage line = beside({seven(9), other, other}), next = beside({other, seven(9), other});
  const std::vector<GrayImage> forms = read_all_ink(below(line, next));
  REQUIRE(forms.size() == 6);
  const Bytes* expected[] = {&a, &b, &b, &b, &a, &b};
  for (std::size_t i = 0; i < 6; ++i) CHECK(forms[i].pixels == *expected[i]);
  CHECK(read_all_ink(beside({line, next})).size() == 6);
}

TEST_CASE("a digit whose stroke is interrupted is one digit") {
  const GrayImage whole = seven(9);
  for (const int gap : {15, 27, 50}) {  // between bar and leg, or within the leg
    const GrayImage form = read_ink(
        mapped(whole, [&](double y, double, double ink) { return std::abs(y - gap) < 2 ? 255.0 : 255 - 255 * ink; }));
    CHECK(mean_difference(form, formed(whole)) < 12);
  }
}

// On paper with lines of the given grey, a little tilted.
GrayImage on_lines(const GrayImage& drawing, double spacing, double gray, bool squared, double tilt) {
  return mapped(drawing, [=](double y, double x, double ink) {
    const auto line = [&](double t) { return std::fmod(t + 10 * spacing, spacing) < 2; };
    const bool on_line = line(y + tilt * x) || (squared && line(x - tilt * y));
    return std::min(on_line ? gray : 240, 240 - 200 * ink);
  });
}

TEST_CASE("the lines of ruled and squared paper are taken away, and what crosses them stays") {
  const GrayImage drawn = resize(seven(9), 300, 240), row = beside({drawn, drawn});
  CHECK_FALSE(find_ink(drawn).ruled);
  for (const bool squared : {false, true}) {
    for (const double gray : {205.0, 120.0}) {
      for (const double tilt : {0.0, 0.02}) {
        CAPTURE(squared);
        CAPTURE(gray);
        CAPTURE(tilt);
        const GrayImage page = on_lines(drawn, 31, gray, squared, tilt);
        CHECK(find_ink(page).ruled);
        CHECK(mean_difference(read_ink(page), formed(drawn)) < 8);
        CHECK(read_all_ink(on_lines(row, 31, gray, squared, tilt)).size() == 2);
      }
    }
  }
  const GrayImage blackboard =
      mapped(on_lines(drawn, 31, 205, true, 0), [](double, double, double light) { return 255 - 255 * light; });
  CHECK(find_ink(blackboard).ruled);
  CHECK(mean_difference(read_ink(blackboard), formed(drawn)) < 8);
  CHECK(read_all_ink(on_lines(GrayImage(300, 240), 31, 205, true, 0.01)).empty());
}

TEST_CASE("a network's inputs come with reasons to doubt them") {
  const auto notices = [](const GrayImage& picture) { return network_inputs(picture, 28, "x").notices; };
  const auto paper = [](const GrayImage& drawing) {
    return mapped(drawing, [](double, double, double ink) { return 250 - 200 * ink; });
  };
  CHECK(notices(paper(seven(9))).empty());
  CHECK(notices(paper(beside({seven(9), seven(9)}))).empty());
  CHECK(network_inputs(paper(beside({seven(9), seven(9)})), 28, "x").pictures.size() == 2);
  const auto one = [&](const GrayImage& picture) {
    const std::vector<std::string> all = notices(picture);
    return all.size() == 1 ? all[0] : fmt::format("{} notices", all.size());
  };
  CHECK(one(on_lines(seven(9), 12, 200, false, 0)) == "the lines of the paper were taken away");
  CHECK(one(paper(block(100, 200, 30, 20, 30, 140))) ==
        "broader than a digit; several that touch cannot be told apart");
  CHECK(one(paper(block(100, 100, 20, 20, 60, 60))) == "the ink fills its box, as no digit does");
  CHECK(one(resize(paper(seven(14)), 10, 8)) == "only 10 x 8 pixels, which show little of a digit");

  CHECK(error_of([&] {
          network_input(paper(beside({seven(9), seven(9)})), 28, "x");
        }) == "x: expected one digit, found 2");
  // Red on a green that is as light.
  const PngHeader header{.width = 40, .height = 40, .color = 2};
  const std::string colors = png_file(header, [](std::uint32_t i, std::uint32_t j, int c) {
    const bool ink = i >= 10 && i < 30 && j >= 18 && j < 22;
    return c == (ink ? 0 : 1) ? (ink ? 255u : 130u) : 0u;
  });
  CHECK(
      contains(error_of([&] { network_input(decode_image(colors, "x"), 28, "x"); }), "colours that are equally light"));
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
  const std::vector<Tile> line{{GrayImage(784, 1), ""}}, few{{GrayImage(10, 2), ""}};
  CHECK(contact_sheet(line, 1).rows == 784 + 4);  // not enlarged until it is 56 wide
  CHECK(contact_sheet(few, 1).rows > 10 * 28);    // but this one is

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
