#include <tare/datasets/csv.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/images.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

namespace tare {
namespace {

// A cell as a message shows it: not all of a long one.
std::string shown(std::string_view cell) {
  constexpr std::size_t kMost = 40;
  if (cell.empty()) return "nothing";
  return cell.size() <= kMost ? fmt::format("\"{}\"", cell) : fmt::format("\"{}...\"", cell.substr(0, kMost));
}

// How many bytes the character at the start of the text takes in UTF-8, or 0 if it is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);  // neither longer than needed, nor a surrogate, nor beyond U+10FFFF
  const bool excluded = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                        (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return excluded ? 0 : length;
}

// Whether a number that no double can hold is too small for one, as 1e-400 is, and not too large.
bool underflows(std::string_view number) {
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  std::string_view power = number.substr(std::min(e + 1, number.size()));
  if (power.starts_with('+')) power.remove_prefix(1);
  std::int64_t exponent = 0;
  if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc::result_out_of_range) {
    return power.starts_with('-');
  }
  const auto point = static_cast<std::int64_t>(std::min(number.find('.'), e));
  return point - static_cast<std::int64_t>(number.find_first_of("123456789")) + exponent < 0;
}

// Whether it is a finite number in decimal notation. A comma may be its point where commas do not separate cells.
std::optional<double> number_in(std::string_view cell, bool decimal_comma) {
  double value = 0;
  std::string with_point;
  if (decimal_comma && std::ranges::count(cell, ',') == 1 && cell.find('.') == cell.npos) {
    with_point = cell;
    with_point[cell.find(',')] = '.';
    cell = with_point;
  }
  if (cell.size() > 1 && cell[0] == '+' && cell[1] != '-') cell.remove_prefix(1);
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (end != cell.data() + cell.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range && underflows(cell)) return 0.0;
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

constexpr std::ptrdiff_t kMostCells = 1'000'000;  // in a line

// The lines of a table, cut into cells.
class CsvLines {
 public:
  CsvLines(std::string_view text, const std::string& name) : rest_(text), name_(name) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (rest_.empty()) throw Error("{}: the file is empty", name_);
    if (rest_.starts_with("\xff\xfe") || rest_.starts_with("\xfe\xff")) {
      throw Error("{}: expected text in UTF-8, found UTF-16", name_);
    }
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
    if (rest_.starts_with("<")) throw Error("{}: expected a table (CSV), found HTML or XML", name_);
    check_text();
    choose_separator();
  }

  /// Cuts the next line that is not blank into cells. False behind the last.
  bool next() {
    do {
      if (rest_.empty()) return false;
      line_ = take_line();
    } while (line_.find_first_not_of(" \t") == line_.npos);
    cut();
    return true;
  }

  const std::vector<std::string_view>& cells() const { return cells_; }
  std::int64_t number() const { return number_; }
  /// Whether numbers may be written with a comma: as where Excel puts semicolons between them.
  bool decimal_comma() const { return separator_ == ';'; }
  const char* separator_name() const { return separator_ == ';' ? "semicolon" : separator_ == '\t' ? "tab" : "comma"; }
  std::string where() const { return fmt::format("{}: line {}", name_, number_); }
  /// At most as many lines as are left.
  std::int64_t most_lines() const { return 1 + std::ranges::count_if(rest_, ends_line); }

 private:
  static bool ends_line(char c) { return c == '\n' || c == '\r'; }
  bool is_space(char c) const { return c == ' ' || (c == '\t' && separator_ != '\t'); }

  void check_text() {
    std::int64_t line = 1;
    for (std::size_t i = 0; i < rest_.size();) {
      if (rest_[i] == '\0') throw Error("{}: line {}: expected text (CSV), found a zero byte", name_, line);
      const std::size_t length = utf8_length(rest_.substr(i));
      if (length == 0) {
        throw Error("{}: line {}: expected text in UTF-8, found the byte {:#04x}", name_, line,
                    static_cast<unsigned char>(rest_[i]));
      }
      line += rest_[i] == '\n';
      i += length;
    }
  }

  // What stands most often in the first line, outside of quotes; or what Excel's first line "sep=;" says.
  void choose_separator() {
    if (rest_.starts_with("sep=") && rest_.size() > 5 && ends_line(rest_[5])) {
      separator_ = rest_[4];
      if (separator_ != ',' && separator_ != ';' && separator_ != '\t') {
        throw Error("{}: line 1: expected a comma, a semicolon or a tab as separator, found {}", name_,
                    shown(rest_.substr(4, 1)));
      }
      take_line();
      return;
    }
    std::map<char, int> count;
    bool quoted = false;
    for (std::size_t i = rest_.find_first_not_of(" \r\n"); i < rest_.size() && !ends_line(rest_[i]); ++i) {
      if (rest_[i] == '"') quoted = !quoted;
      if (!quoted && (rest_[i] == ',' || rest_[i] == ';' || rest_[i] == '\t')) ++count[rest_[i]];
    }
    for (const char c : {';', '\t'}) {
      if (count[c] > count[separator_]) separator_ = c;
    }
  }

  std::string_view take_line() {
    const std::size_t end = std::min(rest_.find_first_of("\r\n"), rest_.size());
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end);
    rest_.remove_prefix(rest_.starts_with("\r\n") ? 2 : std::min<std::size_t>(1, rest_.size()));
    ++number_;
    return line;
  }

