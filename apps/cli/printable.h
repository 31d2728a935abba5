// Text for a terminal: names and other text from outside so that they cannot upset it, and lines that fit.
#pragma once

#include <string>
#include <string_view>

namespace tare {

inline constexpr std::size_t kTerminalWidth = 80;

/// One line, whatever the text contains: a question mark for every control character, line break, mark that turns the
/// direction of writing, and byte that is no UTF-8.
std::string printable(std::string_view text);

/// Broken at spaces into lines that fit, all but the first after `indent` spaces. A word that is longer stays whole.
std::string wrapped(std::string_view text, std::size_t indent = 4);

}  // namespace tare
