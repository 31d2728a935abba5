// The training log, a CSV that is whole after every row.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

namespace tare {

struct LogRow {
  std::int64_t step, epoch;  // from 1
  double lr;
  double train_loss;  // of this step's batch, before its update
  std::optional<double> test_loss, test_accuracy;
};

/// Where a log ended when a checkpoint was written: enough to bring the file back to there.
struct LogPosition {
  std::uint64_t bytes;    // before the last line
  std::uint32_t crc32;    // of these bytes
  std::string last_line;  // may be the header
};

class LogFile {
 public:
  /// Creates the file, or empties it, and writes the header. Error, naming the file, if that or a later row fails.
  explicit LogFile(const std::string& file);
  /// Goes on behind `position`. A last line that was torn and all later ones are replaced. Error, and the file is as it
  /// was, if what stands before is not what was written.
  LogFile(const std::string& file, const LogPosition& position);

  void write(const LogRow& row);
  /// Where it ends. All of it has reached the disk then.
  LogPosition position() const;

 private:
  void write_line(const std::string& line);
  [[noreturn]] void fail() const;

  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> stream_;
  LogPosition position_{};
};

}  // namespace tare
