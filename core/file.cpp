#include "core/file.h"

#include "core/error.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace tare {
namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) throw Error("{}: no such file", file.string());
  if (!fs::is_regular_file(file, error)) throw Error("{}: not a regular file", file.string());
  std::ifstream stream(file, std::ios::binary);
  std::string contents(fs::file_size(file), '\0');
  if (!stream.read(contents.data(), std::ssize(contents))) throw Error("{}: cannot be read", file.string());
  return contents;
}

AtomicFile::AtomicFile(const fs::path& file) : file_(file), name_(file.string() + ".XXXXXX") {
  std::error_code error;
  if (fs::exists(file, error) && !fs::is_regular_file(file, error)) {
    throw Error("{}: cannot be written: not a regular file", file.string());
  }
  descriptor_ = mkstemp(name_.data());
  if (descriptor_ < 0) fail();
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!renamed_) unlink(name_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail();
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void AtomicFile::commit() {
  const mode_t mask = umask(0);  // mkstemp made it private; give it the permissions of an ordinary new file
  umask(mask);
  if (fchmod(descriptor_, 0666 & ~mask) != 0 || fsync(descriptor_) != 0) fail();
  if (close(std::exchange(descriptor_, -1)) != 0) fail();
  if (rename(name_.c_str(), file_.c_str()) != 0) fail();
  renamed_ = true;
  // So that the new name, too, survives a power failure.
  const fs::path folder = file_.has_parent_path() ? file_.parent_path() : ".";
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

void AtomicFile::fail() const { throw Error("{}: cannot be written: {}", file_.string(), std::strerror(errno)); }

void write_file(const fs::path& file, std::string_view bytes) {
  AtomicFile out(file);
  out.write(bytes);
  out.commit();
}

void check_writable(const fs::path& file) { AtomicFile unused(file); }

}  // namespace tare
