#include <tare/datasets/pictures/png.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/pictures/upright.h>

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

namespace tare {
namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
constexpr png_uint_32 kLongestSide = 1 << 16;
constexpr std::int64_t kDeflateRatio = 1032;  // it shrinks nothing by more

// What libpng's callbacks share. They must neither throw nor be jumped over by owners of memory.
struct Io {
  std::string_view in;
  std::string out;
  bool truncated = false;
  char error[96] = "", warning[96] = "";
};

void on_error(png_structp png, png_const_charp message) {
  auto* io = static_cast<Io*>(png_get_error_ptr(png));
  std::snprintf(io->error, sizeof(io->error), "%s", message);
  png_longjmp(png, 1);
}

void on_warning(png_structp png, png_const_charp message) {
  auto* io = static_cast<Io*>(png_get_error_ptr(png));
  std::snprintf(io->warning, sizeof(io->warning), "%s", message);
}

void on_read(png_structp png, png_bytep to, std::size_t size) {
  auto* io = static_cast<Io*>(png_get_io_ptr(png));
  io->truncated = size > io->in.size();
  if (io->truncated) png_error(png, "truncated");
  std::memcpy(to, io->in.data(), size);
  io->in.remove_prefix(size);
}

void on_write(png_structp png, png_bytep from, std::size_t size) {
  static_cast<Io*>(png_get_io_ptr(png))->out.append(reinterpret_cast<const char*>(from), size);
}

// Calls libpng, which comes back from an error by longjmp: `call` must own nothing. False after an error.
template <class Call>
bool succeeds(png_structp png, const Call& call) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  call();
  return true;
}

class PngReader {
 public:
  PngReader(std::string_view bytes, const std::string& name) : name_(name) {
    io_.in = bytes;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &io_, on_error, on_warning);
    if (png_ == nullptr) throw std::bad_alloc();
    info_ = png_create_info_struct(png_);
  }
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  GrayImage read() {
    if (info_ == nullptr) throw std::bad_alloc();
    const std::string_view file = io_.in;
    const std::size_t size = file.size();
    call([&] {
      png_set_read_fn(png_, &io_, on_read);
      png_set_benign_errors(png_, 0);
      png_set_user_limits(png_, kLongestSide, kLongestSide);
      // Text, times and colour profiles change nothing here.
      png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
      png_read_info(png_, info_);
    });
    const std::int64_t rows = png_get_image_height(png_, info_), cols = png_get_image_width(png_, info_);
    if (rows * cols > kLargestPicture) {
      throw Error("{}: expected a picture of at most {} pixels, found {} x {}", name_, kLargestPicture, rows, cols);
    }
    if (static_cast<std::int64_t>(png_get_rowbytes(png_, info_)) * rows >
        kDeflateRatio * static_cast<std::int64_t>(size)) {
      throw Error("{}: truncated: its header promises {} x {} pixels, which a PNG of {} bytes cannot hold", name_, rows,
                  cols, size);
    }
    read_pixels(rows, cols);
    call([&] { png_read_end(png_, nullptr); });
    blend();
    return upright(std::move(image_), exif_orientation(file));
  }

 private:
  template <class Call>
  void call(const Call& libpng) {
    if (succeeds(png_, libpng)) return;
    if (io_.truncated) throw Error("{}: truncated: the PNG ends too soon", name_);
    const bool more = io_.warning[0] != '\0';
    throw Error("{}: damaged PNG: {}{}{}{}", name_, io_.error, more ? " (" : "", io_.warning, more ? ")" : "");
  }

  // Every kind of PNG as rows of red, green, blue and opacity, 8 bits each; kept as luma and opacity. What is kept
  // grows with what is really there.
  void read_pixels(std::int64_t rows, std::int64_t cols) {
    call([&] {
      png_set_expand(png_);
      png_set_scale_16(png_);
      png_set_gray_to_rgb(png_);
      png_set_add_alpha(png_, 255, PNG_FILLER_AFTER);
      png_read_update_info(png_, info_);
    });
    std::vector<std::uint8_t> row(png_get_rowbytes(png_, info_)), luma;
    Range redness, blueness;  // compared with green: the same everywhere in a grey picture
    const bool interlaced = png_get_interlace_type(png_, info_) == PNG_INTERLACE_ADAM7;
    for (const Pass& pass : passes(interlaced)) {
      if (pass.left >= cols) continue;
      const std::int64_t width = (cols - pass.left + pass.right - 1) / pass.right;
      for (std::int64_t i = pass.top; i < rows; i += pass.down) {
        call([&] { png_read_row(png_, row.data(), nullptr); });
        const std::uint8_t* from = row.data();
        for (std::int64_t j = 0; j < width; ++j, from += 4) {
          luma.push_back(static_cast<std::uint8_t>((299 * from[0] + 587 * from[1] + 114 * from[2] + 500) / 1000));
          opacity_.push_back(from[3]);
          if (from[3] == 0) continue;
          redness.add(from[0] - from[1]);
          blueness.add(from[2] - from[1]);
        }
      }
    }
    image_.rows = rows;
    image_.cols = cols;
    image_.colorful = std::max(redness.width(), blueness.width()) > 64;
    image_.pixels = interlaced ? woven(luma) : std::move(luma);
    if (interlaced) opacity_ = woven(opacity_);
  }

  struct Range {
    int least = 255, most = -255;

    void add(int x) { least = std::min(least, x), most = std::max(most, x); }
    int width() const { return most - least; }
  };

  // The pixels that come together: every down-th row from the top, every right-th column from the left.
  struct Pass {
    std::int64_t top, down, left, right;
  };

  // An interlaced image comes as seven coarse ones, whose pixels lie between each other.
  static std::vector<Pass> passes(bool interlaced) {
    if (!interlaced) return {{0, 1, 0, 1}};
    return {{0, 8, 0, 8}, {0, 8, 4, 8}, {4, 8, 0, 4}, {0, 4, 2, 4}, {2, 4, 0, 2}, {0, 2, 1, 2}, {1, 2, 0, 1}};
  }

  std::vector<std::uint8_t> woven(const std::vector<std::uint8_t>& from) const {
    std::vector<std::uint8_t> to(from.size());
    auto next = from.begin();
    for (const Pass& pass : passes(true)) {
      for (std::int64_t i = pass.top; i < image_.rows; i += pass.down) {
        for (std::int64_t j = pass.left; j < image_.cols; j += pass.right) {
          to[static_cast<std::size_t>(i * image_.cols + j)] = *next++;
        }
      }
    }
    return to;
  }

  // Lays the picture on its paper; see png.h.
  void blend() {
    std::array<std::int64_t, 256> histogram{};  // of the opaque part
    std::int64_t opaque = 0, sum = 0;
    const std::size_t size = image_.pixels.size();
    for (std::size_t i = 0; i < size; ++i) {
      histogram[image_.pixels[i]] += opacity_[i];
      opaque += opacity_[i];
      sum += std::int64_t{opacity_[i]} * image_.pixels[i];
    }
    int paper = 2 * sum < 255 * opaque ? 255 : 0;
    if (2 * opaque >= 255 * static_cast<std::int64_t>(size)) {
      paper = 0;
      for (std::int64_t below = histogram[0]; 2 * below < opaque; below += histogram[static_cast<std::size_t>(paper)])
        ++paper;
    }
    for (std::size_t i = 0; i < size; ++i) {
      const int a = opacity_[i];
      image_.pixels[i] = static_cast<std::uint8_t>((image_.pixels[i] * a + paper * (255 - a) + 127) / 255);
    }
  }

  const std::string& name_;
  Io io_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  GrayImage image_;
  std::vector<std::uint8_t> opacity_;
};

}  // namespace