  void cut() {
    cells_.clear();
    unescaped_.clear();
    for (std::size_t at = 0;; ++at) {
      while (at < line_.size() && is_space(line_[at])) ++at;
      if (at < line_.size() && line_[at] == '"') {
        cells_.push_back(quoted_cell(at));
      } else {
        const std::size_t end = std::min(line_.find(separator_, at), line_.size());
        std::string_view cell = line_.substr(at, end - at);
        while (!cell.empty() && is_space(cell.back())) cell.remove_suffix(1);
        cells_.push_back(cell);
        at = end;
      }
      if (at == line_.size()) return;
      if (std::ssize(cells_) == kMostCells)
        throw Error("{}: expected at most {} cells, found more", where(), kMostCells);
    }
  }

  // The cell whose quotes begin at `at`, which then is where the cell ends.
  std::string_view quoted_cell(std::size_t& at) {
    const std::size_t begin = at + 1;
    std::size_t end = line_.find('"', begin);
    bool escaped = false;
    while (end < line_.size() && line_.substr(end + 1).starts_with('"')) {  // "" is a quote
      escaped = true;
      end = line_.find('"', end + 2);
    }
    if (end == line_.npos)
      throw Error("{}: expected a closing quote for {}, found none", where(), shown(line_.substr(at)));
    at = end + 1;
    while (at < line_.size() && is_space(line_[at])) ++at;
    if (at < line_.size() && line_[at] != separator_) {
      throw Error("{}: expected a {} behind a quoted cell, found {}", where(), separator_name(),
                  shown(line_.substr(at)));
    }
    const std::string_view cell = line_.substr(begin, end - begin);
    if (!escaped) return cell;
    std::string& text = unescaped_.emplace_back();
    for (std::size_t i = 0; i < cell.size(); ++i) {
      text += cell[i];
      if (cell[i] == '"') ++i;
    }
    return text;
  }

  std::string_view rest_, line_;
  const std::string& name_;
  char separator_ = ',';
  std::int64_t number_ = 0;
  std::vector<std::string_view> cells_;
  std::deque<std::string> unescaped_;  // what some of the cells point to
};

// The names in the first line. Error unless they can be a table's columns.
std::vector<std::string> header(CsvLines& lines, const std::string& name) {
  if (!lines.next()) throw Error("{}: expected a line with the columns' names, found only blank lines", name);
  std::vector<std::string> names(lines.cells().begin(), lines.cells().end());
  std::map<std::string, std::size_t> places;
  for (std::size_t c = 0; c < names.size(); ++c) {
    check_name(names[c], fmt::format("{}: the name of column {}", lines.where(), c + 1));
    const auto [place, is_new] = places.try_emplace(names[c], c);
    if (!is_new) {
      throw Error("{}: expected every name once, found {} in columns {} and {}", lines.where(), shown(names[c]),
                  place->second + 1, c + 1);
    }
  }
  return names;
}

// Whether these are a row's numbers instead of columns' names: not 0, 1, ..., as some programs call their columns.
bool are_numbers(const std::vector<std::string>& names, bool decimal_comma) {
  bool counting = names.size() > 1;
  for (std::size_t c = 0; c < names.size(); ++c) {
    const std::optional<double> number = number_in(names[c], decimal_comma);
    if (!number) return false;
    const auto place = static_cast<double>(c);
    counting = counting && (*number == place || *number == place + 1);
  }
  return !counting;
}

// Numbers as they follow each other in memory, and where they stand in a line.
struct NumberColumns {
  std::vector<std::size_t> places;
  std::size_t all;  // columns of the table
};

