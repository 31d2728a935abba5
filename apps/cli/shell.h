// Commands that are printed for somebody to type again.
#pragma once

#include <string>

namespace tare {

/// A word as a shell takes it for one: in quotes, where it needs them. Control characters are written as octal numbers.
std::string shell_word(const std::string& word);

/// The same of the name of a file or folder of data, which must not be taken for a built-in set or an option.
std::string data_word(const std::string& name);

}  // namespace tare
