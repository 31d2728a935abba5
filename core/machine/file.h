// Whole files, read and written. A file is written so that, whatever happens, it is the old or the new one, whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tare {

/// How many bytes a file has. Error, naming it, if it is not there.
std::uintmax_t size_of_file(const std::filesystem::path& file);
/// The bytes of a regular file, or its first ones. Error, naming it, if it is not there or cannot be read.
std::string read_file(const std::filesystem::path& file, std::uintmax_t at_most = UINTMAX_MAX);
/// All of them, as numbers.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file);

/// What a symbolic link stands for, also if that is not there; of anything else, the thing itself.
std::filesystem::path behind_links(const std::filesystem::path& link);

/// The number of the open file that a name stands for: /dev/stdout, /dev/fd/3, /proc/self/fd/3, a link to one of them.
/// Opened by such a name, the file would be emptied, and written from its beginning by two at once.
std::optional<int> descriptor_named(const std::filesystem::path& name);

/// A new version of a file, under a unique name beside it until commit(). Every function throws an Error, naming the
/// file, if it cannot be written; then, and without a commit(), the old one is still there and nothing else is left
/// behind. A symbolic link stays one.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Takes the file's name, after the bytes have reached the disk.
  void commit();

 private:
  [[noreturn]] void fail() const;

  std::filesystem::path file_;
  std::string name_;
  int descriptor_ = -1;
  bool renamed_ = false;
};

/// All of it at once.
void write_file(const std::filesystem::path& file, std::string_view bytes);

/// Throws the Error that writing would meet, if that can be told beforehand. Leaves nothing behind.
void check_writable(const std::filesystem::path& file);

}  // namespace tare
