#include <tare/apps/compare/text_table.h>

#include <tare/apps/cli/terminal.h>

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace tare {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastText = 12;  // characters of the first column

std::size_t width_of(const TextColumn& column) {
  std::size_t width = column.head.size();
  for (const std::string& cell : column.cells) width = std::max(width, cell.size());
  return width;
}

bool is_empty(const TextColumn& column) {
  return std::ranges::all_of(column.cells, [](const std::string& cell) { return cell.empty() || cell == "-"; });
}

// Of all columns but the first, with their gaps.
std::size_t width_of_numbers(const std::vector<TextColumn>& columns) {
  std::size_t width = 0;
  for (std::size_t i = 1; i < columns.size(); ++i) width += kGap + width_of(columns[i]);
  return width;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  if (lines.empty()) lines.emplace_back();
  return lines;
}

}  // namespace

std::string text_table(std::vector<TextColumn> columns, std::size_t width) {
  const auto room = width;
  for (std::size_t i = columns.size(); i-- > 1;) {
    if (is_empty(columns[i])) columns.erase(columns.begin() + static_cast<std::ptrdiff_t>(i));
  }
  const std::size_t text_width = width_of(columns[0]);
  const auto fits = [&](std::size_t text) { return text + width_of_numbers(columns) <= room; };
  while (columns.size() > 2 && !fits(text_width)) {
    const auto least =
        std::min_element(columns.begin() + 1, columns.end(),
                         [](const TextColumn& a, const TextColumn& b) { return a.importance < b.importance; });
    if (least->importance >= 100 && fits(std::min(text_width, kLeastText))) break;  // rather wrap the text
    columns.erase(least);
  }
  const std::size_t numbers = width_of_numbers(columns);
  const std::size_t text = std::min(text_width, std::max(room - std::min(room, numbers), kLeastText));

  std::string table;
  const auto add_row = [&](const auto& cell) {
    const std::vector<std::string> lines = lines_of(wrapped(cell(columns[0]), text));
    for (std::size_t k = 0; k < lines.size(); ++k) {
      table += fmt::format("{:{}}", lines[k], k == 0 ? text : 0);
      for (std::size_t i = 1; k == 0 && i < columns.size(); ++i) {
        table += fmt::format("{:>{}}", cell(columns[i]), kGap + width_of(columns[i]));
      }
      table += '\n';
    }
  };
  add_row([](const TextColumn& column) { return column.head; });
  for (std::size_t row = 0; row < columns[0].cells.size(); ++row) {
    add_row([row](const TextColumn& column) { return column.cells[row]; });
  }
  return table;
}

}  // namespace tare
