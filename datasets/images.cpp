#include <tare/datasets/images.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/built_in/digits.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/idx.h>
#include <tare/datasets/load_table.h>
#include <tare/datasets/picture_folder.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <future>
#include <map>
#include <memory>
#include <optional>

namespace tare {
namespace {

namespace fs = std::filesystem;

struct Part {
  const char *stem, *type;
};
constexpr Part kParts[] = {
    {"train-images", "idx3"}, {"train-labels", "idx1"}, {"t10k-images", "idx3"}, {"t10k-labels", "idx1"}};

// The file for `stem` ("train-images") and `type` ("idx3"), if the folder has it; a folder of that name only where there
// is nothing else, so that the error names it.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& stem, const std::string& type) {
  std::optional<fs::path> none_better;
  for (const char* ending : {"", ".gz"}) {
    for (const char* separator : {"-", "."}) {
      const fs::path file = folder / (stem + separator + type + "-ubyte" + ending);
      std::error_code error;
      if (!fs::exists(file, error)) continue;
      if (!fs::is_directory(file, error)) return file;
      none_better = file;
    }
  }
  return none_better;
}

fs::path require_file(const fs::path& folder, const std::string& stem, const std::string& type) {
  if (const auto file = find_file(folder, stem, type)) return *file;
  throw Error("{}: expected a file {}-{}-ubyte or {}-{}-ubyte.gz, or folders of pictures named by class, found none",
              folder.string(), stem, type, stem, type);
}

ImageSet load_set(const fs::path& folder, const std::string& which) {
  const fs::path image_file = require_file(folder, which + "-images", "idx3");
  const fs::path label_file = require_file(folder, which + "-labels", "idx1");
  IdxImages images = read_idx_images(image_file);
  const std::vector<std::uint8_t> labels = read_idx_labels(label_file);
  ImageSet set{images.count, images.rows, images.cols, std::move(images.pixels), {labels.begin(), labels.end()}};
  if (std::ssize(set.labels) != set.count) {
    throw Error("{}: expected one label for each of the {} images, found {}", label_file.string(), set.count,
                set.labels.size());
  }
  return set;
}

// Any number of classes is fine, and a class without an example may happen by chance in a small set. Larger gaps are
// those of a set from which classes were taken out: the others are renumbered. But a label that stands there once, with
// gaps below, is a damaged file.
void close_gaps(const fs::path& folder, DataSet& data) {
  std::array<std::int64_t, 256> count{};
  for (const int label : data.train.labels) ++count[static_cast<std::size_t>(label)];
  const auto missing = std::count(count.begin() + 1, count.begin() + data.classes, 0);  // some count from 1
  if (missing <= data.classes / 2 && (missing == 0 || data.train.count < 10 * data.classes)) return;
  std::map<int, int> numbers;
  std::vector<int> from, to;
  for (int label = 0; label < data.classes; ++label) {
    const std::int64_t n = count[static_cast<std::size_t>(label)];
    if (n == 1) {
      throw Error("{}: training labels go up to {}, but {} of the classes below have no example, and {} has only one",
                  folder.string(), data.classes - 1, missing, label);
    }
    if (n == 0) continue;
    from.push_back(label);
    to.push_back(static_cast<int>(numbers.size()));
    numbers[label] = to.back();
    data.form.class_names.push_back(fmt::format("{}", label));
  }
  for (ImageSet* set : {&data.train, &data.test}) {
    for (int& label : set->labels) {
      const auto number = numbers.find(label);
      if (number == numbers.end()) {
        throw Error("{}: expected test labels as in training, {}, found {}", folder.string(), fmt::join(from, ", "),
                    label);
      }
      label = number->second;
    }
  }
  data.classes = static_cast<int>(from.size());
  data.notice = fmt::format("labels {} became {}", fmt::join(from, ", "), fmt::join(to, ", "));
}

DataSet load_idx(const fs::path& folder) {
  // Most of the time goes into decompressing the training images.
  std::future<ImageSet> test = std::async(std::launch::async, load_test_data, folder);
  DataSet data{.train = load_set(folder, "train"), .test = {}};
  data.test = test.get();
  if (data.test.rows != data.train.rows || data.test.cols != data.train.cols) {
    throw Error("{}: training images are {} x {}, test images {} x {}", folder.string(), data.train.rows,
                data.train.cols, data.test.rows, data.test.cols);
  }
  data.classes = *std::ranges::max_element(data.train.labels) + 1;
  close_gaps(folder, data);
  const int largest = *std::ranges::max_element(data.test.labels);
  if (largest >= data.classes) {
    throw Error("{}: expected test labels from 0 to {}, as in training, found {}", folder.string(), data.classes - 1,
                largest);
  }
  return data;
}

}  // namespace

