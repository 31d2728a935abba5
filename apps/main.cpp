// The program `tare`: exit codes, standard streams and the mode of the processor; everything else is in the commands.
#include <tare/apps/cli/options.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/command_line.h>

#include <fcntl.h>
#include <unistd.h>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <new>
#include <string>

namespace {

// On many processors a number below the smallest normal one, as gradients and moments become when a network has
// learned all it can, takes a hundred times as long as any other. Here such numbers are 0. Threads inherit this from
// the one that starts them, so all compute alike; a program that uses the library decides for itself.
void flush_denormals() {
#if defined(__SSE2__)
  _mm_setcsr(_mm_getcsr() | 0x8040);  // results and operands
#elif defined(__aarch64__)
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  asm volatile("msr fpcr, %0" : : "r"(mode | 1u << 24));
#endif
}

// The next file would take the number of a standard stream that is closed, and receive what is meant for the stream.
// So they are open, but useless.
void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) < 0) open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

int fail(int code, const std::string& message) {
  tare::print_error(message);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  flush_denormals();
  open_standard_streams();
  int code;
  try {
    code = tare::run_command_line(argc, argv);
  } catch (const tare::UsageError& error) {
    return fail(2, error.what());
  } catch (const std::bad_alloc&) {
    return fail(1, "not enough memory");
  } catch (const std::exception& error) {
    return fail(1, std::ferror(stdout) != 0 ? "standard output: cannot be written" : error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return fail(1, "standard output: cannot be written");
  return code;
}
