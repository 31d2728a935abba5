#include <tare/apps/data/fetch.h>

#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/signals.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

namespace tare {
namespace {

namespace fs = std::filesystem;

// The original files of LeCun, Cortes and Burges.
struct RemoteFile {
  const char* name;
  std::int64_t bytes;
  const char* sha256;
};
constexpr RemoteFile kMnist[] = {
    {"train-images-idx3-ubyte.gz", 9'912'422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
    {"train-labels-idx1-ubyte.gz", 28'881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
    {"t10k-images-idx3-ubyte.gz", 1'648'877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
    {"t10k-labels-idx1-ubyte.gz", 4'542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}};
constexpr const char* kMirrors[] = {"https://storage.googleapis.com/cvdf-datasets/mnist/",
                                    "https://ossci-datasets.s3.amazonaws.com/mnist/"};

// Downloads URL into FILE unless URL is empty, and leaves in FILE.result the SHA-256, or what went wrong.
constexpr const char* kScript = R"(
if(NOT URL STREQUAL "")
  file(DOWNLOAD "${URL}" "${FILE}" STATUS status TLS_VERIFY ON)
  list(GET status 0 code)
  if(NOT code EQUAL 0)
    list(GET status 1 text)
    string(REPLACE "\"" "" text "${text}")
    file(WRITE "${FILE}.result" "error ${text}")
    return()
  endif()
endif()
file(SHA256 "${FILE}" hash)
file(WRITE "${FILE}.result" "${hash}")
)";

// Where files are until they are verified: beside their later place, and gone with everything in it at the end.
class Workshop {
 public:
  explicit Workshop(const fs::path& folder) {
    std::error_code error;
    for (fs::path p = fs::absolute(folder); !fs::exists(p, error) && p.has_relative_path(); p = p.parent_path()) {
      made_.push_back(p);
    }
    fs::create_directories(folder, error);
    std::string name = (folder / ".fetch-XXXXXX").string();
    if (error || mkdtemp(name.data()) == nullptr) {
      const std::string reason = error ? error.message() : std::strerror(errno);
      remove_made();
      throw Error("{}: cannot be written: {}", folder.string(), reason);
    }
    path_ = name;
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    remove_made();
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  void remove_made() const {
    std::error_code ignored;
    for (const fs::path& p : made_) fs::remove(p, ignored);  // no folder that holds something
  }

  std::vector<fs::path> made_;
  fs::path path_;
};

// A cmake that runs the script; ended at once when it goes out of scope.
class Cmake {
 public:
  Cmake(const fs::path& script, const std::string& url, const fs::path& file) {
    std::string words[] = {"cmake", "-DURL=" + url, "-DFILE=" + file.string(), "-P", script.string()};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t silent;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silent, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    const int code = posix_spawnp(&process_, "cmake", &silent, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&silent);
    if (code != 0) throw Error("cmake, which is to download, cannot be started: {}", std::strerror(code));
  }
  ~Cmake() {
    if (done_) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Cmake(const Cmake&) = delete;
  Cmake& operator=(const Cmake&) = delete;

  bool done() {
    done_ = done_ || waitpid(process_, nullptr, WNOHANG) != 0;
    return done_;
  }

 private:
  pid_t process_ = 0;
  bool done_ = false;
};

std::int64_t size_of(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

std::string megabytes(std::int64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6); }

class Fetcher {
 public:
  Fetcher(const FetchOptions& options, const Workshop& workshop)
      : options_(options), workshop_(workshop), progress_(options.quiet) {
    write_file(script(), kScript);
  }

  Progress& progress() { return progress_; }

  /// Whether this very file is already there.
  bool has(const RemoteFile& remote) {
    const fs::path file = fs::path(options_.folder) / remote.name;
    if (size_of(file) != remote.bytes) return false;
    // The script writes its result beside the file it looks at.
    const fs::path link = workshop_ / remote.name;
    std::error_code error;
    fs::create_symlink(fs::absolute(file), link, error);
    const bool same = !error && transfer("", link, remote) == remote.sha256;
    fs::remove(link, error);
    return same;
  }

  /// Leaves the verified file in the workshop. False if a signal has come; Error if no mirror has it.
  bool fetch(const RemoteFile& remote) {
    std::vector<std::string> mirrors(std::begin(kMirrors), std::end(kMirrors));
    if (!options_.mirror.empty()) mirrors = {options_.mirror};
    std::string problem;
    for (const std::string& mirror : mirrors) {
      const std::string url = mirror + (mirror.ends_with('/') ? "" : "/") + remote.name;
      const fs::path file = workshop_ / remote.name;
      const std::string result = transfer(url, file, remote);
      progress_.clear();
      if (stop_signal() != 0) return false;
      if (result == remote.sha256) {
        progress_.line("Fetched {} ({})", url, megabytes(remote.bytes));
        return true;
      }
      problem = result.starts_with("error ") ? result.substr(6) : wrong_contents(file, remote, result);
      progress_.line("{}: {}", url, problem);
      std::error_code ignored;
      fs::remove(file, ignored);
    }
    throw Error("{}: could not be fetched from {}: {}", remote.name, mirrors.size() == 1 ? mirrors[0] : "any mirror",
                problem);
  }

 private:
  fs::path script() const { return workshop_ / "fetch.cmake"; }

  // The SHA-256 of what is then in the file, or "error " and why there is nothing.
  std::string transfer(const std::string& url, const fs::path& file, const RemoteFile& remote) {
    using Clock = std::chrono::steady_clock;
    Cmake cmake(script(), url, file);
    std::int64_t size = 0;
    Clock::time_point moved = Clock::now();
    while (!cmake.done()) {
      if (stop_signal() != 0) return "error stopped";
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (const std::int64_t now = size_of(file); now != size) size = now, moved = Clock::now();
      if (!url.empty())
        progress_.update(fmt::format("{}: {} of {}", remote.name, megabytes(size), megabytes(remote.bytes)));
      if (size > remote.bytes) return fmt::format("error expected {} bytes, found more", remote.bytes);
      if (Clock::now() - moved > std::chrono::seconds(options_.timeout)) {
        return fmt::format("error no data for {} s", options_.timeout);
      }
    }
    const fs::path result = file.string() + ".result";
    if (!fs::exists(result)) return "error cmake has failed";
    std::string text = read_file(result);
    fs::remove(result);
    return text;
  }

  static std::string wrong_contents(const fs::path& file, const RemoteFile& remote, const std::string& hash) {
    const std::int64_t size = size_of(file);
    if (size > 0 && read_file(file).starts_with('<')) return "expected gzip data, found HTML or XML";
    if (size != remote.bytes) return fmt::format("expected {} bytes, found {}", remote.bytes, size);
    return fmt::format("expected the SHA-256 {}, found {}", remote.sha256, hash);
  }

  const FetchOptions& options_;
  const Workshop& workshop_;
  Progress progress_;
};

}  // namespace

int run_fetch(const FetchOptions& options) {
  watch_signals();
  const Workshop workshop(options.folder);
  Fetcher fetcher(options, workshop);
  std::vector<const RemoteFile*> fetched;
  for (const RemoteFile& remote : kMnist) {
    if (fetcher.has(remote)) continue;
    if (stop_signal() != 0 || !fetcher.fetch(remote)) {
      fetcher.progress().line("Stopped by signal {}; {} is as it was", stop_signal(), options.folder);
      return 128 + stop_signal();
    }
    fetched.push_back(&remote);
  }
  for (const RemoteFile* remote : fetched) {
    std::error_code error;
    const fs::path to = fs::path(options.folder) / remote->name;
    fs::rename(workshop / remote->name, to, error);
    if (error) throw Error("{}: cannot be written: {}", to.string(), error.message());
  }
  fetcher.progress().line("{} has MNIST: {} files fetched, {} were there", options.folder, fetched.size(),
                          std::size(kMnist) - fetched.size());
  return 0;
}

}  // namespace tare
