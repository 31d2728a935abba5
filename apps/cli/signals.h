// Stopping in order: a command that watches signals looks now and then whether one has come.
#pragma once

namespace tare {

/// From now on the first SIGINT or SIGTERM is only noted; the next ends the program at once.
void watch_signals();
/// The signal that was noted, or 0.
int stop_signal();

}  // namespace tare
