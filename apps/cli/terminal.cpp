#include <tare/apps/cli/terminal.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace tare {

namespace {
int descriptor(Stream stream) { return stream == Stream::out ? STDOUT_FILENO : STDERR_FILENO; }
}  // namespace

bool is_terminal(Stream stream) { return isatty(descriptor(stream)) != 0; }

std::size_t terminal_columns(Stream stream) {
  std::size_t columns = 0;
  winsize size{};
  if (ioctl(descriptor(stream), TIOCGWINSZ, &size) == 0) columns = size.ws_col;
  if (const char* variable = std::getenv("COLUMNS"); columns == 0 && variable != nullptr) {
    std::from_chars(variable, variable + std::strlen(variable), columns);
  }
  return columns == 0 ? 80 : std::clamp<std::size_t>(columns, 40, 1000);
}

std::size_t columns_of(std::string_view text) {
  const auto begins_a_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_a_character));
}

std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent) {
  const std::string new_line = "\n" + std::string(indent, ' ');
  std::string lines;
  std::size_t column = indent;
  bool first = true;
  while (!text.empty()) {
    const std::size_t spaces = std::min(text.find_first_not_of(" \n"), text.size());
    const bool paragraph = std::ranges::count(text.substr(0, spaces), '\n') > 1;
    text.remove_prefix(spaces);
    const std::string_view word = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(word.size());
    if (word.empty()) break;
    if (!first && (paragraph || column + 1 + columns_of(word) > columns)) {
      lines += paragraph ? "\n" + new_line : new_line;
      column = indent;
    } else if (!first) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += columns_of(word);
    first = false;
  }
  return lines;
}

}  // namespace tare
