#include <tare/apps/train/log_file.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace tare {

LogFile::LogFile(const std::string& file, const std::string& header) : name_(file) {
  const std::optional<int> open_already = descriptor_named(file);
  // Opening a pipe that nobody reads would wait for a reader; so it is an error.
  const int descriptor =
      open_already ? dup(*open_already) : open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0666);
  if (descriptor < 0 && errno == ENXIO) throw Error("{}: cannot be written: nobody reads this pipe", file);
  if (descriptor < 0 || (!open_already && fcntl(descriptor, F_SETFL, 0) != 0)) fail();
  stream_.reset(fdopen(descriptor, "w"));
  write(header);
}

LogFile::LogFile(const std::string& file, const std::string& header, const LogPosition& position) : name_(file) {
  const std::string contents = read_file(file);
  if (contents.size() < position.bytes) {
    throw Error(
        "{}: expected at least the {} bytes that it had when the checkpoint was written, found {}; another file "
        "begins a new one",
        file, position.bytes, contents.size());
  }
  const std::uint32_t crc = extend_crc32(0, std::string_view(contents).substr(0, position.bytes));
  // (A checkpoint of somebody else's may say anything.)
  const bool has_header = contents.starts_with(header) || header.starts_with(contents);
  const bool begins_with_it = position.bytes > 0 || position.last_line == header;
  if (crc != position.crc32 || !has_header || !begins_with_it) {
    throw Error("{}: is not the log that the checkpoint belongs to, or was changed; another file begins a new one",
                file);
  }
  stream_.reset(std::fopen(file.c_str(), "r+"));
  if (!stream_) fail();
  const auto end = static_cast<off_t>(position.bytes);
  if (ftruncate(fileno(stream_.get()), end) != 0 || fseeko(stream_.get(), end, SEEK_SET) != 0) fail();
  position_ = {position.bytes, position.crc32, ""};
  write(position.last_line);
}

LogPosition LogFile::position() const {
  // A pipe or a terminal, which has no disk to reach, says EINVAL.
  if (fsync(fileno(stream_.get())) != 0 && errno != EINVAL && errno != EROFS) fail();
  return position_;
}

void LogFile::write(const std::string& line) {
  if (std::fputs(line.c_str(), stream_.get()) < 0 || std::fflush(stream_.get()) != 0) fail();
  position_ = {position_.bytes + position_.last_line.size(), extend_crc32(position_.crc32, position_.last_line), line};
}

void LogFile::fail() const { throw Error("{}: cannot be written: {}", name_, std::strerror(errno)); }

}  // namespace tare