void read_row(const CsvLines& lines, const CsvTable& table, const NumberColumns& columns,
              std::vector<double>& numbers) {
  const std::vector<std::string_view>& cells = lines.cells();
  if (cells.size() != columns.all) {
    throw Error("{}: expected {} cells, as the header has, found {}", lines.where(), columns.all, cells.size());
  }
  for (std::size_t c = 0; c < columns.places.size(); ++c) {
    const std::string_view cell = cells[columns.places[c]];
    const std::optional<double> number = number_in(cell, lines.decimal_comma());
    if (!number) {
      throw Error("{}: column {}: expected a finite number, found {}", lines.where(), shown(table.columns[c]),
                  shown(cell));
    }
    numbers.push_back(*number);
  }
}

// Room for all rows: each number takes at least two bytes of the file.
void reserve(CsvTable& table, const CsvLines& lines, std::size_t bytes) {
  const auto rows = static_cast<std::size_t>(lines.most_lines());
  table.numbers.reserve(std::min(rows * table.columns.size(), bytes / 2 + 1));
}

}  // namespace

void check_name(const std::string& name, const std::string& what) {
  if (name.empty()) throw Error("{}: expected a name, found nothing", what);
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t length = utf8_length(std::string_view(name).substr(i));
    const auto byte = static_cast<unsigned char>(name[i]);
    if (length == 0) throw Error("{}: expected text in UTF-8, found the byte {:#04x}", what, byte);
    const bool second_control = byte == 0xc2 && static_cast<unsigned char>(name[i + 1]) < 0xa0;
    if (byte < ' ' || byte == 0x7f || second_control)
      throw Error("{}: expected no control characters, found one", what);
    i += length;
  }
}

CsvTable decode_csv(std::string_view bytes, const std::string& name) {
  CsvLines lines(bytes, name);
  std::vector<std::string> names = header(lines, name);
  if (names.size() < 2) {
    throw Error("{}: expected at least two columns, numbers and a class, between commas, semicolons or tabs, found {}",
                lines.where(), shown(names[0]));
  }
  const auto found = std::ranges::find(names, "label");
  const auto label = static_cast<std::size_t>((found == names.end() ? names.end() - 1 : found) - names.begin());
  CsvTable table;
  NumberColumns columns{{}, names.size()};
  for (std::size_t c = 0; c < names.size(); ++c) {
    if (c == label) continue;
    columns.places.push_back(c);
    table.columns.push_back(names[c]);
  }
  table.label = names[label];
  if (found == names.end() && are_numbers(table.columns, lines.decimal_comma())) {
    throw Error("{}: expected the columns' names, found the numbers of a row; is the header missing?", lines.where());
  }
  reserve(table, lines, bytes.size());
  std::unordered_map<std::string, int> numbers;  // of the classes, as they come
  while (lines.next()) {
    read_row(lines, table, columns, table.numbers);
    const std::string text(lines.cells()[label]);
    const auto [place, is_new] = numbers.try_emplace(text, static_cast<int>(numbers.size()));
    if (is_new) {
      check_name(text, fmt::format("{}: column {}", lines.where(), shown(table.label)));
      table.classes.push_back(text);
    }
    table.labels.push_back(place->second);
    table.lines.push_back(lines.number());
  }
  if (table.lines.empty()) throw Error("{}: expected rows behind the header, found none", name);
  const std::vector<std::string> as_they_came = table.classes;
  sort_classes(table.classes, fmt::format("{}: column {}", name, shown(table.label)));
  std::unordered_map<std::string, int> sorted;
  for (const std::string& text : table.classes) sorted.emplace(text, static_cast<int>(sorted.size()));
  for (int& k : table.labels) k = sorted.at(as_they_came[static_cast<std::size_t>(k)]);
  return table;
}

CsvTable read_csv(const std::filesystem::path& file) { return decode_csv(read_file(file), file.string()); }

CsvTable read_csv_columns(const std::filesystem::path& file, const std::vector<std::string>& wanted) {
  const std::string bytes = read_file(file), name = file.string();
  CsvLines lines(bytes, name);
  const std::vector<std::string> names = header(lines, name);
  CsvTable table;
  table.columns = wanted;
  NumberColumns columns{{}, names.size()};
  for (const std::string& column : wanted) {
    const auto place = std::ranges::find(names, column);
    if (place == names.end()) throw Error("{}: expected a column {}, found none", lines.where(), shown(column));
    columns.places.push_back(static_cast<std::size_t>(place - names.begin()));
  }
  reserve(table, lines, bytes.size());
  while (lines.next()) {
    read_row(lines, table, columns, table.numbers);
    table.lines.push_back(lines.number());
  }
  if (table.lines.empty()) throw Error("{}: expected rows behind the header, found none", name);
  return table;
}

}  // namespace tare
