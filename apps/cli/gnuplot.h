// gnuplot as a function: a script in, what it draws out. Its settings are its own defaults, not the user's.
#pragma once

#include <string>

namespace tare {

/// Whether there is a gnuplot to draw with.
bool can_plot();

/// What gnuplot prints for the script. Error, with its message in one line, if it fails.
std::string gnuplot(const std::string& script);

/// The text as gnuplot's scripts say it.
std::string quoted_for_gnuplot(const std::string& text);

}  // namespace tare
