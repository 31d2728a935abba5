// No command may write over what it still reads, or write two things into one file.
#pragma once

#include <filesystem>
#include <vector>

namespace tare {

/// A file and the option that names it. An empty name is no file.
struct NamedFile {
  const char* option;
  std::filesystem::path file;
  const char* may_be = nullptr;  // of an input: the output that may replace it, when it has been read
};

/// UsageError, naming both, if two outputs are or would be the same file, under whatever names, or an output is an
/// input, or the file that standard output or error goes to, by its name.
void check_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

}  // namespace tare
