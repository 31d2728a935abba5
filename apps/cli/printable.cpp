#include <tare/apps/cli/printable.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace tare {
namespace {

// The first character of a text that is not empty, as UTF-8 has it: 1 byte, or up to 4, of which the first has as many
// leading ones and the others begin with 10. No bytes if these are none.
struct Character {
  char32_t code;
  std::size_t bytes;
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const auto bytes = static_cast<std::size_t>(std::countl_one(byte(0)));
  if (bytes < 2 || bytes > 4 || bytes > text.size()) return {0, 0};
  char32_t code = byte(0) & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {0, 0};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  // Each code has one form, the shortest; the halves of UTF-16's pairs have none.
  constexpr char32_t kLeast[] = {0x80, 0x800, 0x10000};
  const bool fits = code >= kLeast[bytes - 2] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return {code, fits ? bytes : 0};
}

bool is_harmless(char32_t code) {
  const auto within = [code](char32_t first, char32_t last) { return code >= first && code <= last; };
  const bool control = within(0, 0x1f) || within(0x7f, 0x9f);
  const bool line_break = within(0x2028, 0x2029);
  const bool direction = code == 0x61c || within(0x200e, 0x200f) || within(0x202a, 0x202e) || within(0x2066, 0x2069);
  return !control && !line_break && !direction;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto [code, bytes] = first_of(text);
    if (bytes > 0 && is_harmless(code)) {
      result += text.substr(0, bytes);
    } else {
      result += '?';
    }
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return result;
}

}  // namespace tare
