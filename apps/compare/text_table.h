// A table for a terminal of a certain width.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tare {

struct TextColumn {
  std::string head;
  std::vector<std::string> cells = {};
  int importance = 0;  // where there is no room for all columns, the least important ones are left out
};

/// A line for every row; numbers stand at the right of their columns. The first column is text, and is wrapped if
/// there is no room for it beside the most important others. Empty columns are left out.
std::string text_table(std::vector<TextColumn> columns, std::size_t width);

}  // namespace tare
