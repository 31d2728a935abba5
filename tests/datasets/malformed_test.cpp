// Every way in which an IDX, PNG, PGM or safetensors file can be wrong that we could think of: each gives its own
// error, which names the file, and takes no more memory than the file can justify.
#include <tare/core/machine/error.h>
#include <tare/datasets/idx.h>
#include <tare/datasets/pictures/gray_image.h>
#include <tare/layers/files/safetensors.h>
#include "tests/core/allocation_counting.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace tare {
namespace {

using namespace std::string_literals;
using testing::big_endian;
using testing::deflated;
using testing::gzip;
using testing::image_header;
using testing::images_file;
using testing::labels_file;
using testing::png_chunk;
using testing::png_file;
using testing::png_rows;
using testing::PngHeader;

enum class Reader { images, labels, picture, model };

struct Malformed {
  std::string what;
  Reader reader;
  std::string bytes;
  std::string message;  // that the error must contain
  std::string name = "file";
};

std::string cut(const std::string& bytes, std::size_t from_end) { return bytes.substr(0, bytes.size() - from_end); }

std::string flipped(std::string bytes, std::size_t at, int bits = 1) {
  bytes.at(at) = static_cast<char>(bytes[at] ^ bits);
  return bytes;
}

constexpr std::uint32_t kMost = 0xffffffff;

std::vector<Malformed> malformed_idx() {
  const auto images = Reader::images, labels = Reader::labels;
  const std::string good = images_file(4), good_labels = labels_file({3, 1, 2}), packed = gzip(images_file(100));
  const std::string rest = good.substr(4);
  return {
      {"empty", images, "", "the file is empty"},
      {"empty labels", labels, "", "the file is empty"},
      {"HTML", images, "<!DOCTYPE html><html>404</html>", "expected IDX images, found HTML or XML"},
      {"HTML as labels", labels, "<html></html>", "expected IDX labels, found HTML or XML"},
      {"HTML named .gz", images, "<html></html>", "expected gzip data, found HTML or XML", "file.gz"},
      {"raw named .gz", images, good, "expected gzip data, found something else", "file.gz"},
      {"one byte", images, "\0"s, "truncated: expected a 4-byte magic number, found 1 bytes"},
      {"cut in the magic number", images, good.substr(0, 3), "expected a 4-byte magic number, found 3 bytes"},
      {"nothing but the magic number", images, good.substr(0, 4),
       "truncated in its header: expected 16 bytes, found 4"},
      {"cut in the count", images, good.substr(0, 7), "truncated in its header: expected 16 bytes, found 7"},
      {"cut before the rows", images, good.substr(0, 8), "truncated in its header: expected 16 bytes, found 8"},
      {"cut before the columns", images, good.substr(0, 12), "truncated in its header: expected 16 bytes, found 12"},
      {"cut in the columns", images, good.substr(0, 15), "truncated in its header: expected 16 bytes, found 15"},
      {"cut before the pixels", images, good.substr(0, 16),
       "the header promises 4 x 2 x 3 bytes, which a file of 16 bytes"},
      {"cut in the pixels", images, cut(good, 12), "truncated: expected 24 bytes after its header, found 12"},
      {"cut before the last pixel", images, cut(good, 1), "truncated: expected 24 bytes after its header, found 23"},
      {"one byte too many", images, good + '\0', "expected 24 bytes after its header, found more"},
      {"twice", images, good + good, "expected 24 bytes after its header, found more"},
      {"labels cut in the magic number", labels, good_labels.substr(0, 2), "4-byte magic number, found 2 bytes"},
      {"labels cut in the count", labels, good_labels.substr(0, 7),
       "truncated in its header: expected 8 bytes, found 7"},
      {"labels cut", labels, cut(good_labels, 1), "truncated: expected 3 bytes after its header, found 2"},
      {"labels and more", labels, good_labels + '\0', "expected 3 bytes after its header, found more"},
      {"byte 0 is not 0", images, flipped(good, 0),
       "expected the magic number 0x00000803 of IDX images, found 0x01000803"},
      {"byte 1 is not 0", images, flipped(good, 1), "found 0x00010803"},
      {"another type", images, flipped(good, 2, 5), "found 0x00000d03 (floats in 3 dimensions)"},
      {"no type", images, flipped(good, 2, 0xff), "found 0x0000f703"},
      {"other dimensions", images, flipped(good, 3), "found 0x00000802 (unsigned bytes in 2 dimensions)"},
      {"little-endian", images, "\x03\x08\0\0"s + rest, "found 0x03080000"},
      {"labels for images", images, good_labels, "found 0x00000801 (labels; are the files swapped?)"},
      {"images for labels", labels, good, "found 0x00000803 (images; are the files swapped?)"},
      {"no images", images, image_header(0, 2, 3), "expected dimensions of at least 1, found 0 images"},
      {"no rows", images, image_header(4, 0, 3), "found 0 pixels"},
      {"no columns", images, image_header(4, 2, 0), "found 0 pixels"},
      {"no labels", labels, labels_file({}), "found 0 labels"},
      {"count too small", images, image_header(3, 2, 3) + good.substr(16),
       "expected 18 bytes after its header, found more"},
      {"count too large", images, image_header(5, 2, 3) + good.substr(16),
       "expected 30 bytes after its header, found 24"},
      {"rows too large", images, image_header(4, 3, 3) + good.substr(16),
       "expected 36 bytes after its header, found 24"},
      {"columns too large", images, image_header(4, 2, 4) + good.substr(16),
       "expected 32 bytes after its header, found 24"},
      {"product overflows 32 bits", images, image_header(0x10000, 0x10000, 1) + "pixels", "which a file of 22 bytes"},
      {"product overflows 64 bits", images, image_header(kMost, kMost, kMost) + "pixels", "which a file of 22 bytes"},
      {"product overflows to 0", images, image_header(0x400000, 0x400000, 0x100000),
       "which a file of 16 bytes cannot hold"},
      {"billions of images", images, image_header(kMost, 1, 1) + "pixels", "which a file of 22 bytes cannot hold"},
      {"billions of labels", labels, big_endian(0x801) + big_endian(kMost) + "1",
       "which a file of 9 bytes cannot hold"},
      {"billions, compressed", images, gzip(image_header(kMost, kMost, kMost)), "cannot hold", "file.gz"},
      {"more than deflate can shrink", images, gzip(image_header(1000, 10, 10)), "cannot hold", "file.gz"},
      {"what deflate could have shrunk", images, gzip(image_header(1, 600, 60)) + std::string(3, '\0') + packed,
       "expected the file to end with its gzip data", "file.gz"},
      {"a bomb behind a small header", images, gzip(image_header(1, 2, 3) + std::string(20'000'000, '\0')),
       "expected 6 bytes after its header, found more", "file.gz"},
      {"a bomb of labels", labels, gzip(big_endian(0x801) + big_endian(5) + std::string(20'000'000, '\1')),
       "expected 5 bytes after its header, found more", "file.gz"},
      {"a bomb without a header", images, gzip(std::string(20'000'000, '\0')), "found 0x00000000", "file.gz"},
      {"a bomb of HTML", images, gzip(std::string(20'000'000, '<')), "found HTML or XML", "file.gz"},
      {"a bomb in a bomb", images, gzip(gzip(std::string(20'000'000, '\0'))), "found 0x1f8b0800", "file.gz"},
      {"nothing, compressed", images, gzip(""), "the file is empty", "file.gz"},
      {"gzip: only its first bytes", images, packed.substr(0, 2), "the compressed data ends too soon", "file.gz"},
      {"gzip: cut in its header", images, packed.substr(0, 9), "the compressed data ends too soon", "file.gz"},
      {"gzip: cut before its data", images, packed.substr(0, 10), "the compressed data ends too soon", "file.gz"},
      {"gzip: cut in its data", images, cut(packed, 100), "the compressed data ends too soon", "file.gz"},
      {"gzip: cut before its check sum", images, cut(packed, 8), "the compressed data ends too soon", "file.gz"},
      {"gzip: cut in its length", images, cut(packed, 1), "the compressed data ends too soon", "file.gz"},
      {"gzip: unknown method", images, flipped(packed, 2), "damaged gzip data: unknown compression method", "file.gz"},
      {"gzip: reserved flags", images, flipped(packed, 3, 0xe0), "damaged gzip data: unknown header flags set",
       "file.gz"},
      {"gzip: damaged data", images, flipped(packed, packed.size() / 2), "damaged gzip data", "file.gz"},
      {"gzip: wrong check sum", images, flipped(packed, packed.size() - 8), "incorrect data check", "file.gz"},
      {"gzip: wrong length", images, flipped(packed, packed.size() - 1), "incorrect length check", "file.gz"},
      {"gzip, then one byte", images, packed + "x", "expected the file to end with its gzip data, found 1 bytes more"},
      {"gzip, then zeros", images, packed + std::string(512, '\0'), "found 512 bytes more", "file.gz"},
      {"gzip, then the start of another", images, packed + "\x1f\x8b", "the compressed data ends too soon", "file.gz"},
      {"gzip, then another", images, packed + gzip("x"), "expected 600 bytes after its header, found more", "file.gz"},
  };
}

std::vector<Malformed> malformed_png() {
  const PngHeader header{.width = 3, .height = 2};
  const auto gray = [](std::uint32_t i, std::uint32_t j, int) { return 40 * i + j; };
  const std::string good = png_file(header, gray), rows = png_rows(header, gray),
                    pixels = png_chunk("IDAT", deflated(rows, testing::Wrapper::zlib));
  const std::string end = png_chunk("IEND", ""), start = testing::kPngSignature;
  const auto with = [&](PngHeader h) { return png_file(h, rows); };
  const auto chunks = [&](const std::string& text) { return start + text; };
  const std::size_t idat = start.size() + header.chunk().size();  // where it begins
  const std::string zeros = png_rows({.width = 4000, .height = 4000}, [](auto, auto, int) { return 0u; });

  std::vector<Malformed> table = {
      {"empty", Reader::picture, "", "the file is empty"},
      {"HTML", Reader::picture, "<!DOCTYPE html><html>404</html>", "expected PNG or PGM, found HTML, XML or SVG"},
      {"JPEG", Reader::picture, "\xff\xd8\xff\xe0", "found JPEG"},
      {"GIF", Reader::picture, "GIF89a", "found GIF"},
      {"text", Reader::picture, "seven\n", "found something else"},
      {"IDX", Reader::picture, images_file(1), "found something else"},
      {"compressed", Reader::picture, gzip(good), "found gzip data"},
      {"signature: one byte", Reader::picture, good.substr(0, 1), "found something else"},
      {"signature: sent as text", Reader::picture, "\x89PNG\n\x1a\n\0\0\0"s, "PNG file corrupted by ASCII conversion"},
      {"IHDR: wrong length", Reader::picture, flipped(good, 11), "damaged PNG: IHDR"},
      {"IHDR: missing", Reader::picture, chunks(pixels + end), "damaged PNG: IDAT: Missing IHDR"},
      {"IHDR: twice", Reader::picture, chunks(header.chunk() + header.chunk() + pixels + end),
       "damaged PNG: IHDR: out of place"},
      {"IHDR: check sum", Reader::picture, flipped(good, idat - 1), "damaged PNG: IHDR: CRC error"},
      {"width 0", Reader::picture, with({.width = 0, .height = 2}), "Image width is zero in IHDR"},
      {"height 0", Reader::picture, with({.width = 3, .height = 0}), "Image height is zero in IHDR"},
      {"width of 2^32 - 1", Reader::picture, with({.width = kMost, .height = 2}),
       "damaged PNG: PNG unsigned integer out of range"},
      {"width above the limit", Reader::picture, with({.width = 65537, .height = 2}),
       "Image width exceeds user limit in IHDR"},
      {"height above the limit", Reader::picture, with({.width = 3, .height = 65537}),
       "Image height exceeds user limit in IHDR"},
      {"pixels above the limit", Reader::picture, with({.width = 65536, .height = 65536}),
       "expected a picture of at most 67108864 pixels, found 65536 x 65536"},
      {"pixels beyond the file", Reader::picture, with({.width = 8000, .height = 8000}),
       "promises 8000 x 8000 pixels, which a PNG of"},
      {"pixels beyond the file, interlaced", Reader::picture, with({.width = 8000, .height = 8000, .interlace = 1}),
       "promises 8000 x 8000 pixels"},
      {"one long row", Reader::picture, with({.width = 65536, .height = 1, .depth = 16, .color = 6}),
       "promises 1 x 65536 pixels"},
      {"width too large", Reader::picture, with({.width = 4, .height = 2}), "damaged PNG: Not enough image data"},
      {"width too small", Reader::picture, with({.width = 2, .height = 2}), "damaged PNG"},
      {"height too large", Reader::picture, with({.width = 3, .height = 3}), "damaged PNG: Not enough image data"},
      {"height too small", Reader::picture, with({.width = 3, .height = 1}), "damaged PNG: IDAT: Too much image data"},
      {"depth 3", Reader::picture, with({.width = 3, .height = 2, .depth = 3}), "Invalid bit depth in IHDR"},
      {"depth 0", Reader::picture, with({.width = 3, .height = 2, .depth = 0}), "Invalid bit depth in IHDR"},
      {"depth 4 in colour", Reader::picture, with({.width = 3, .height = 2, .depth = 4, .color = 2}),
       "Invalid color type/bit depth combination in IHDR"},
      {"depth 16 with a palette", Reader::picture, with({.width = 3, .height = 2, .depth = 16, .color = 3}),
       "Invalid color type/bit depth combination"},
      {"colour type 1", Reader::picture, with({.width = 3, .height = 2, .color = 1}), "Invalid color type in IHDR"},
      {"colour type 7", Reader::picture, with({.width = 3, .height = 2, .color = 7}), "Invalid color type in IHDR"},
      {"compression 1", Reader::picture, with({.width = 3, .height = 2, .compression = 1}),
       "Unknown compression method in IHDR"},
      {"filter 1", Reader::picture, with({.width = 3, .height = 2, .filter = 1}), "Invalid filter method in IHDR"},
      {"interlace 2", Reader::picture, with({.width = 3, .height = 2, .interlace = 2}),
       "Unknown interlace method in IHDR"},
      {"interlace where there is none", Reader::picture, with({.width = 3, .height = 2, .interlace = 1}),
       "damaged PNG"},
      {"palette missing", Reader::picture, with({.width = 3, .height = 2, .color = 3}),
       "damaged PNG: IDAT: Missing PLTE"},
      {"palette of 7 bytes", Reader::picture,
       png_file({.width = 3, .height = 2, .color = 3}, rows, png_chunk("PLTE", "1234567")),
       "damaged PNG: PLTE: invalid"},
      {"IDAT missing", Reader::picture, chunks(header.chunk() + end), "damaged PNG: IEND: out of place"},
      {"IDAT empty", Reader::picture, png_file(header, "").substr(0, idat) + png_chunk("IDAT", "") + end,
       "damaged PNG"},
      {"IDAT: check sum", Reader::picture, flipped(good, idat + pixels.size() - 1), "damaged PNG: IDAT: CRC error"},
      {"IDAT: damaged data", Reader::picture, start + header.chunk() + png_chunk("IDAT", "garbage") + end,
       "damaged PNG: IDAT: incorrect header check"},
      {"IDAT: cut data", Reader::picture,
       start + header.chunk() + png_chunk("IDAT", deflated(rows, testing::Wrapper::zlib).substr(0, 8)) + end,
       "damaged PNG: Not enough image data"},
      {"IDAT: data and more", Reader::picture,
       start + header.chunk() + png_chunk("IDAT", deflated(rows, testing::Wrapper::zlib) + "more") + end,
       "damaged PNG: IDAT: Extra compressed data"},
      {"IDAT: length of 2^31", Reader::picture, flipped(good, idat, 0x80), "damaged PNG"},
      {"unknown filter in a row", Reader::picture, png_file(header, "\x09" + rows.substr(1)),
       "damaged PNG: bad adaptive filter value"},
      {"unknown critical chunk", Reader::picture, png_file(header, rows, png_chunk("ABCD", "")),
       "damaged PNG: ABCD: unhandled critical chunk"},
      {"chunk name of no letters", Reader::picture, png_file(header, rows, png_chunk("1234", "")), "damaged PNG"},
      {"IEND missing", Reader::picture, cut(good, 12), "truncated: the PNG ends too soon"},
      {"IEND with data", Reader::picture, cut(good, 12) + png_chunk("IEND", "x"), "damaged PNG: IEND"},
      {"a bomb in the pixels", Reader::picture, png_file({.width = 10, .height = 10}, zeros),
       "damaged PNG: IDAT: Too much image data"},
      {"a bomb that ends too soon", Reader::picture, png_file({.width = 4000, .height = 4010}, zeros),
       "damaged PNG: Not enough image data"},
      {"a bomb of text", Reader::picture,
       cut(png_file(header, rows,
                    png_chunk("zTXt", "k\0\0"s + deflated(std::string(20'000'000, 'x'), testing::Wrapper::zlib))),
           12),
       "truncated: the PNG ends too soon"},
  };
  for (const std::size_t left : {4, 8, 10, 16, 20, 24, 25, 29, 33, 37, 41, 45, 50}) {
    table.push_back(
        {"cut", Reader::picture, good.substr(0, left), left < 8 ? "truncated" : "truncated: the PNG ends too soon"});
  }
  return table;
}

std::vector<Malformed> malformed_pgm() {
  const auto picture = Reader::picture;
  return {
      {"only the magic number", picture, "P5", "truncated: the PGM ends before its width"},
      {"black and white", picture, "P4 8 1 \1", "expected PNG or PGM, found PBM (black and white)"},
      {"colour", picture, "P6 1 1 255 abc", "expected PNG or PGM, found PPM (colour)"},
      {"no such magic number", picture, "P9 1 1 255 a", "expected PNG or PGM, found something else"},
      {"cut before the height", picture, "P5 3", "truncated: the PGM ends before its height"},
      {"cut before the white value", picture, "P5 3 2 ", "truncated: the PGM ends before its white value"},
      {"cut before the pixels", picture, "P5 3 2 255", "truncated: the PGM ends before its pixels"},
      {"cut in a comment", picture, "P5 3 # 2 255 abcdef", "truncated: the PGM ends before its height"},
      {"no pixels", picture, "P5 3 2 255\n", "truncated: expected 2 x 3 pixels of 1 bytes, found 0 bytes"},
      {"one pixel too few", picture, "P5 3 2 255\nabcde", "truncated: expected 2 x 3 pixels of 1 bytes, found 5 bytes"},
      {"one pixel too many", picture, "P5 3 2 255\nabcdefg", "expected 2 x 3 pixels of 1 bytes, found 1 bytes more"},
      {"half a pixel too few", picture, "P5 1 2 256\n\0\1\0"s,
       "truncated: expected 2 x 1 pixels of 2 bytes, found 3 bytes"},
      {"half a pixel too many", picture, "P5 1 1 256\n\0\1\0"s, "expected 1 x 1 pixels of 2 bytes, found 1 bytes more"},
      {"two pictures", picture, "P5 1 1 255\naP5 1 1 255\na", "found 12 bytes more"},
      {"width 0", picture, "P5 0 2 255\n", "expected a PGM width from 1 to 67108864, found 0"},
      {"height 0", picture, "P5 3 0 255\n", "expected a PGM height from 1 to 67108864, found 0"},
      {"white value 0", picture, "P5 1 1 0\na", "expected a PGM white value from 1 to 65535, found 0"},
      {"white value 65536", picture, "P5 1 1 65536\naa", "expected a PGM white value from 1 to 65535, found 65536"},
      {"negative width", picture, "P5 -3 2 255\nabcdef", "expected the PGM's width, found \"-3\""},
      {"width in words", picture, "P5 three 2 255\nabcdef", "expected the PGM's width, found \"three\""},
      {"width of a fraction", picture, "P5 3.5 2 255\nabcdef", "expected the PGM's height, found \".5\""},
      {"width overflows 64 bits", picture, "P5 99999999999999999999 2 255\n", "from 1 to 67108864, found 999999999999"},
      {"size overflows", picture, "P5 67108864 67108864 255\na", "expected a picture of at most 67108864 pixels"},
      {"size above the limit", picture, "P5 67108864 2 255\na", "expected a picture of at most 67108864 pixels"},
      {"size beyond the file", picture, "P5 8000 8000 255\na",
       "truncated: expected 8000 x 8000 pixels of 1 bytes, found 1 bytes"},
      {"size beyond the text", picture, "P2 8000 8000 255\n1 2",
       "truncated: expected 8000 x 8000 pixels, which 4 bytes cannot hold"},
      {"no white space behind the header", picture, "P5 1 1 255a",
       "expected white space after the PGM's header, found \"a\""},
      {"no white space behind the magic number", picture, "P53 2 255\nabcdef", "expected the PGM's width, found \"3\""},
      {"control characters", picture, "P5 \x1b[31m", "expected the PGM's width, found \"?[31m\""},
      {"a byte above white", picture, "P5 2 1 100\n\x10\x65",
       "expected pixels up to the PGM's white value 100, found 101"},
      {"two bytes above white", picture, "P5 1 1 256\n\1\1",
       "expected pixels up to the PGM's white value 256, found 257"},
      {"a number above white", picture, "P2 2 1 15 15 16", "expected pixels up to the PGM's white value 15, found 16"},
      {"a number above every white", picture, "P2 1 1 65535 65536",
       "expected a PGM next pixel from 0 to 65535, found 65536"},
      {"letters among the numbers", picture, "P2 2 1 15 1 x", "expected the PGM's next pixel, found \"x\""},
      {"a negative number", picture, "P2 2 1 15 1 -1", "expected the PGM's next pixel, found \"-1\""},
      {"a number too few", picture, "P2 2 1 15 10 ", "truncated: the PGM ends before its next pixel"},
      {"a number too many", picture, "P2 2 1 15 1 2 3", "expected 1 x 2 pixels, found more behind them"},
      {"letters behind the numbers", picture, "P2 2 1 15 1 2x", "expected 1 x 2 pixels, found more behind them"},
  };
}

// The message of the Error that reading throws, or "" if it throws none.
// Two tensors with every dtype of the reader's that a model has.
std::string good_model_header(const std::string& crc) {
  return R"({"__metadata__":{"activation":"relu","tensors_crc32":")" + crc +
         R"("},"0.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]},)" +
         R"("1.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})";
}

