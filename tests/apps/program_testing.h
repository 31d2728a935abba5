// Running the program `tare` as a person would, in a folder of its own.
#pragma once

#include "tests/datasets/file_testing.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tare::testing {

struct Outcome {
  int exit_code;  // 128 + n if signal n ended it
  std::string out, err;
};

/// Runs `tare` with these words, without a terminal. `before` is put in front of the command: "TARE_DATA=x".
Outcome run_tare(const std::string& words, const std::string& before = "");
/// Runs any command of the shell.
Outcome run_program(const std::string& command);

/// A running `tare`, to be signalled. It works in `folder` and leaves its output there, in the files `out` and `err`.
class Process {
 public:
  Process(const std::filesystem::path& folder, const std::string& words, const std::string& before = "");
  void signal(int number) const;
  /// Until this file of the folder is there; the test fails if the program ends first.
  void wait_for(const std::filesystem::path& file) const;
  /// Until the program has ended.
  Outcome wait();
  /// The most memory it ever held, once it has ended.
  std::int64_t peak_kilobytes() const { return peak_kilobytes_; }

 private:
  std::filesystem::path folder_;
  int id_;
  std::int64_t peak_kilobytes_ = 0;
};

/// Writes a small IDX data set that can be learned: 8 x 8 images of 10 classes, 330 for training and 100 for testing.
void write_digits(const std::filesystem::path& folder);

/// A CSV file's rows without its header, split into fields; the header must be the given one.
std::vector<std::vector<std::string>> read_csv(const std::filesystem::path& file, const std::string& header);

}  // namespace tare::testing
