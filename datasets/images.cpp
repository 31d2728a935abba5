#include <tare/datasets/images.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>
#include <tare/datasets/built_in/digits.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/idx.h>

#include <algorithm>
#include <array>
#include <future>
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

// The file for `stem` ("train-images") and `type` ("idx3"), if the folder has it.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& stem, const std::string& type) {
  for (const char* ending : {"", ".gz"}) {
    for (const char* separator : {"-", "."}) {
      const fs::path file = folder / (stem + separator + type + "-ubyte" + ending);
      std::error_code error;
      if (fs::exists(file, error)) return file;
    }
  }
  return std::nullopt;
}

fs::path require_file(const fs::path& folder, const std::string& stem, const std::string& type) {
  if (const auto file = find_file(folder, stem, type)) return *file;
  throw Error("{}: expected a file {}-{}-ubyte or {}-{}-ubyte.gz, found none", folder.string(), stem, type, stem, type);
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

// Any number of classes is fine, and a class without an example may happen by chance in a small set; but a label far
// beyond the others, or a gap in a set with many examples per class, is a damaged file.
void check_labels(const fs::path& folder, const ImageSet& set, int classes) {
  std::array<bool, 256> seen{};
  for (const int label : set.labels) seen[static_cast<std::size_t>(label)] = true;
  const auto missing =
      static_cast<int>(std::count(seen.begin() + 1, seen.begin() + classes, false));  // some count from 1
  if (missing > classes / 2 || (missing > 0 && set.count >= 10 * classes)) {
    throw Error("{}: training labels go up to {}, but {} of the classes below have no example", folder.string(),
                classes - 1, missing);
  }
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

DataSet load_data(const fs::path& folder) {
  if (is_built_in(folder)) return make_built_in(folder.string());
  // Most of the time goes into decompressing the training images.
  std::future<ImageSet> test = std::async(std::launch::async, load_test_data, folder);
  DataSet data{.train = load_set(folder, "train"), .test = {}};
  data.test = test.get();
  if (data.test.rows != data.train.rows || data.test.cols != data.train.cols) {
    throw Error("{}: training images are {} x {}, test images {} x {}", folder.string(), data.train.rows,
                data.train.cols, data.test.rows, data.test.cols);
  }
  data.classes = *std::ranges::max_element(data.train.labels) + 1;
  check_labels(folder, data.train, data.classes);
  const int largest = *std::ranges::max_element(data.test.labels);
  if (largest >= data.classes) {
    throw Error("{}: expected test labels from 0 to {}, as in training, found {}", folder.string(), data.classes - 1,
                largest);
  }
  return data;
}

ImageSet load_test_data(const fs::path& folder) {
  if (folder == "digits") return make_test_digits(1);  // without the training images
  return is_built_in(folder) ? make_built_in(folder.string()).test : load_set(folder, "t10k");
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
  if (is_built_in(folder)) return files;
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
