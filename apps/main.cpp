// The program `tare`: exit codes and signals; everything else is in the commands.
#include "apps/commands.h"

#include <csignal>
#include <cstdio>
#include <new>

namespace {

volatile std::sig_atomic_t noted_signal = 0;

void watch(int signal) {
  struct sigaction action {};
  action.sa_handler = [](int number) { noted_signal = number; };
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;  // the second one takes its default effect
  sigaction(signal, &action, nullptr);
}

int fail(int code, const char* message) {
  fmt::print(stderr, "tare: {}\n", message);
  return code;
}

}  // namespace

int tare::stop_signal() { return noted_signal; }

int main(int argc, char** argv) {
  watch(SIGINT);
  watch(SIGTERM);
  int code;
  try {
    code = tare::run_command_line(argc, argv);
  } catch (const tare::UsageError& error) {
    return fail(2, error.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "not enough memory");
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail(1, "standard output: cannot be written");
  return code;
}
