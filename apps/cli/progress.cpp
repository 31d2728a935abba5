#include <tare/apps/cli/progress.h>

#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/terminal.h>
#include <tare/datasets/images.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tare {

std::string grouped(std::int64_t n) {
  std::string digits = fmt::format("{}", n);
  for (auto i = std::ssize(digits) - 3; i > (n < 0 ? 1 : 0); i -= 3) digits.insert(static_cast<std::size_t>(i), 1, ',');
  return digits;
}

std::string duration(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto s = std::llround(seconds);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

void print_stderr(const std::string& text) { std::fputs(text.c_str(), stderr); }

void print_error(std::string message) {
  message = printable(message);
  print_stderr(fmt::format("tare: {}\n", message));
}

std::string data_name(const std::string& option, const std::filesystem::path& found) {
  if (!is_built_in(found)) return found.string();
  const std::string name = fmt::format("the built-in {}", found.string());
  return option == "auto" ? name + ", as MNIST is neither in $TARE_DATA nor in data/mnist" : name;
}

Progress::Progress(bool quiet)
    : quiet_(quiet), animated_(!quiet && isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr) {}

std::string progress_text(const TrainingState& s) {
  const double per_second = static_cast<double>(s.steps_timed * s.batch) / s.seconds;
  const double left = s.seconds / static_cast<double>(s.steps_timed) * static_cast<double>(s.steps - s.step);
  std::string text = fmt::format("epoch {}/{}", s.epoch, s.epochs);
  const std::string step = fmt::format("  step {}/{}", grouped(s.step), grouped(s.steps)),
                    rest = fmt::format("  loss {:#.4g}  {:.2f} %  {}, {} left", s.loss, 100 * s.accuracy,
                                       duration(s.seconds), duration(left)),
                    speed = fmt::format("  {} samples/s", grouped(static_cast<std::int64_t>(per_second)));
  if (text.size() + step.size() + rest.size() < 80) text += step;
  text += rest;
  return text.size() + speed.size() < 80 ? text + speed : text;
}

void Progress::update(const TrainingState& s) {
  if (due()) draw(progress_text(s));
}

void Progress::update(const std::string& text) {
  if (due()) draw(text);
}

bool Progress::due() {
  if (!animated_) return false;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) return false;
  last_ = now;
  return true;
}

void Progress::draw(const std::string& text) {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  // Carriage return, what fits of the text, and "erase to the end of the line".
  print_stderr(fmt::format("\r{}\x1b[K", text.substr(0, known ? size.ws_col - 1 : text.npos)));
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::clear() {
  if (drawn_) print_stderr("\r\x1b[K");
  drawn_ = false;
}

void Progress::lines(const std::string& text) {
  clear();
  if (!quiet_) print_stderr(text + "\n");
}

void Progress::print(const std::string& text) {
  clear();
  const std::string line = printable(text);
  const std::size_t columns = terminal_columns(Stream::err);
  const bool breaks = is_terminal(Stream::err) && columns_of(line) > columns;
  print_stderr((breaks ? wrapped(line, columns, 2) : line) + "\n");
}

}  // namespace tare
