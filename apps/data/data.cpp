// tare data: writes the built-in sets as files, and shows what is in a set before anything is trained on it.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/shell.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/data/commands.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/png.h>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

// Of all pixels, as fractions x/255; and how many images have no two different ones.
struct Summary {
  std::vector<std::int64_t> counts;  // per class
  double mean = 0, deviation = 0;
  std::int64_t blank = 0;
};

Summary summarize(const ImageSet& set, int classes) {
  Summary s;
  s.counts.resize(static_cast<std::size_t>(classes));
  for (const int label : set.labels) ++s.counts.at(static_cast<std::size_t>(label));
  std::int64_t sum = 0, squares = 0;
  for (const std::uint8_t x : set.pixels) sum += x, squares += std::int64_t{x} * x;
  const auto n = static_cast<double>(set.pixels.size());
  s.mean = static_cast<double>(sum) / n / 255;
  s.deviation = std::sqrt(std::max(0.0, static_cast<double>(squares) / n / (255 * 255) - s.mean * s.mean));
  for (std::int64_t i = 0; i < set.count; ++i) {
    const auto begin = set.pixels.begin() + i * set.features(), end = begin + set.features();
    s.blank += std::all_of(begin, end, [&](std::uint8_t x) { return x == *begin; });
  }
  return s;
}

// The first training images of every class: a row each, with `columns` of them.
std::vector<Tile> samples(const DataSet& data, std::int64_t columns) {
  std::vector<Tile> tiles;
  for (int label = 0; label < data.classes; ++label) {
    std::int64_t found = 0;
    for (std::int64_t i = 0; i < data.train.count && found < columns; ++i) {
      if (data.train.labels[static_cast<std::size_t>(i)] != label) continue;
      tiles.push_back({picture_of(data.train, i), ""});
      ++found;
    }
    // So that the next class begins a row of its own.
    for (; found < columns; ++found) tiles.push_back({GrayImage(data.train.rows, data.train.cols), ""});
  }
  return tiles;
}

// A picture of side x side pixels for each class, with some of its points.
std::vector<Tile> scatter(const DataSet& data, std::int64_t side) {
  constexpr std::int64_t kPoints = 1000;
  std::vector<Tile> tiles;
  for (int label = 0; label < data.classes; ++label) {
    tiles.push_back({GrayImage(side, side), fmt::format("{}", label)});
  }
  for (std::int64_t i = 0; i < std::min(kPoints, data.train.count); ++i) {
    const std::uint8_t* xy = data.train.pixels.data() + 2 * i;
    tiles[static_cast<std::size_t>(data.train.labels[static_cast<std::size_t>(i)])].picture(xy[1] * side / 256,
                                                                                            xy[0] * side / 256) = 255;
  }
  return tiles;
}

// How many of these fit in 80 characters (contact_sheet_text enlarges small pictures).
std::int64_t tiles_across(std::int64_t rows, std::int64_t cols) {
  const std::int64_t factor = std::max<std::int64_t>(1, 24 / std::max(rows, cols));
  return std::max<std::int64_t>(1, 82 / ((cols * factor + 1) / 2 + 2));
}

nlohmann::ordered_json to_json(const ImageSet& set, const Summary& s) {
  nlohmann::ordered_json out;
  out["images"] = set.count;
  out["rows"] = set.rows;
  out["cols"] = set.cols;
  out["counts"] = s.counts;
  out["mean"] = s.mean;
  out["deviation"] = s.deviation;
  out["blank"] = s.blank;
  return out;
}

void print(const char* name, const ImageSet& set, const Summary& s) {
  fmt::print("{:<9}{:>8} {:>10} {:>8.4f} {:>10.4f} {:>6}\n", name, grouped(set.count),
             fmt::format("{} x {}", set.rows, set.cols), s.mean, s.deviation, s.blank);
}

void print_classes(const DataSet& data, const std::vector<std::int64_t>& train, const std::vector<std::int64_t>& test) {
  std::size_t width = 8;
  for (const std::string& name : data.form.class_names) width = std::max(width, name.size());
  fmt::print("\n{:<{}} {:>8} {:>10}\n", "class", width, "training", "test");
  for (std::size_t k = 0; k < train.size(); ++k) {
    fmt::print("{:<{}} {:>8} {:>10}\n", printable(data.form.class_name(static_cast<std::int64_t>(k))), width,
               grouped(train[k]), grouped(test[k]));
  }
}

