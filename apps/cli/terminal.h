// How wide the output may be, and text in lines of that width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tare {

enum class Stream { out, err };
/// The columns of the terminal that standard output or error goes to, from 40 on; $COLUMNS where it is none, or else 80.
std::size_t terminal_columns(Stream stream = Stream::out);
bool is_terminal(Stream stream);

/// The characters that text in UTF-8 takes on a terminal, each counted as one column.
std::size_t columns_of(std::string_view text);

/// The words of the text in lines of at most `columns` characters, all but the first indented; the first is thought to
/// start there, too. A longer word has a line of its own. Line breaks in the text are spaces; an empty line stays.
std::string wrapped(std::string_view text, std::size_t columns, std::size_t indent = 0);

}  // namespace tare
