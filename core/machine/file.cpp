#include <tare/core/machine/file.h>

#include <tare/core/machine/error.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <utility>

namespace tare {
namespace fs = std::filesystem;

namespace {

constexpr int kMostLinks = 40;  // as in Linux

template <class Bytes>
Bytes read(const fs::path& file, std::uintmax_t at_most) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) throw Error("{}: no such file", file.string());
  if (error) throw Error("{}: cannot be read: {}", file.string(), error.message());
  if (!fs::is_regular_file(status)) throw Error("{}: not a regular file", file.string());
  std::ifstream stream(file, std::ios::binary);
  Bytes contents(std::min(fs::file_size(file), at_most), 0);
  if (!stream.read(reinterpret_cast<char*>(contents.data()), std::ssize(contents))) {
    throw Error("{}: cannot be read", file.string());
  }
  return contents;
}

}  // namespace

std::uintmax_t size_of_file(const fs::path& file) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error) throw Error("{}: cannot be read: {}", file.string(), error.message());
  return size;
}

std::string read_file(const fs::path& file, std::uintmax_t at_most) { return read<std::string>(file, at_most); }

std::vector<std::uint8_t> read_bytes(const fs::path& file) {
  return read<std::vector<std::uint8_t>>(file, UINTMAX_MAX);
}

fs::path behind_links(const fs::path& link) {
  std::error_code error;
  fs::path file = link;
  for (int links = 0; fs::is_symlink(file, error); ++links) {
    if (links == kMostLinks) throw Error("{}: cannot be written: too many symbolic links", link.string());
    file = file.parent_path() / fs::read_symlink(file);  // (An absolute target replaces the folder.)
  }
  return file;
}

std::optional<int> descriptor_named(const fs::path& name) {
  std::error_code error;
  const std::string own = fs::canonical("/proc/self", error).string() + '/';
  fs::path link = name;
  for (int links = 0; !error && links < kMostLinks; ++links) {
    const fs::path folder = fs::canonical(link.has_parent_path() ? link.parent_path() : ".", error);
    if (!error && folder.filename() == "fd" && folder.string().starts_with(own)) {  // a thread's, too
      const std::string text = link.filename().string();
      int number = 0;
      const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    if (!fs::is_symlink(link, error)) return std::nullopt;
    link = link.parent_path() / fs::read_symlink(link, error);
  }
  return std::nullopt;
}

AtomicFile::AtomicFile(const fs::path& file) : file_(behind_links(file)), name_(file_.string() + ".XXXXXX") {
  if (descriptor_named(file)) {
    throw Error("{}: cannot be written: expected the name of a file, found that of an open one", file.string());
  }
  std::error_code error;
  if (fs::exists(file, error) && !fs::is_regular_file(file, error)) {
    throw Error("{}: cannot be written: not a regular file", file.string());
  }
  if (fs::exists(file_, error) && access(file_.c_str(), W_OK) != 0) fail();
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
  // mkstemp made it private; give it the permissions of the old file or of an ordinary new one.
  struct stat old;
  const mode_t mask = umask(0);
  umask(mask);
  const mode_t mode = stat(file_.c_str(), &old) == 0 ? old.st_mode & 0777 : 0666 & ~mask;
  if (fchmod(descriptor_, mode) != 0 || fsync(descriptor_) != 0) fail();
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
