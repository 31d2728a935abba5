#include <tare/apps/cli/shell.h>

#include <tare/datasets/images.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tare {

std::string shell_word(const std::string& word) {
  const auto is_plain = [](unsigned char c) { return c < 0x80 && (std::isalnum(c) || std::strchr("-_./,=:+", c)); };
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  if (!word.empty() && word.find('\0') == word.npos && std::ranges::all_of(word, is_plain)) return word;
  const bool octal = std::ranges::any_of(word, is_control);  // in $'...', where a backslash is one, too
  std::string quoted = octal ? "$'" : "'";
  for (const char c : word) {
    if (is_control(static_cast<unsigned char>(c))) {
      quoted += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else if (c == '\'') {
      quoted += octal ? "\\'" : "'\\''";
    } else {
      if (octal && c == '\\') quoted += '\\';
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string data_word(const std::string& name) {
  const bool other = name == "auto" || name == "mnist" || is_built_in(name) || name.starts_with('-');
  return shell_word(other ? "./" + name : name);
}

}  // namespace tare
