#include <tare/datasets/load_table.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/csv.h>
#include <tare/datasets/split.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>

namespace tare {
namespace {

namespace fs = std::filesystem;

ImageSet samples_of(CsvTable& table) {
  return {.count = table.rows(),
          .rows = 1,
          .cols = std::ssize(table.columns),
          .pixels = {},
          .labels = std::move(table.labels),
          .numbers = std::move(table.numbers)};
}

// Of all rows. The first row is taken away before averaging: one number only has the deviation 0 then, exactly.
std::vector<Column> columns_of(const ImageSet& set, const std::vector<std::string>& names, const std::string& file) {
  const auto n = static_cast<double>(set.count);
  std::vector<Column> columns;
  for (std::int64_t c = 0; c < set.cols; ++c) {
    const auto x = [&](std::int64_t i) { return set.numbers[static_cast<std::size_t>(i * set.cols + c)]; };
    double sum = 0, squares = 0;
    for (std::int64_t i = 0; i < set.count; ++i) sum += x(i) - x(0);
    const double mean = x(0) + sum / n;
    for (std::int64_t i = 0; i < set.count; ++i) squares += (x(i) - mean) * (x(i) - mean);
    const double deviation = std::sqrt(squares / n);
    const std::string& name = names[static_cast<std::size_t>(c)];
    if (!std::isfinite(mean) || !std::isfinite(deviation)) {
      throw Error("{}: column \"{}\": expected numbers that have a mean and a deviation, found larger ones", file,
                  name);
    }
    columns.push_back({name, mean, deviation > 0 ? deviation : 1});
  }
  return columns;
}

void check_classes(const CsvTable& table, const std::string& file) {
  const std::int64_t classes = std::ssize(table.classes);
  if (classes < 2) {
    throw Error("{}: column \"{}\": expected at least two classes, found only \"{}\"", file, table.label,
                table.classes[0]);
  }
  if (classes > 20 && 2 * classes > table.rows()) {
    throw Error(
        "{}: column \"{}\": expected classes, found {} different values in {} rows; a column named label is taken "
        "instead of the last",
        file, table.label, classes, table.rows());
  }
}

// Numbers the classes of a table as others do. Error, naming the line, if one is none of them.
void renumber(CsvTable& table, const std::vector<std::string>& names, const std::string& file) {
  std::vector<int> numbers;
  for (const std::string& name : table.classes) {
    const auto place = std::ranges::find(names, name);
    numbers.push_back(place == names.end() ? -1 : static_cast<int>(place - names.begin()));
  }
  for (std::size_t i = 0; i < table.labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(table.labels[i]);
    if (numbers[label] < 0) {
      throw Error("{}: line {}: expected a class that training has, too, found \"{}\"", file, table.lines[i],
                  table.classes[label]);
    }
    table.labels[i] = numbers[label];
  }
}

// The rows that are drawn for testing must not be all there are of a class.
void check_drawn(const CsvTable& table, const SplitPlaces& places, const DataOptions& options,
                 const std::string& file) {
  std::vector<bool> trained(table.classes.size());
  for (const std::uint32_t i : places.train) trained[static_cast<std::size_t>(table.labels[i])] = true;
  for (const std::uint32_t i : places.test) {
    const auto label = static_cast<std::size_t>(table.labels[i]);
    if (trained[label]) continue;
    throw Error(
        "{}: line {}: expected a class that training has, too, found \"{}\", of which seed {} has drawn all rows "
        "for testing; another seed or a test file would leave some",
        file, table.lines[i], table.classes[label], options.seed);
  }
}

std::vector<std::int64_t> lines_at(const std::vector<std::int64_t>& lines, const std::vector<std::uint32_t>& places) {
  std::vector<std::int64_t> part;
  for (const std::uint32_t i : places) part.push_back(lines[i]);
  return part;
}

}  // namespace

bool is_named_as_table(const fs::path& file) {
  std::string ending = file.extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".csv" || ending == ".tsv" || ending == ".txt";
}

void standardize(ImageSet& set, const std::vector<Column>& columns, const std::string& what,
                 const std::vector<std::int64_t>& lines) {
  for (std::int64_t i = 0; i < set.count; ++i) {
    for (std::int64_t c = 0; c < set.cols; ++c) {
      const Column& column = columns[static_cast<std::size_t>(c)];
      double& x = set.numbers[static_cast<std::size_t>(i * set.cols + c)];
      const double scaled = (x - column.mean) / column.deviation;
      if (!(std::abs(scaled) <= double{std::numeric_limits<float>::max()})) {
        throw Error(
            "{}: line {}: column \"{}\": expected a number near those of training, of mean {} and deviation {}, "
            "found {}",
            what, lines.empty() ? i + 1 : lines[static_cast<std::size_t>(i)], column.name, column.mean,
            column.deviation, x);
      }
      x = scaled;
    }
  }
}

void check_columns(const std::vector<std::string>& found, const std::vector<Column>& expected,
                   const std::string& what) {
  for (std::size_t c = 0; c < std::max(found.size(), expected.size()); ++c) {
    const std::string a = c < expected.size() ? fmt::format("\"{}\"", expected[c].name) : "none";
    const std::string b = c < found.size() ? fmt::format("\"{}\"", found[c]) : "none";
    if (a == b) continue;
    throw Error("{}: expected the {} columns of the training rows, found {}: column {} is {} there, {} here", what,
                expected.size(), found.size(), c + 1, a, b);
  }
}

DataSet load_table(const fs::path& file, const DataOptions& options) {
  const std::string name = file.string();
  DataSet data;
  CsvTable table;
  {
    const std::string bytes = read_file(file);
    table = decode_csv(bytes, name);
    data.form.digest = fmt::format("{:08x}", extend_crc32(0, bytes));
  }
  check_classes(table, name);
  data.classes = static_cast<int>(table.classes.size());
  data.form.class_names = table.classes;
  data.form.seed = options.seed;
  data.form.own_test = !options.test.empty();
  if (data.form.own_test) {
    const std::vector<std::string> names = table.columns;
    data.train = samples_of(table);
    data.form.columns = columns_of(data.train, names, name);
    standardize(data.train, data.form.columns, name, table.lines);
    data.test = load_test_table(options.test, data.form);
    return data;
  }
  if (table.rows() < 2) throw Error("{}: expected at least two rows, one for testing, found {}", name, table.rows());
  const SplitPlaces places = split_places(table.rows(), std::max<std::int64_t>(1, table.rows() / 5), options.seed);
  check_drawn(table, places, options, name);
  const ImageSet all = samples_of(table);
  data.train = samples_at(all, places.train);
  data.test = samples_at(all, places.test);
  data.form.columns = columns_of(data.train, table.columns, name);
  standardize(data.train, data.form.columns, name, lines_at(table.lines, places.train));
  standardize(data.test, data.form.columns, name, lines_at(table.lines, places.test));
  return data;
}

ImageSet load_test_table(const fs::path& file, const DataForm& model) {
  const std::string name = file.string();
  CsvTable table = read_csv(file);
  check_columns(table.columns, model.columns, name);
  renumber(table, model.class_names, name);
  const std::vector<std::int64_t> lines = table.lines;
  ImageSet set = samples_of(table);
  standardize(set, model.columns, name, lines);
  return set;
}

}  // namespace tare
