// Files of the formats we read, written field by field, so that a test can get any of them wrong. Written without the
// libraries that read them, except for deflate.
#pragma once

#include <tare/core/machine/random.h>

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tare::testing {

inline std::string big_endian(std::uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

/// A safetensors file: the length of the header, the header, the bytes of the tensors.
inline std::string little_endian(std::uint64_t n) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(n >> (8 * i));
  return bytes;
}
inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return little_endian(header.size()) + header + data;
}

/// Deflated, as a file of gzip's or in the zlib format of a PNG.
enum class Wrapper { gzip, zlib };
inline std::string deflated(const std::string& bytes, Wrapper wrapper) {
  z_stream stream{};
  const int bits = MAX_WBITS + (wrapper == Wrapper::gzip ? 16 : 0);
  if (deflateInit2(&stream, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("deflate");
  std::vector<Bytef> in(bytes.begin(), bytes.end());
  std::vector<Bytef> out(deflateBound(&stream, static_cast<uLong>(in.size())));
  stream.next_in = in.data();
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<unsigned>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  const std::string result(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(stream.total_out));
  deflateEnd(&stream);
  if (code != Z_STREAM_END) throw std::runtime_error("deflate");
  return result;
}
inline std::string gzip(const std::string& bytes) { return deflated(bytes, Wrapper::gzip); }

// ---- IDX ------------------------------------------------------------------------------------------------------------

inline std::string image_header(std::uint32_t count, std::uint32_t rows, std::uint32_t cols) {
  return big_endian(0x803) + big_endian(count) + big_endian(rows) + big_endian(cols);
}

/// Pixels that hardly compress, so that damage to a compressed file hits them.
inline std::string images_file(std::uint32_t count, std::uint32_t rows = 2, std::uint32_t cols = 3) {
  Random random(1, Random::Stream{4}, count);
  std::string file = image_header(count, rows, cols);
  for (std::uint32_t i = 0; i < count * rows * cols; ++i) file += static_cast<char>(random.below(256));
  return file;
}

inline std::string labels_file(const std::vector<int>& labels) {
  std::string file = big_endian(0x801) + big_endian(static_cast<std::uint32_t>(labels.size()));
  for (const int label : labels) file += static_cast<char>(label);
  return file;
}

// ---- PNG ------------------------------------------------------------------------------------------------------------

const std::string kPngSignature = "\x89PNG\r\n\x1a\n";

inline std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<unsigned>(checked.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + checked + big_endian(static_cast<std::uint32_t>(crc));
}

struct PngHeader {
  std::uint32_t width = 1, height = 1;
  int depth = 8;
  int color = 0;  // 0 grey, 2 red green blue, 3 palette, 4 grey and alpha, 6 red green blue alpha
  int compression = 0, filter = 0, interlace = 0;

  std::string chunk() const {
    std::string data = big_endian(width) + big_endian(height);
    for (const int byte : {depth, color, compression, filter, interlace}) data += static_cast<char>(byte);
    return png_chunk("IHDR", data);
  }
  int channels() const { return color == 2 ? 3 : color == 4 ? 2 : color == 6 ? 4 : 1; }
};

/// The value of a channel at a row and a column, from 0 to 2^depth - 1.
using PngSample = std::function<std::uint32_t(std::uint32_t row, std::uint32_t col, int channel)>;

/// What a PNG deflates: each row behind its filter (always none), in seven passes if interlaced.
inline std::string png_rows(const PngHeader& h, const PngSample& sample) {
  struct Pass {
    std::uint32_t top, down, left, right;
  };
  std::vector<Pass> passes = {{0, 1, 0, 1}};
  if (h.interlace != 0) {
    passes = {{0, 8, 0, 8}, {0, 8, 4, 8}, {4, 8, 0, 4}, {0, 4, 2, 4}, {2, 4, 0, 2}, {0, 2, 1, 2}, {1, 2, 0, 1}};
  }
  std::string rows;
  for (const Pass& pass : passes) {
    if (pass.left >= h.width) continue;
    for (std::uint32_t i = pass.top; i < h.height; i += pass.down) {
      rows += '\0';
      int bits = 0;  // taken of the last byte
      for (std::uint32_t j = pass.left; j < h.width; j += pass.right) {
        for (int c = 0; c < h.channels(); ++c) {
          const std::uint32_t value = sample(i, j, c);
          if (h.depth == 16) rows += static_cast<char>(value >> 8);
          if (h.depth >= 8) {
            rows += static_cast<char>(value);
            continue;
          }
          if (bits == 0) rows += '\0';
          rows.back() = static_cast<char>(rows.back() | value << (8 - bits - h.depth));
          bits = (bits + h.depth) % 8;
        }
      }
    }
  }
  return rows;
}

/// A PNG of these rows, with chunks such as PLTE and tRNS before its pixels.
inline std::string png_file(const PngHeader& h, const std::string& rows, const std::string& chunks = "") {
  return kPngSignature + h.chunk() + chunks + png_chunk("IDAT", deflated(rows, Wrapper::zlib)) + png_chunk("IEND", "");
}
inline std::string png_file(const PngHeader& h, const PngSample& sample, const std::string& chunks = "") {
  return png_file(h, png_rows(h, sample), chunks);
}

}  // namespace tare::testing
