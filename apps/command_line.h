// The command line: every subcommand with its help, and what it runs.
#pragma once

namespace tare {

/// Runs the subcommand that the words name and returns the exit code of the program, or throws: UsageError for 2,
/// Error for 1.
int run_command_line(int argc, char** argv);

}  // namespace tare
