// CSV, tables as text: a line with the columns' names, then a line for each row, its cells between commas, semicolons
// or tabs, each perhaps in double quotes. Reading is strict: what is no number, no class or no row like the others is
// an Error that names the line, never a guess.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tare {

/// A table of numbers with a class for each row: in the column `label`, or else in the last one.
struct CsvTable {
  std::vector<std::string> columns;  // names of those with numbers
  std::string label;                 // name of that with classes
  std::vector<double> numbers;       // row by row
  std::vector<std::string> classes;  // as sort_classes puts them
  std::vector<int> labels;           // of each row
  std::vector<std::int64_t> lines;   // of each row, counted from 1

  std::int64_t rows() const { return std::ssize(lines); }
};

/// Error, naming the file, the line and the column, unless it is such a table with at least one row.
CsvTable read_csv(const std::filesystem::path& file);
/// The same of the bytes of a file; `name` names it in messages.
CsvTable decode_csv(std::string_view bytes, const std::string& name);

/// Only these columns, in this order, whatever else the table has: without classes. Error if one is missing.
CsvTable read_csv_columns(const std::filesystem::path& file, const std::vector<std::string>& columns);

/// Error, naming `what`, unless a name can be printed and stored: UTF-8 without control characters, and not empty.
void check_name(const std::string& name, const std::string& what);

}  // namespace tare
