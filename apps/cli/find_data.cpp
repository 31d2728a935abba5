#include <tare/apps/cli/find_data.h>

#include <tare/core/machine/error.h>
#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/images.h>

#include <fmt/ranges.h>

#include <cstdlib>

namespace tare {

namespace fs = std::filesystem;

fs::path find_data(const std::string& name) {
  if (is_built_in(name)) return name;
  if (name != "auto" && name != "mnist") {
    std::error_code error;
    if (!fs::is_directory(name, error))
      throw Error("--data {}: expected auto, mnist, digits, {} or a folder of IDX files, found none of these", name,
                  fmt::join(kToys, ", "));
    return name;
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

}  // namespace tare
