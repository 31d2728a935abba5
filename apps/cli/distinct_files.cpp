#include <tare/apps/cli/distinct_files.h>

#include <tare/apps/cli/options.h>
#include <tare/core/machine/file.h>

namespace tare {
namespace {

namespace fs = std::filesystem;

// Whether it is there, and one of a folder of pictures.
bool is_picture_in(const fs::path& file, const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(file, error) || (file.extension() != ".png" && file.extension() != ".pgm")) return false;
  const fs::path way = fs::relative(file, folder, error);
  return !way.empty() && *way.begin() != "..";
}

bool same(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::is_directory(b, error)) return is_picture_in(a, b);
  if (fs::equivalent(a, b, error)) return fs::is_regular_file(a, error);
  const auto whole = [&](const fs::path& file) {
    return fs::weakly_canonical(fs::absolute(behind_links(file)), error);
  };
  return !fs::exists(a, error) && whole(a) == whole(b);
}

}  // namespace

void check_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    if (output.file.empty()) continue;
    const auto expect_another = [&](const NamedFile& other) {
      if (other.file.empty() || !same(output.file, other.file)) return;
      throw UsageError("{}: expected another file than {}, found {}", output.option, other.option,
                       output.file.string());
    };
    for (std::size_t j = 0; j < i; ++j) expect_another(outputs[j]);
    for (const NamedFile& input : inputs) {
      if (input.may_be == nullptr || std::string_view(input.may_be) != output.option) expect_another(input);
    }
  }
}

}  // namespace tare
