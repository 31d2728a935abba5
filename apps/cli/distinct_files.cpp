#include <tare/apps/cli/distinct_files.h>

#include <tare/apps/cli/options.h>
#include <tare/core/machine/file.h>

#include <sys/stat.h>
#include <unistd.h>

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
  if (fs::exists(a, error)) return false;
  // Of what stands in a folder that may not be searched nothing is known; opening it will say why.
  std::error_code unknown_a, unknown_b;
  const fs::path whole_a = fs::weakly_canonical(fs::absolute(behind_links(a)), unknown_a),
                 whole_b = fs::weakly_canonical(fs::absolute(behind_links(b)), unknown_b);
  return !unknown_a && !unknown_b && whole_a == whole_b;
}

// "standard output", if that goes to this file; of both, whose bytes would overwrite each other, only one can stay.
const char* stream_into(const fs::path& file) {
  struct stat named, open;
  if (descriptor_named(file) || stat(file.c_str(), &named) != 0 || !S_ISREG(named.st_mode)) return nullptr;
  const auto goes_there = [&](int stream) {
    return fstat(stream, &open) == 0 && open.st_dev == named.st_dev && open.st_ino == named.st_ino;
  };
  return goes_there(STDOUT_FILENO) ? "standard output" : goes_there(STDERR_FILENO) ? "standard error" : nullptr;
}

}  // namespace

void check_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const NamedFile& output = outputs[i];
    if (output.file.empty()) continue;
    const auto refuse = [&](const char* other) {
      throw UsageError("{}: expected another file than {}, found {}", output.option, other, output.file.string());
    };
    const auto expect_another = [&](const NamedFile& other) {
      if (!other.file.empty() && same(output.file, other.file)) refuse(other.option);
    };
    if (const char* stream = stream_into(output.file)) refuse(stream);
    for (std::size_t j = 0; j < i; ++j) expect_another(outputs[j]);
    for (const NamedFile& input : inputs) {
      if (input.may_be == nullptr || std::string_view(input.may_be) != output.option) expect_another(input);
    }
  }
}

}  // namespace tare