std::vector<std::int64_t> class_counts(const ImageSet& set, int classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes));
  for (const int label : set.labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

// Of a column's training rows, before they were brought to one scale.
struct Range {
  double smallest, largest;
};

Range range_of(const DataSet& data, std::size_t c) {
  const Column& column = data.form.columns[c];
  Range scaled{data.train.numbers[c], data.train.numbers[c]};
  for (std::size_t i = c; i < data.train.numbers.size(); i += data.form.columns.size()) {
    scaled = {std::min(scaled.smallest, data.train.numbers[i]), std::max(scaled.largest, data.train.numbers[i])};
  }
  const auto back = [&](double x) { return x * column.deviation + column.mean; };
  return {back(scaled.smallest), back(scaled.largest)};
}

int show_table(const DataShowOptions& options, const std::filesystem::path& found, const DataSet& data) {
  if (!options.png.empty()) throw Error("--png: expected images, found a table of numbers in {}", found.string());
  const std::vector<Column>& columns = data.form.columns;
  const std::vector<std::int64_t> train = class_counts(data.train, data.classes),
                                  test = class_counts(data.test, data.classes);
  if (options.json) {
    nlohmann::ordered_json out{{"data", found.string()}, {"classes", data.classes}};
    out["class_names"] = data.form.class_names;
    out["train"] = {{"samples", data.train.count}, {"counts", train}};
    out["test"] = {{"samples", data.test.count}, {"counts", test}};
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const Range range = range_of(data, c);
      out["columns"].push_back({{"name", columns[c].name},
                                {"mean", columns[c].mean},
                                {"deviation", columns[c].deviation},
                                {"smallest", range.smallest},
                                {"largest", range.largest}});
    }
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}: {} training and {} test rows of {} numbers\n", printable(found.string()), grouped(data.train.count),
             grouped(data.test.count), columns.size());
  print_classes(data, train, test);
  std::size_t width = 8;
  for (const Column& column : columns) width = std::max(width, column.name.size());
  fmt::print("\n{:<{}} {:>12} {:>12} {:>12} {:>12}   of the training rows\n", "column", width, "mean", "deviation",
             "smallest", "largest");
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const Range range = range_of(data, c);
    fmt::print("{:<{}} {:>12.6g} {:>12.6g} {:>12.6g} {:>12.6g}\n", printable(columns[c].name), width, columns[c].mean,
               columns[c].deviation, range.smallest, range.largest);
  }
  return 0;
}

}  // namespace

int run_data_make(const DataMakeOptions& options) {
  watch_signals();
  if (!is_built_in(options.data)) {
    throw UsageError("--data: expected digits, {}, found \"{}\"", fmt::join(kToys, ", "), options.data);
  }
  const DataSet data = make_built_in(options.data, options.seed);
  if (stop_signal() != 0) return 128 + stop_signal();
  save_data(options.folder, data);
  Progress(options.quiet)
      .line("{} has {} training and {} test images: tare train --data {}", options.folder, grouped(data.train.count),
            grouped(data.test.count), data_word(options.folder));
  return 0;
}

int run_data_show(const DataShowOptions& options) {
  const std::filesystem::path found = find_data(options.data, options.test);
  const DataSet data = load_data(found, {.seed = options.seed, .test = options.test});
  if (!data.notice.empty()) Progress(false).line("{}: {}", found.string(), data.notice);
  if (data.train.is_table()) return show_table(options, found, data);
  const Summary train = summarize(data.train, data.classes), test = summarize(data.test, data.classes);
  const bool plane = data.train.features() == 2;
  if (!options.png.empty()) {
    std::vector<NamedFile> inputs;
    for (const std::filesystem::path& file : data_files(found)) inputs.push_back({"the data", file});
    check_distinct({{"--png", options.png}}, inputs);
    constexpr std::int64_t kAcross = 20;
    const std::vector<Tile> tiles = plane ? scatter(data, 256) : samples(data, kAcross);
    write_png(options.png, contact_sheet(tiles, plane ? data.classes : kAcross));
  }
  if (options.json) {
    nlohmann::ordered_json out;
    out["data"] = found.string();
    out["classes"] = data.classes;
    if (!data.form.class_names.empty()) out["class_names"] = data.form.class_names;
    out["train"] = to_json(data.train, train);
    out["test"] = to_json(data.test, test);
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{}\n\n{:<9}{:>8} {:>10} {:>8} {:>10} {:>6}\n", printable(data_name(options.data, found)), "", "images",
             "size", "mean", "deviation", "blank");
  print("training", data.train, train);
  print("test", data.test, test);
  print_classes(data, train.counts, test.counts);
  fmt::print("\n{}", contact_sheet_text(plane ? scatter(data, 64)
                                              : samples(data, tiles_across(data.train.rows, data.train.cols))));
  return 0;
}

}  // namespace tare
