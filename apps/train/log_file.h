// The CSV files that a training writes, its log and its layers: whole after every row.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace tare {

/// Where a log ended when a checkpoint was written: enough to bring the file back to there.
struct LogPosition {
  std::uint64_t bytes;    // before the last line
  std::uint32_t crc32;    // of these bytes
  std::string last_line;  // may be the header
};

class LogFile {
 public:
  /// Creates the file, or empties it, and writes the header, a line; /dev/stdout and its like are gone on with. Error,
  /// naming the file, if that or a later row fails.
  LogFile(const std::string& file, const std::string& header);
  /// Goes on behind `position`. A last line that was torn and all later ones are replaced. Error, and the file is as it
  /// was, if what stands before is not what was written, or the file is none with this header.
  LogFile(const std::string& file, const std::string& header, const LogPosition& position);

  void write(const std::string& line);
  /// Where it ends. All of it has reached the disk then.
  LogPosition position() const;

 private:
  [[noreturn]] void fail() const;

  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> stream_;
  LogPosition position_{};
};

}  // namespace tare
