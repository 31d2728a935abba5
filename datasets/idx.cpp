#include <tare/datasets/idx.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <fmt/ranges.h>
#define ZLIB_CONST  // inflate does not change its input, and then says so
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <span>

namespace tare {
namespace {

constexpr std::uint32_t kImages = 0x00000803;  // unsigned bytes, three dimensions
constexpr std::uint32_t kLabels = 0x00000801;  // unsigned bytes, one dimension
constexpr std::uint64_t kDeflateRatio = 1032;  // deflate shrinks nothing by more

// What a magic number that is not the expected one says: two zero bytes, a type and the number of dimensions.
std::string meaning(std::uint32_t magic) {
  if (magic == kImages) return " (images; are the files swapped?)";
  if (magic == kLabels) return " (labels; are the files swapped?)";
  const struct {
    std::uint32_t code;
    const char* type;
  } types[] = {{0x08, "unsigned bytes"},  {0x09, "signed bytes"}, {0x0b, "16-bit integers"},
               {0x0c, "32-bit integers"}, {0x0d, "floats"},       {0x0e, "doubles"}};
  for (const auto& [code, type] : types) {
    if (magic >> 8 == code) return fmt::format(" ({} in {} dimensions)", type, magic & 0xff);
  }
  return "";
}

// A file's bytes from begin to end: as they are, or what they decompress to.
class Source {
 public:
  Source(std::span<const std::uint8_t> bytes, const std::string& name) : rest_(bytes), name_(name) {
    constexpr int kGzip = 16;  // added to the bits of the window: neither raw deflate nor zlib's own format
    compressed_ = is_gzip();
    if (compressed_ && inflateInit2(&stream_, kGzip + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Source() {
    if (compressed_) inflateEnd(&stream_);
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  bool compressed() const { return compressed_; }
  std::size_t left() const { return rest_.size(); }

  // Fills `to`, or as much of it as is left. Error if the compressed data is damaged, cut, or followed by something
  // else.
  std::size_t read(std::span<std::uint8_t> to) {
    if (!compressed_) {
      const std::size_t n = std::min(to.size(), rest_.size());
      std::copy_n(rest_.begin(), n, to.begin());
      rest_ = rest_.subspan(n);
      return n;
    }
    std::size_t done = 0;
    while (done < to.size()) {
      if (at_end_ && !next_member()) break;
      done += inflate_some(to.subspan(done));
    }
    return done;
  }

 private:
  bool is_gzip() const { return rest_.size() >= 2 && rest_[0] == 0x1f && rest_[1] == 0x8b; }

  // Compressed files may be strung together; what follows them must be another one.
  bool next_member() {
    if (rest_.empty()) return false;
    if (!is_gzip()) {
      throw Error("{}: expected the file to end with its gzip data, found {} bytes more", name_, rest_.size());
    }
    inflateReset(&stream_);
    at_end_ = false;
    return true;
  }

  std::size_t inflate_some(std::span<std::uint8_t> to) {
    constexpr std::size_t kMost = 1u << 30;  // zlib counts in 32 bits
    const std::size_t in = std::min(rest_.size(), kMost), out = std::min(to.size(), kMost);
    stream_.next_in = rest_.data();
    stream_.avail_in = static_cast<unsigned>(in);
    stream_.next_out = to.data();
    stream_.avail_out = static_cast<unsigned>(out);
    const int code = inflate(&stream_, Z_NO_FLUSH);
    rest_ = rest_.subspan(in - stream_.avail_in);
    if (code == Z_BUF_ERROR) throw Error("{}: truncated: the compressed data ends too soon", name_);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    if (code != Z_OK && code != Z_STREAM_END) {
      throw Error("{}: damaged gzip data: {}", name_, stream_.msg != nullptr ? stream_.msg : "no deflate stream");
    }
    at_end_ = code == Z_STREAM_END;
    return out - stream_.avail_out;
  }

  std::span<const std::uint8_t> rest_;
  const std::string& name_;
  bool compressed_ = false, at_end_ = false;
  z_stream stream_{};
};

class Reader {
 public:
  Reader(std::vector<std::uint8_t> bytes, const std::string& name)
      : bytes_(std::move(bytes)), source_(bytes_, name), name_(name) {
    if (bytes_.empty()) throw Error("{}: the file is empty", name_);
    if (!source_.compressed() && name_.ends_with(".gz")) {
      throw Error("{}: expected gzip data, found {}", name_, bytes_[0] == '<' ? "HTML or XML" : "something else");
    }
  }

  // Reads the header and returns its dimensions.
  template <std::size_t N>
  std::array<std::uint32_t, N> header(std::uint32_t expected_magic, const char* expected) {
    std::array<std::uint8_t, 4> start;
    const std::size_t found = source_.read(start);
    if (found == 0) throw Error("{}: the file is empty", name_);
    if (start[0] == '<') throw Error("{}: expected IDX {}, found HTML or XML", name_, expected);
    if (found < start.size())
      throw Error("{}: truncated: expected a 4-byte magic number, found {} bytes", name_, found);
    const std::uint32_t magic = big_endian(start);
    if (magic != expected_magic) {
      throw Error("{}: expected the magic number {:#010x} of IDX {}, found {:#010x}{}", name_, expected_magic, expected,
                  magic, meaning(magic));
    }
    std::array<std::uint8_t, 4 * N> bytes;
    if (const std::size_t n = source_.read(bytes); n < bytes.size()) {
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

  // Reads the rest of the file, which must be exactly the product of the dimensions. The last call.
  std::vector<std::uint8_t> body(std::span<const std::uint32_t> dimensions) {
    const std::uint64_t most = source_.compressed() ? kDeflateRatio * bytes_.size() : bytes_.size();
    std::uint64_t size = 1;
    for (std::uint32_t d : dimensions) {
      if (size > most / d) {
        throw Error("{}: truncated: the header promises {} bytes, which a file of {} bytes cannot hold", name_,
                    fmt::join(dimensions, " x "), bytes_.size());
      }
      size *= d;
    }
    if (source_.compressed()) return decompressed_body(size);
    if (source_.left() < size) throw cut(size, source_.left());
    if (source_.left() > size) throw too_long(size);
    // What the file's bytes are without its header: no second copy of a large file.
    bytes_.erase(bytes_.begin(), bytes_.end() - static_cast<std::ptrdiff_t>(size));
    return std::move(bytes_);
  }

 private:
  // Compressed data may turn out to hold much less than it could: room is made for what is there.
  std::vector<std::uint8_t> decompressed_body(std::uint64_t size) {
    constexpr std::uint64_t kFirst = 1u << 16;
    std::vector<std::uint8_t> body(std::min(size, kFirst));
    for (std::size_t done = 0;;) {
      done += source_.read(std::span(body).subspan(done));
      if (done < body.size()) throw cut(size, done);
      if (done == size) break;
      body.resize(std::min<std::uint64_t>(size, 4 * done));
    }
    if (std::array<std::uint8_t, 1> more; source_.read(more) != 0) throw too_long(size);
    return body;
  }

  Error cut(std::uint64_t expected, std::uint64_t found) const {
    return Error("{}: truncated: expected {} bytes after its header, found {}", name_, expected, found);
  }
  Error too_long(std::uint64_t expected) const {
    return Error("{}: expected {} bytes after its header, found more", name_, expected);
  }

  static std::uint32_t big_endian(std::span<const std::uint8_t, 4> b) {
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | std::uint32_t{b[3]};
  }

  std::vector<std::uint8_t> bytes_;
  Source source_;
  const std::string& name_;
};

}  // namespace

IdxImages decode_idx_images(std::vector<std::uint8_t> bytes, const std::string& name) {
  Reader reader(std::move(bytes), name);
  const auto [count, rows, cols] = reader.header<3>(kImages, "images");
  return {count, rows, cols, reader.body(std::array{count, rows, cols})};
}

std::vector<std::uint8_t> decode_idx_labels(std::vector<std::uint8_t> bytes, const std::string& name) {
  Reader reader(std::move(bytes), name);
  return reader.body(reader.header<1>(kLabels, "labels"));
}

IdxImages read_idx_images(const std::filesystem::path& file) {
  return decode_idx_images(read_bytes(file), file.string());
}

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& file) {
  return decode_idx_labels(read_bytes(file), file.string());
}

namespace {

std::string encode(std::initializer_list<std::int64_t> header, std::span<const std::uint8_t> body) {
  std::string bytes;
  bytes.reserve(4 * header.size() + body.size());
  for (const std::int64_t word : header) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(word >> shift & 0xff);
  }
  return bytes.append(body.begin(), body.end());
}

}  // namespace

std::string encode_idx_images(std::int64_t count, std::int64_t rows, std::int64_t cols,
                              std::span<const std::uint8_t> pixels) {
  return encode({kImages, count, rows, cols}, pixels);
}

std::string encode_idx_labels(std::span<const std::uint8_t> labels) {
  return encode({kLabels, std::ssize(labels)}, labels);
}

}  // namespace tare