bool is_png(std::string_view bytes) { return bytes.starts_with(kSignature.substr(0, 4)); }

GrayImage decode_png(std::string_view bytes, const std::string& name) { return PngReader(bytes, name).read(); }

std::string encode_png(std::int64_t rows, std::int64_t cols, int channels, std::span<const std::uint8_t> pixels) {
  Io io;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &io, on_error, on_warning);
  if (png == nullptr) throw std::bad_alloc();
  png_infop info = png_create_info_struct(png);
  const bool written = info != nullptr && succeeds(png, [&] {
                         png_set_write_fn(png, &io, on_write, nullptr);
                         png_set_IHDR(png, info, static_cast<png_uint_32>(cols), static_cast<png_uint_32>(rows), 8,
                                      channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                                      PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
                         png_write_info(png, info);
                         for (std::int64_t i = 0; i < rows; ++i)
                           png_write_row(png, pixels.data() + i * cols * channels);
                         png_write_end(png, info);
                       });
  png_destroy_write_struct(&png, &info);
  if (!written) throw Error("PNG of {} x {} pixels: {}", rows, cols, io.error);
  return io.out;
}

void write_png(const std::filesystem::path& file, const GrayImage& image) {
  constexpr std::int64_t kLargestSide = 1'000'000;  // of libpng
  if (std::max(image.rows, image.cols) > kLargestSide) {
    throw Error("{}: a picture of {} x {} pixels is too large for a PNG", file.string(), image.rows, image.cols);
  }
  write_file(file, encode_png(image.rows, image.cols, 1, image.pixels));
}

void write_png(const std::filesystem::path& file, std::int64_t rows, std::int64_t cols,
               std::span<const std::uint8_t> rgb) {
  write_file(file, encode_png(rows, cols, 3, rgb));
}

}  // namespace tare
