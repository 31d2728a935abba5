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

class LogFile {
 public:
  /// Creates the file, or empties it, and writes the header. Error, naming the file, if that or a later row fails.
  explicit LogFile(const std::string& file);
  void write(const LogRow& row);

 private:
  void write_line(const std::string& line);

  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::string name_;
  std::unique_ptr<std::FILE, Close> stream_;
};

}  // namespace tare
