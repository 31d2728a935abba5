#include <tare/apps/train/resumed_outputs.h>

#include <tare/apps/cli/shell.h>
#include <tare/core/machine/file.h>

#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace tare {
namespace {

namespace fs = std::filesystem;

struct Output {
  const char* option;
  std::string TrainOptions::*file;
  // Where a file of the kind has which bytes.
  std::size_t at;
  std::string_view bytes;
  std::optional<LogPosition> RunDescription::*end = nullptr;  // of a log, which is compared when it is opened
};

constexpr Output kOutputs[] = {{"--save", &TrainOptions::save, 8, "{"},
                               {"--checkpoint", &TrainOptions::checkpoint, 8, "{"},
                               {"--log", &TrainOptions::log, 0, "step,", &RunDescription::log},
                               {"--layers", &TrainOptions::layers, 0, "step,", &RunDescription::layers},
                               {"--plot", &TrainOptions::plot, 0, "<?xml"},
                               {"--picture", &TrainOptions::picture, 0, "\x89PNG"}};

// Where links lead to, too; what cannot be looked at counts as outside.
bool is_inside(const fs::path& folder, const std::string& file) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(fs::absolute(behind_links(file)), error);
  if (error || descriptor_named(file)) return false;
  const fs::path way = whole.lexically_relative(folder);
  return !way.empty() && *way.begin() != "..";
}

bool is_of_kind(const Output& output, const std::string& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error) || fs::is_empty(file, error)) return true;
  const std::string start = read_file(file, output.at + output.bytes.size());
  return start.size() > output.at && start.substr(output.at) == output.bytes;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

}  // namespace

void check_resumed_outputs(const TrainOptions& resumed, const TrainOptions& given, const RunDescription& run,
                           const std::string& file) {
  const fs::path here = fs::current_path();
  for (const Output& output : kOutputs) {
    const std::string& target = resumed.*output.file;
    if (target.empty() || !(given.*output.file).empty() || same_file(target, file)) continue;
    const bool inside = is_inside(here, target);
    const bool compared = output.end != nullptr && (run.*output.end).has_value();
    if (inside && (compared || is_of_kind(output, target))) continue;
    throw UsageError("--resume {0}: would write {1} {2}, which is {3}; if that is meant, give {1} again", file,
                     output.option, target, inside ? "there already and something else" : "not in the current folder");
  }
}

std::string outputs_text(const TrainOptions& options) {
  std::vector<std::string> all;
  for (const Output& output : kOutputs) {
    const std::string& target = options.*output.file;
    if (!target.empty()) all.push_back(fmt::format("{} {}", output.option, target));
  }
  return fmt::to_string(fmt::join(all, ", "));
}

std::string outputs_to_repeat(const TrainOptions& options) {
  const fs::path here = fs::current_path();
  std::string words;
  for (const Output& output : kOutputs) {
    const std::string& target = options.*output.file;
    if (target.empty() || output.file == &TrainOptions::checkpoint || is_inside(here, target)) continue;
    words += fmt::format(" {} {}", output.option, shell_word(target));
  }
  return words;
}

}  // namespace tare
