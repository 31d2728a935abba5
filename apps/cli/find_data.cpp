#include <tare/apps/cli/find_data.h>

#include <tare/apps/cli/options.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/load_table.h>

#include <fmt/ranges.h>

#include <cstdlib>

namespace tare {

namespace fs = std::filesystem;

namespace {

fs::path find_named(const std::string& name) {
  if (is_built_in(name)) return name;
  if (name != "auto" && name != "mnist") {
    std::error_code error;
    const bool file = fs::is_regular_file(name, error);
    if (fs::is_directory(name, error) || (file && is_named_as_table(name))) return name;
    throw Error(
        "--data {}: expected auto, mnist, digits, {}, a folder of IDX files or of folders of pictures, or a table "
        "named "
        "*.csv, found {}",
        name, fmt::join(kToys, ", "), file ? "another file" : "none of these");
  }
  const char* variable = std::getenv("TARE_DATA");
  const bool set = variable != nullptr && *variable != '\0';
  if (set && has_images(variable)) return variable;
  if (has_images("data/mnist")) return "data/mnist";
  if (name == "auto") return "digits";
  throw Error(
      "--data {}: MNIST is neither in $TARE_DATA ({}) nor in data/mnist: `tare data fetch mnist` downloads it from "
      "https://storage.googleapis.com/cvdf-datasets/mnist/; or name its folder, --data DIR, or the built-in --data "
      "digits",
      name, set ? variable : "not set");
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