const std::string kModelData = "\3\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40"s;

std::string good_model() {
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(kModelData.data()), static_cast<uInt>(kModelData.size()));
  return testing::safetensors_file(good_model_header(fmt::format("{:08x}", crc)), kModelData);
}

std::vector<Malformed> malformed_models() {
  const auto model = Reader::model;
  using testing::little_endian;
  using testing::safetensors_file;
  const std::string good = good_model(), good_header = good.substr(8, good.size() - 8 - kModelData.size());
  // One tensor of eight bytes.
  const auto entry = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return "{\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
  };
  const auto one = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return safetensors_file("{\"t\":" + entry(dtype, shape, offsets) + "}", std::string(8, '\1'));
  };
  const auto two = [&](const std::string& a, const std::string& b) {
    return safetensors_file("{\"a\":" + entry("\"F32\"", "[2]", a) + ",\"b\":" + entry("\"F32\"", "[2]", b) + "}",
                            std::string(16, '\1'));
  };
  const auto header = [&](const std::string& text) { return safetensors_file(text, ""); };
  const std::string t = entry("\"F32\"", "[2]", "[0,8]");

  std::vector<Malformed> table{
      {"empty", model, "", "expected a safetensors file, found 0 bytes"},
      {"header of 100 MB and one", model, little_endian(100'000'001) + "{}",
       "at most 100000000 bytes, found 100000001"},
      {"header of 2^64 - 1", model, little_endian(~std::uint64_t{0}) + "{}", "found 18446744073709551615"},
      {"header of 2^63", model, little_endian(std::uint64_t{1} << 63) + "{}", "found 9223372036854775808"},
      {"an archive", model, "PK\3\4 as torch.save writes", "found a zip archive"},
      {"an archive of torch.save", model, "PK\3\4" + std::string(26, '\1') + "model/data.pkl", "found what torch.save"},
      {"an archive of NumPy", model, "PK\3\4" + std::string(26, '\1') + "weight.npy", "found what numpy.savez writes"},
      {"Git LFS", model, "version https://git-lfs.github.com/spec/v1\n", "found a Git LFS pointer"},
      {"gzip", model, gzip("text"), "found gzip"},
      {"HTML", model, "<!DOCTYPE html>", "found HTML or XML"},
      {"JSON", model, "{\"a\": \"object\"}", "found JSON"},
      {"text", model, "# A heading", "found text"},
      {"no header", model, header(""), "its safetensors header does not begin with {"},
      {"header not closed", model, header("{"), "its header is not valid JSON"},
      {"key without value", model, header("{\"a\"}"), "its header is not valid JSON"},
      {"more behind it", model, header("{} x"), "its header is not valid JSON"},
      {"comment", model, header("{/**/}"), "its header is not valid JSON"},
      {"comma at the end", model, header("{\"__metadata__\":{},}"), "its header is not valid JSON"},
      {"single quotes", model, header("{'a':1}"), "its header is not valid JSON"},
      {"NaN", model, header("{\"a\":NaN}"), "its header is not valid JSON"},
      {"1e999", model, header("{\"a\":1e999}"), "its header is not valid JSON"},
      {"newline in a text", model, header("{\"a\nb\":1}"), "its header is not valid JSON"},
      {"lone surrogate", model, header("{\"\\ud800\":1}"), "its header is not valid JSON"},
      {"zero byte", model, header("{}\0"s), "it contains a zero byte"},
      {"byte that is not UTF-8", model, header("{\"\xff\":1}"), "its header is not valid UTF-8"},
      {"UTF-8 cut off", model, header("{\"__metadata__\":{\"a\":\"\xc3(\"}}"), "its header is not valid UTF-8"},
      {"UTF-8 longer than needed", model, header("{\"\xc0\xaf\":1}"), "its header is not valid UTF-8"},
      {"deep", model, header("{\"a\":" + std::string(100'000, '[')), "nested too deeply"},
      {"key twice", model, safetensors_file("{\"t\":" + t + ",\"t\":" + t + "}", "12345678"),
       "the key \"t\" stands twice"},
      {"metadata twice", model, header(R"({"__metadata__":{},"__metadata__":{}})"),
       "the key \"__metadata__\" stands twice"},
      {"key of metadata twice", model, header(R"({"__metadata__":{"k":"1","k":"1"}})"), "the key \"k\" stands twice"},
      {"key of an entry twice", model, header(R"({"t":{"dtype":"F32","dtype":"F32"}})"),
       "the key \"dtype\" stands twice"},
      {"metadata is an array", model, header(R"({"__metadata__":[]})"),
       "expected an object as __metadata__, found array"},
      {"metadata is null", model, header(R"({"__metadata__":null})"), "expected an object as __metadata__, found null"},
      {"metadata of numbers", model, header(R"({"__metadata__":{"k":1}})"),
       "expected a string as the metadata \"k\", found n"},
      {"metadata of objects", model, header(R"({"__metadata__":{"k":{}}})"), "the metadata \"k\", found object"},
      {"entry is an array", model, header(R"({"t":[]})"), "t: expected an object, found array"},
      {"entry is a text", model, header(R"({"t":"F32"})"), "t: expected an object, found string"},
      {"unknown key", model, header(R"({"t":{"dtype":"F32","strides":[1]}})"),
       "dtype, shape and data_offsets, found \"strides\""},
      {"newline in a name", model, header(R"({"a\nb":[]})"), "a\\nb: expected an object, found array"},
      {"newline in a dtype", model, one("\"F\\n\"", "[2]", "[0,8]"), "found F\\n"},
      {"newline in a digest", model, safetensors_file(good_model_header("\\n"), kModelData),
       "with the tensors_crc32 \\n"},
      {"no dtype", model, header(R"({"t":{"shape":[2],"data_offsets":[0,8]}})"),
       "the dtype F32, F64, F16, BF16 or I64, found nothing"},
      {"no shape", model, header(R"({"t":{"dtype":"F32","data_offsets":[0,8]}})"), "expected an array \"shape\""},
      {"no offsets", model, header(R"({"t":{"dtype":"F32","shape":[2]}})"), "expected an array \"data_offsets\""},
      {"unknown dtype", model, one("\"F33\"", "[2]", "[0,8]"),
       "expected the dtype F32, F64, F16, BF16 or I64, found F33"},
      {"half precision, too long", model, one("\"F16\"", "[2]", "[0,8]"), "expected 4 bytes for F16 [2], found 8"},
      {"lower case", model, one("\"f32\"", "[2]", "[0,8]"), "expected the dtype F32, F64, F16, BF16 or I64, found f32"},
      {"shape is a number", model, one("\"F32\"", "2", "[0,8]"), "t: expected an array \"shape\", found number"},
      {"negative length", model, one("\"F32\"", "[-2]", "[0,8]"), "2^63 - 1 in \"shape\", found -2"},
      {"length 2.0", model, one("\"F32\"", "[2.0]", "[0,8]"), "2^63 - 1 in \"shape\", found 2.0"},
      {"length as text", model, one("\"F32\"", "[\"2\"]", "[0,8]"), "in \"shape\", found \"2\""},
      {"length null", model, one("\"F32\"", "[null]", "[0,8]"), "in \"shape\", found null"},
      {"length 2^63", model, one("\"F32\"", "[9223372036854775808]", "[0,8]"),
       "in \"shape\", found 9223372036854775808"},
      {"lengths whose product wraps to 8 bytes", model, one("\"F32\"", "[4611686018427387906]", "[0,8]"),
       "is too large"},
      {"lengths whose product wraps to 0", model, one("\"F32\"", "[4294967296,4294967296]", "[0,0]"), "is too large"},
      {"one offset", model, one("\"F32\"", "[2]", "[8]"), "expected data_offsets [begin, end], found [8]"},
      {"three offsets", model, one("\"F32\"", "[2]", "[0,8,8]"), "expected data_offsets [begin, end], found [0, 8, 8]"},
      {"offsets backwards", model, one("\"F32\"", "[2]", "[8,0]"), "expected data_offsets [begin, end], found [8, 0]"},
      {"negative offset", model, one("\"F32\"", "[2]", "[-8,0]"), "2^63 - 1 in \"data_offsets\", found -8"},
      {"too few bytes", model, one("\"F32\"", "[3]", "[0,8]"), "expected 12 bytes for F32 [3], found 8"},
      {"too many bytes", model, one("\"F32\"", "[1]", "[0,8]"), "expected 4 bytes for F32 [1], found 8"},
      {"bytes of another dtype", model, one("\"F64\"", "[2]", "[0,8]"), "expected 16 bytes for F64 [2], found 8"},
      {"hole at the beginning", model, two("[8,16]", "[16,24]"), "a: leaves a hole behind the tensor before"},
      {"hole in between", model, two("[0,8]", "[9,17]"),
       "b: leaves a hole behind the tensor before: expected its bytes to begin at 8"},
      {"overlap", model, two("[0,8]", "[7,15]"),
       "b: overlaps the tensor before: expected its bytes to begin at 8, found 7"},
      {"the same bytes", model, two("[0,8]", "[0,8]"),
       "b: overlaps the tensor before: expected its bytes to begin at 8, found 0"},
      {"offset out of range", model, one("\"F32\"", "[4]", "[0,16]"),
       "truncated: expected 16 bytes behind the header, found 8"},
      {"offset far out of range", model, one("\"F32\"", "[1152921504606846976]", "[0,4611686018427387904]"),
       "truncated: expected 4611686018427387904 bytes"},
      {"more bytes than tensors", model, good + "\1", "too long: expected 24 bytes behind the header, found 25"},
      {"bytes without a tensor", model, safetensors_file("{}", "\1"),
       "too long: expected 0 bytes behind the header, found 1"},
      {"another digest", model, safetensors_file(good_model_header("00000000"), kModelData),
       "with the tensors_crc32 00000000"},
      {"a digest that is none", model, safetensors_file(good_model_header("x"), kModelData),
       "with the tensors_crc32 x"}};

  // Cut at every boundary.
  const std::size_t data = good.size() - kModelData.size();
  for (const std::size_t left : {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{9}, data - 1}) {
    table.push_back({fmt::format("cut to {}", left), model, good.substr(0, left),
                     left < 8 ? "expected a safetensors file, found" : "truncated in its header: expected "});
  }
  for (const std::size_t left : {data, data + 8, data + 12, good.size() - 1}) {
    table.push_back(
        {fmt::format("cut to {}", left), model, good.substr(0, left), "truncated: expected 24 bytes behind"});
  }
  // A bit of every class of bytes: the header's length, its braces, keys, types, numbers, the digest, and the tensors.
  const auto flip = [&](const std::string& what, std::size_t at, const std::string& message) {
    table.push_back({"flipped: " + what, model, flipped(good, at), message});
  };
  const auto at = [&](const std::string& text) { return good.find(text); };
  flip("length", 0, "its header");
  flip("length, fourth byte", 3, "truncated in its header");
  flip("length, last byte", 7, "header of at most");
  flip("brace", 8, "does not begin with {");
  flip("quote", at("\"0.weight"), "its header is not valid JSON");
  flip("metadata", at("__metadata__"), "expected ");
  flip("dtype's key", at("dtype"), "expected dtype, shape and data_offsets, found");
  flip("dtype", at("F32"), "expected the dtype F32, F64, F16, BF16 or I64, found G32");
  flip("shape", at("[2,2]") + 1, "expected 24 bytes for F32 [3, 2], found 16");
  flip("offset", at("[8,24]") + 1, "bytes for F32 [2, 2], found 15");
  flip("digest", at("crc32\":\"") + 8, "damaged: expected tensors with the tensors_crc32");
  for (std::size_t i = 0; i < kModelData.size(); ++i) {
    flip(fmt::format("byte {} of the tensors", i), data + i, "damaged: expected tensors with the tensors_crc32");
  }
  return table;
}

std::string message_of(const Malformed& m) {
  try {
    if (m.reader == Reader::images) decode_idx_images({m.bytes.begin(), m.bytes.end()}, m.name);
    if (m.reader == Reader::labels) decode_idx_labels({m.bytes.begin(), m.bytes.end()}, m.name);
    if (m.reader == Reader::picture) decode_image(m.bytes, m.name);
    if (m.reader == Reader::model) decode_safetensors(m.bytes, m.name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void check(const std::vector<Malformed>& table, std::size_t least) {
  CHECK(table.size() >= least);
  for (const Malformed& m : table) {
    testing::largest_allocation = 0;
    const std::string message = message_of(m);
    const std::size_t largest = testing::largest_allocation;
    CAPTURE(m.what);
    CAPTURE(message);
    CHECK(message.starts_with(m.name + ": "));
    CHECK(message.find(m.message) != message.npos);
    CHECK(message.find('\n') == message.npos);
    // What the libraries take to begin with, and room that grows with what was really found: in the bomb, 16 million
    // pixels.
    const bool bomb = m.what == "a bomb that ends too soon";
    CHECK(largest <= (bomb ? std::size_t{64'000'000} : 400'000 + m.bytes.size()));
  }
}

TEST_CASE("malformed safetensors files, each with its own message") {
  const std::vector<Malformed> table = malformed_models();
  check(table, 60);
  std::set<std::string> messages;
  for (const Malformed& m : table)
    CHECK_MESSAGE(messages.insert(message_of(m)).second, m.what << ": " << message_of(m));
  CHECK(message_of({"good", Reader::model, good_model(), ""}).empty());
}

TEST_CASE("malformed IDX files") { check(malformed_idx(), 60); }
TEST_CASE("malformed PNG files") { check(malformed_png(), 60); }
TEST_CASE("malformed PGM files") { check(malformed_pgm(), 35); }

TEST_CASE("the largest allocation is noted") {
  testing::largest_allocation = 0;
  ::operator delete(::operator new(12345));
  CHECK(testing::largest_allocation == 12345);
}

TEST_CASE("a file cut anywhere is an error, and never a guess") {
  const std::string files[] = {
      images_file(3), gzip(images_file(3)),
      png_file({.width = 9, .height = 9, .depth = 4, .interlace = 1}, [](auto i, auto j, int) { return (i + j) % 16; }),
      "P5 3 2 65535\nabababababab", "P2 3 2 255 1 2 3 4 5 6"};
  for (const std::string& file : files) {
    const Reader reader = &file < files + 2 ? Reader::images : Reader::picture;
    const bool text = file.starts_with("P2");  // its last number may lose nothing but its digits
    for (std::size_t left = 0; left < file.size() - (text ? 1 : 0); ++left) {
      CAPTURE(left);
      CHECK_FALSE(message_of({"cut", reader, file.substr(0, left), ""}).empty());
    }
    CHECK(message_of({"whole", reader, file, ""}).empty());
  }
}

}  // namespace
}  // namespace tare
