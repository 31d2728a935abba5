// The one exception type of the library. Its message is a single line that names the op, layer, file or option, what
// was expected and what was found. Nothing here decides what to do about an error: programs catch it and choose.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace tare {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  template <class... Args>
  explicit Error(fmt::format_string<Args...> text, Args&&... args)
      : std::runtime_error(fmt::format(text, std::forward<Args>(args)...)) {}
};

/// Error unless `fits`, naming a size or an option, what was expected of it and what was found:
///   check(p >= 0 && p < 1, "Dropout: p", "a number in [0, 1)", p);
template <class T>
void check(bool fits, const char* name, const char* expected, const T& found) {
  if (!fits) throw Error("{}: expected {}, found {}", name, expected, found);
}

}  // namespace tare
