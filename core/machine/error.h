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

}  // namespace tare