bool is_built_in(const fs::path& data) {
  return data == "digits" || std::ranges::find(kToys, data.string()) != kToys.end();
}

DataSet make_built_in(const std::string& name, std::uint64_t seed) {
  return name == "digits" ? make_digits(seed) : make_toy(name, seed);
}

bool has_images(const fs::path& folder) {
  return find_file(folder, "train-images", "idx3") || find_file(folder, "t10k-images", "idx3");
}

DataKind kind_of(const fs::path& data) {
  std::error_code error;
  if (is_built_in(data)) return DataKind::built_in;
  const bool folder = fs::is_directory(data, error);
  if (fs::is_regular_file(data, error) || (!folder && is_named_as_table(data))) return DataKind::table;
  const bool idx =
      std::ranges::any_of(kParts, [&](const Part& p) { return find_file(data, p.stem, p.type).has_value(); });
  return !idx && has_class_folders(data) ? DataKind::pictures : DataKind::idx;
}

DataSet load_data(const fs::path& data, const DataOptions& options) {
  const DataKind kind = kind_of(data);
  if (!options.test.empty() && kind != DataKind::table) {
    throw Error("{}: expected with a table as the training data, found {}", options.test.string(), data.string());
  }
  switch (kind) {
    case DataKind::built_in:
      return make_built_in(data.string());
    case DataKind::table:
      return load_table(data, options);
    case DataKind::pictures:
      return load_picture_folder(data, options.seed);
    case DataKind::idx:
      break;
  }
  return load_idx(data);
}

ImageSet load_test_data(const fs::path& folder) {
  if (folder == "digits") return make_test_digits(1);  // without the training images
  return is_built_in(folder) ? make_built_in(folder.string()).test : load_set(folder, "t10k");
}

std::string DataForm::class_name(std::int64_t label) const {
  return class_names.empty() ? fmt::format("{}", label) : class_names.at(static_cast<std::size_t>(label));
}

void sort_classes(std::vector<std::string>& names, const std::string& what) {
  std::vector<std::pair<double, std::string>> numbers;
  for (const std::string& name : names) {
    double value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (error == std::errc() && end == name.data() + name.size() && std::isfinite(value)) {
      numbers.emplace_back(value, name);
    }
  }
  std::ranges::sort(names);
  if (numbers.size() < names.size()) return;
  std::ranges::sort(numbers);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && numbers[i].first == numbers[i - 1].first) {
      throw Error("{}: expected one spelling of each class, found \"{}\" and \"{}\"", what, numbers[i - 1].second,
                  numbers[i].second);
    }
    names[i] = numbers[i].second;
  }
}

std::vector<std::uint8_t> label_bytes(const ImageSet& set) {
  std::vector<std::uint8_t> bytes;
  for (const int label : set.labels) {
    check(label >= 0 && label <= 255, "labels", "numbers from 0 to 255", label);
    bytes.push_back(static_cast<std::uint8_t>(label));
  }
  return bytes;
}

std::vector<fs::path> data_files(const fs::path& folder) {
  std::vector<fs::path> files;
  const DataKind kind = kind_of(folder);
  if (kind == DataKind::built_in) return files;
  if (kind != DataKind::idx) return {folder};
  for (const auto& [stem, type] : kParts) {
    if (const auto file = find_file(folder, stem, type)) files.push_back(*file);
  }
  return files;
}

void save_data(const fs::path& folder, const DataSet& data) {
  const std::string contents[] = {
      encode_idx_images(data.train.count, data.train.rows, data.train.cols, data.train.pixels),
      encode_idx_labels(label_bytes(data.train)),
      encode_idx_images(data.test.count, data.test.rows, data.test.cols, data.test.pixels),
      encode_idx_labels(label_bytes(data.test))};
  std::vector<fs::path> names;
  for (const auto& [stem, type] : kParts) {
    names.push_back(folder / fmt::format("{}-{}-ubyte", stem, type));
    const auto there = find_file(folder, stem, type);
    if (there && (*there != names.back() || read_file(*there) != contents[names.size() - 1])) {
      throw Error("{}: is there already; expected a folder without another data set", there->string());
    }
  }
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder)) {
    throw Error("{}: cannot be written: {}", folder.string(), error ? error.message() : "not a folder");
  }
  try {
    std::vector<std::unique_ptr<AtomicFile>> files;
    for (std::size_t i = 0; i < names.size(); ++i) {
      files.push_back(std::make_unique<AtomicFile>(names[i]));
      files.back()->write(contents[i]);
    }
    for (const auto& file : files) file->commit();
  } catch (...) {
    if (made) fs::remove(folder, error);  // unless it holds something
    throw;
  }
}

}  // namespace tare
