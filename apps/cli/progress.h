// What a person sees on standard error while a network trains: one line that is redrawn on a terminal, plain lines in a
// pipe, nothing when quiet.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace tare {

/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t n);
/// Seconds as "0.4 s", "12 s", "3:05" or "1:02:45".
std::string duration(double seconds);

/// Writes to standard error. If that cannot be written, nobody reads it, and all else goes on.
void print_stderr(const std::string& text);
/// "tare: message", on one line, whatever a file or a name in it contains.
void print_error(std::string message);

/// What a notice calls the data that `option`, the text of --data, has led to.
std::string data_name(const std::string& option, const std::filesystem::path& found);

struct TrainingState {
  std::int64_t step, steps, epoch, epochs;  // counted from 1
  double loss, accuracy;                    // over this epoch so far
  double seconds;                           // of training so far
  std::int64_t steps_timed;                 // in these seconds: fewer than `step` if the run was resumed
  std::int64_t batch;                       // samples in a step
};

/// The line that is redrawn: shorter than 80 columns, the time left behind the time spent.
std::string progress_text(const TrainingState& s);

class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Redraws the line, at most ten times a second.
  void update(const TrainingState& state);
  /// The same with a text of its own.
  void update(const std::string& text);
  /// Takes the redrawn line away, so that something else can be printed.
  void clear();
  /// A line that stays: one line, whatever a name in it contains.
  template <class... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    if (!quiet_) print(fmt::format(text, std::forward<Args>(args)...));
  }
  /// Lines of the program's own.
  void lines(const std::string& text);

 private:
  bool due();  // whether the line may be redrawn now
  void draw(const std::string& text);
  void print(const std::string& text);

  bool quiet_, animated_;
  bool drawn_ = false;  // the redrawn line stands on the terminal
  std::chrono::steady_clock::time_point last_;
};

}  // namespace tare
