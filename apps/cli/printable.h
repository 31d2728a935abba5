// Names and other text from outside, so that they cannot upset a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tare {

/// One line, whatever the text contains: a question mark for every control character, line break, mark that turns the
/// direction of writing, and byte that is no UTF-8.
std::string printable(std::string_view text);

}  // namespace tare
