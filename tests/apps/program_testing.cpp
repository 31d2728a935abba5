#include "tests/apps/program_testing.h"

#include <tare/core/machine/random.h>
#include "tests/datasets/format_testing.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <thread>

namespace tare::testing {
namespace fs = std::filesystem;

namespace {
int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }
}  // namespace

Outcome run_tare(const std::string& words, const std::string& before) {
  return run_program(fmt::format("{} '{}' {}", before, TARE_PROGRAM, words));
}

Outcome run_program(const std::string& command) {
  const TemporaryFolder folder;
  const std::string out = (folder / "out").string(), err = (folder / "err").string();
  const int status = std::system(fmt::format("{} >'{}' 2>'{}' </dev/null", command, out, err).c_str());
  return {exit_code(status), read_file(out), read_file(err)};
}

Process::Process(const fs::path& folder, const std::string& words, const std::string& before) : folder_(folder) {
  std::string command =
      fmt::format("cd '{}' && {} exec '{}' {} >out 2>err </dev/null", folder_.string(), before, TARE_PROGRAM, words);
  for (const char* name : {"out", "err"}) write_file(folder_ / name, "");  // it may be killed before it opens them
  std::string shell = "/bin/sh", option = "-c";
  char* const arguments[] = {shell.data(), option.data(), command.data(), nullptr};
  // doctest's own handlers of signals are not for the program, not even for a moment, as they would be after fork().
  sigset_t own;
  sigemptyset(&own);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&own, number);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &own);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int failure = posix_spawn(&id_, shell.c_str(), nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  REQUIRE(failure == 0);
}

void Process::signal(int number) const { kill(id_, number); }

void Process::wait_for(const fs::path& file) const {
  while (!fs::exists(folder_ / file)) {
    siginfo_t ended{};
    REQUIRE(waitid(P_PID, static_cast<id_t>(id_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0);
    REQUIRE_MESSAGE(ended.si_pid == 0, read_file(folder_ / "err"));
    std::this_thread::yield();
  }
}

Outcome Process::wait() {
  int status = 0;
  rusage usage;
  REQUIRE(wait4(id_, &status, 0, &usage) == id_);
  peak_kilobytes_ = usage.ru_maxrss;
  return {exit_code(status), read_file(folder_ / "out"), read_file(folder_ / "err")};
}

namespace {

// Class k lights the pixels of a pattern of its own; noise is added on top.
void write_set(const fs::path& folder, const std::string& name, std::uint32_t count, Random& random) {
  std::string images = big_endian(0x803) + big_endian(count) + big_endian(8) + big_endian(8);
  std::string labels = big_endian(0x801) + big_endian(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t label = i % 10;
    labels += static_cast<char>(label);
    Random pattern(label, Random::Stream{4});
    for (int p = 0; p < 64; ++p) {
      const std::uint32_t light = pattern.below(2) * 150;
      images += static_cast<char>(light + random.below(106));
    }
  }
  write_file(folder / (name + "-images-idx3-ubyte"), images);
  write_file(folder / (name + "-labels-idx1-ubyte"), labels);
}

}  // namespace

void write_digits(const fs::path& folder) {
  fs::create_directories(folder);
  Random random(99, Random::Stream{4});
  write_set(folder, "train", 330, random);
  write_set(folder, "t10k", 100, random);
}

std::vector<std::vector<std::string>> read_csv(const fs::path& file, const std::string& header) {
  std::istringstream lines(read_file(file));
  std::string line;
  std::getline(lines, line);
  REQUIRE(line == header);
  std::vector<std::vector<std::string>> rows;
  while (std::getline(lines, line)) {
    std::vector<std::string> fields(1);
    for (char c : line) {
      if (c == ',') {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    rows.push_back(fields);
  }
  return rows;
}

}  // namespace tare::testing
