#include <tare/datasets/pictures/pgm.h>

#include <tare/core/machine/error.h>

#include <algorithm>

namespace tare {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Reader {
 public:
  Reader(std::string_view bytes, const std::string& name) : rest_(bytes.substr(2)), name_(name) {}

  std::string_view rest() const { return rest_; }

  // White space and comments. Whether there was any.
  bool skip_space() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && (is_space(rest_[0]) || rest_[0] == '#')) {
      rest_[0] == '#' ? skip_comment() : rest_.remove_prefix(1);
    }
    return rest_.size() < before;
  }

  // A number from `least` to `most`, which must stand apart from what comes before it. `what` names it in messages.
  std::int64_t number(const char* what, std::int64_t least, std::int64_t most) {
    const bool apart = skip_space();
    if (rest_.empty()) throw Error("{}: truncated: the PGM ends before its {}", name_, what);
    if (!apart || !is_digit(rest_[0])) {
      throw Error("{}: expected the PGM's {}, found \"{}\"", name_, what, word());
    }
    std::int64_t value = 0;
    std::size_t length = 0;
    for (; length < rest_.size() && is_digit(rest_[length]); ++length) {
      value = std::min(10 * value + (rest_[length] - '0'), most + 1);
    }
    if (value < least || value > most) {
      throw Error("{}: expected a PGM {} from {} to {}, found {}", name_, what, least, most, word());
    }
    rest_.remove_prefix(length);
    return value;
  }

  // The one white space that ends the header of a P5; before it may stand a comment.
  void end_header() {
    if (rest_.starts_with('#')) skip_comment();
    if (rest_.empty()) throw Error("{}: truncated: the PGM ends before its pixels", name_);
    if (!is_space(rest_[0]))
      throw Error("{}: expected white space after the PGM's header, found \"{}\"", name_, word());
    rest_.remove_prefix(1);
  }

 private:
  // From # up to the end of the line.
  void skip_comment() { rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size())); }

  // What stands here, for a message: a few characters, none of which could upset a terminal.
  std::string word() const {
    std::string text;
    for (const char c : rest_.substr(0, 12)) {
      if (is_space(c) && !text.empty()) break;
      text += c > ' ' && c <= '~' ? c : '?';
    }
    return text;
  }

  std::string_view rest_;
  const std::string& name_;
};

}  // namespace

bool is_pgm(std::string_view bytes) { return bytes.starts_with("P2") || bytes.starts_with("P5"); }

GrayImage decode_pgm(std::string_view bytes, const std::string& name) {
  Reader in(bytes, name);
  const std::int64_t cols = in.number("width", 1, kLargestPicture);
  const std::int64_t rows = in.number("height", 1, kLargestPicture);
  const std::int64_t white = in.number("white value", 1, 65535);
  const std::int64_t size = rows * cols;
  if (size > kLargestPicture) {
    throw Error("{}: expected a picture of at most {} pixels, found {} x {}", name, kLargestPicture, rows, cols);
  }
  const auto to_byte = [&](std::int64_t value) {
    if (value > white) throw Error("{}: expected pixels up to the PGM's white value {}, found {}", name, white, value);
    return static_cast<std::uint8_t>((value * 255 + white / 2) / white);
  };

  if (bytes[1] == '2') {
    // A pixel takes a digit and, up to the last, something between.
    const auto most = (std::ssize(in.rest()) + 1) / 2;
    if (size > most) {
      throw Error("{}: truncated: expected {} x {} pixels, which {} bytes cannot hold", name, rows, cols,
                  in.rest().size());
    }
    GrayImage image(rows, cols);
    for (std::uint8_t& pixel : image.pixels) pixel = to_byte(in.number("next pixel", 0, 65535));
    in.skip_space();
    if (!in.rest().empty()) throw Error("{}: expected {} x {} pixels, found more behind them", name, rows, cols);
    return image;
  }

  in.end_header();
  const int width = white > 255 ? 2 : 1;
  if (std::ssize(in.rest()) < size * width) {
    throw Error("{}: truncated: expected {} x {} pixels of {} bytes, found {} bytes", name, rows, cols, width,
                in.rest().size());
  }
  // (An editor may have ended the file with a line break.)
  if (!std::ranges::all_of(in.rest().substr(static_cast<std::size_t>(size * width)), is_space)) {
    throw Error("{}: expected {} x {} pixels of {} bytes, found {} bytes more", name, rows, cols, width,
                std::ssize(in.rest()) - size * width);
  }
  GrayImage image(rows, cols);
  auto from = in.rest().begin();
  const auto next = [&] { return std::int64_t{static_cast<std::uint8_t>(*from++)}; };
  for (std::uint8_t& pixel : image.pixels) {
    const std::int64_t high = next();
    pixel = to_byte(width == 1 ? high : high << 8 | next());
  }
  return image;
}

}  // namespace tare
