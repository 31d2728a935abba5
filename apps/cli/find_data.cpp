#include <tare/apps/cli/find_data.h>

#include <tare/apps/cli/options.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/load_table.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

namespace tare {

namespace fs = std::filesystem;

namespace {

// The folder of the IDX files: the one that is named, or that in it in which torchvision has put them, MNIST/raw or
// FashionMNIST/raw. A folder without any is the named one.
fs::path idx_folder(const fs::path& folder) {
  if (has_images(folder)) return folder;
  std::vector<fs::path> found;
  if (has_images(folder / "raw")) found.push_back(folder / "raw");
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (has_images(entry->path() / "raw")) found.push_back(entry->path() / "raw");
  }
  std::ranges::sort(found);
  if (found.size() > 1) {
    throw Error("--data {}: expected one data set, found {} and {}", folder.string(), found[0].string(),
                found[1].string());
  }
  return found.empty() ? folder : found.front();
}

// Where a folder has MNIST, if it does.
std::optional<fs::path> mnist_in(const fs::path& folder) {
  for (const fs::path& place : {folder, folder / "raw", folder / "MNIST" / "raw"}) {
    if (has_images(place)) return place;
  }
  return std::nullopt;
}

fs::path find_named(const std::string& name) {
  if (is_built_in(name)) return name;
  if (name != "auto" && name != "mnist") {
    std::error_code error;
    const fs::file_status status = fs::status(name, error);
    const bool file = fs::is_regular_file(status);
    if (fs::is_directory(status)) return idx_folder(name);
    if (file && is_named_as_table(name)) return name;
    if (error == std::errc::permission_denied) throw Error("--data {}: cannot be read: {}", name, error.message());
    throw Error(
        "--data {}: expected auto, mnist, digits, {}, a folder of IDX files or of folders of pictures, or a table "
        "named "
        "*.csv, found {}",
        name, fmt::join(kToys, ", "), file ? "another file" : "none of these");
  }
  const char* variable = std::getenv("TARE_DATA");
  if (variable != nullptr && *variable != '\0') {
    if (const auto found = mnist_in(variable)) return *found;
    // Any other data would not be what was asked for.
    std::error_code error;
    const bool folder = fs::is_directory(fs::status(variable, error));
    throw Error("$TARE_DATA: expected a folder with MNIST's files, train-images-idx3-ubyte and others, found {} ({})",
                variable,
                folder  ? "which has none"
                : error ? error.message()
                        : "not a folder");
  }
  if (const auto found = mnist_in("data/mnist")) return *found;
  if (name == "auto") return "digits";
  throw Error(
      "--data {}: MNIST is neither in $TARE_DATA (not set) nor in data/mnist: `tare data fetch mnist` downloads it "
      "from "
      "https://storage.googleapis.com/cvdf-datasets/mnist/; or name its folder, --data DIR, or the built-in --data "
      "digits",
      name);
}

}  // namespace

fs::path find_data(const std::string& name, const std::string& test) {
  fs::path found = find_named(name);
  if (!test.empty() && kind_of(found) != DataKind::table) {
    throw UsageError("--test: expected only with --data FILE.csv, found --data {}", name);
  }
  return found;
}

std::string samples_text(const ImageSet& set) {
  return set.is_table() ? fmt::format("rows of {} numbers", set.cols)
                        : fmt::format("images of {} x {}", set.rows, set.cols);
}

}  // namespace tare
