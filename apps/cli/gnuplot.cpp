#include <tare/apps/cli/gnuplot.h>

#include <tare/core/machine/error.h>

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tare {
namespace {

// A file in memory: it needs no folder that can be written, and nothing is left of it.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("gnuplot", MFD_CLOEXEC)) {
    if (descriptor_ < 0) fail();
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int descriptor() const { return descriptor_; }

  void write(const std::string& text) {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
      if (n < 0 && errno != EINTR) fail();
      if (n > 0) done += static_cast<std::size_t>(n);
    }
    lseek(descriptor_, 0, SEEK_SET);
  }

  std::string contents() const {
    std::string text(static_cast<std::size_t>(lseek(descriptor_, 0, SEEK_END)), '\0');
    if (pread(descriptor_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) fail();
    return text;
  }

 private:
  [[noreturn]] static void fail() {
    throw Error("gnuplot: no memory for what it reads and writes: {}", strerror(errno));
  }

  int descriptor_;
};

// The last line that says something; those before it repeat the script.
std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == text.npos) return "no message";
  const std::size_t before = text.rfind('\n', end);
  const std::size_t begin = text.find_first_not_of(" \n", before == text.npos ? 0 : before);
  return text.substr(begin, end + 1 - begin);
}

}  // namespace

bool can_plot() { return std::system("command -v gnuplot >/dev/null 2>&1") == 0; }

std::string gnuplot(const std::string& script) {
  MemoryFile input, output, errors;
  input.write(script);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input.descriptor(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors.descriptor(), STDERR_FILENO);
  std::string name = "gnuplot", own_defaults = "--default-settings";
  char* const arguments[] = {name.data(), own_defaults.data(), nullptr};
  pid_t process = 0;
  const int error = posix_spawnp(&process, "gnuplot", &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw Error("gnuplot cannot be started: {}", strerror(error));

  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) throw Error("gnuplot: {}", strerror(errno));
  }
  if (status != 0) throw Error("gnuplot failed: {}", last_line(errors.contents()));
  return output.contents();
}

std::string quoted_for_gnuplot(const std::string& text) {
  std::string result = "'";
  for (char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

}  // namespace tare
