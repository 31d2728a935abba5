#include "datasets/idx.h"

#include "core/error.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

namespace tare {
namespace {

constexpr std::uint32_t kImages = 0x00000803;  // unsigned bytes, three dimensions
constexpr std::uint32_t kLabels = 0x00000801;  // unsigned bytes, one dimension

const char* meaning(std::uint32_t magic) {
  if (magic == kImages) return " (images; are the files swapped?)";
  if (magic == kLabels) return " (labels; are the files swapped?)";
  return "";
}

// Reads a file through zlib, which passes on unchanged what is not gzip.
class Reader {
 public:
  explicit Reader(const std::filesystem::path& file) : name_(file.string()) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) throw Error("{}: no such file", name_);
    if (!std::filesystem::is_regular_file(file, error)) throw Error("{}: not a regular file", name_);
    size_on_disk_ = std::filesystem::file_size(file, error);
    errno = 0;
    stream_.reset(gzopen(name_.c_str(), "rb"));
    if (!stream_) throw Error("{}: cannot be opened: {}", name_, std::strerror(errno != 0 ? errno : ENOMEM));
    gzbuffer(stream_.get(), 1 << 18);
  }

  // Reads the header and returns its dimensions.
  template <std::size_t N>
  std::array<std::uint32_t, N> header(std::uint32_t expected_magic, const char* expected) {
    std::array<std::uint8_t, 4> start;
    const std::size_t found = read(start);
    if (found == 0) throw Error("{}: the file is empty", name_);
    if (gzdirect(stream_.get()) && std::filesystem::path(name_).extension() == ".gz") {
      throw Error("{}: expected gzip data, found {}", name_, start[0] == '<' ? "HTML or XML" : "something else");
    }
    if (start[0] == '<') throw Error("{}: expected IDX {}, found HTML or XML", name_, expected);
    if (found < start.size())
      throw Error("{}: truncated: expected a 4-byte magic number, found {} bytes", name_, found);
    const std::uint32_t magic = big_endian(start);
    if (magic != expected_magic) {
      throw Error("{}: expected the magic number {:#010x} of IDX {}, found {:#010x}{}", name_, expected_magic, expected,
                  magic, meaning(magic));
    }
    std::array<std::uint8_t, 4 * N> bytes;
    if (const std::size_t n = read(bytes); n < bytes.size()) {
      throw Error("{}: truncated in its header: expected {} bytes, found {}", name_, 4 + bytes.size(), 4 + n);
    }
    std::array<std::uint32_t, N> dimensions;
    for (std::size_t i = 0; i < N; ++i) {
      dimensions[i] = big_endian(std::span(bytes).subspan(4 * i).template first<4>());
      if (dimensions[i] == 0)
        throw Error("{}: expected dimensions of at least 1, found 0 {}", name_, i == 0 ? expected : "pixels");
    }
    return dimensions;
  }

  // Reads the rest of the file, which must be exactly the product of the dimensions.
  std::vector<std::uint8_t> body(std::span<const std::uint32_t> dimensions) {
    // Deflate shrinks nothing by more than 1032 to 1.
    const std::uint64_t most = gzdirect(stream_.get()) ? size_on_disk_ : 1032 * size_on_disk_;
    std::uint64_t size = 1;
    for (std::uint32_t d : dimensions) {
      if (size > most / d) {
        throw Error("{}: truncated: the header promises {} bytes, which a file of {} bytes cannot hold", name_,
                    fmt::join(dimensions, " x "), size_on_disk_);
      }
      size *= d;
    }
    std::vector<std::uint8_t> bytes(size);
    if (const std::size_t n = read(bytes); n < size) {
      throw Error("{}: truncated: expected {} bytes after its header, found {}", name_, size, n);
    }
    if (std::array<std::uint8_t, 1> more; read(more) != 0) {
      throw Error("{}: expected {} bytes after its header, found more", name_, size);
    }
    return bytes;
  }

 private:
  static std::uint32_t big_endian(std::span<const std::uint8_t, 4> b) {
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]};
  }

  // Fills `to`, or as much of it as is left; Error if the file cannot be read or its compressed data is damaged.
  std::size_t read(std::span<std::uint8_t> to) {
    std::size_t done = 0;
    while (done < to.size()) {
      const auto chunk = static_cast<unsigned>(std::min<std::size_t>(to.size() - done, 1u << 30));
      const int n = gzread(stream_.get(), to.data() + done, chunk);
      if (n > 0) done += static_cast<std::size_t>(n);
      int code;
      const char* message = gzerror(stream_.get(), &code);
      if (code == Z_BUF_ERROR) throw Error("{}: truncated: the compressed data ends too soon", name_);
      if (code == Z_ERRNO) throw Error("{}: cannot be read: {}", name_, std::strerror(errno));
      if (code != Z_OK && code != Z_STREAM_END) throw Error("{}: damaged gzip data: {}", name_, message);
      if (n <= 0) break;
    }
    return done;
  }

  struct Close {
    void operator()(gzFile f) const { gzclose(f); }
  };
  std::string name_;
  std::uint64_t size_on_disk_ = 0;
  std::unique_ptr<gzFile_s, Close> stream_;
};

}  // namespace

IdxImages read_idx_images(const std::filesystem::path& file) {
  Reader reader(file);
  const auto [count, rows, cols] = reader.header<3>(kImages, "images");
  return {count, rows, cols, reader.body(std::array{count, rows, cols})};
}

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file) {
  Reader reader(file);
  return reader.body(reader.header<1>(kLabels, "labels"));
}

}  // namespace tare
