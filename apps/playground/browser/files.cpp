// A page has no disk: its files are in memory, as long as it is open.
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <map>

namespace tare {
namespace {

std::map<std::string, std::string> files;

const std::string& contents(const std::filesystem::path& file) {
  const auto found = files.find(file.string());
  if (found == files.end()) throw Error("{}: no such file", file.string());
  return found->second;
}

}  // namespace

std::uintmax_t size_of_file(const std::filesystem::path& file) { return contents(file).size(); }

std::string read_file(const std::filesystem::path& file, std::uintmax_t at_most) {
  return contents(file).substr(0, static_cast<std::size_t>(std::min<std::uintmax_t>(at_most, SIZE_MAX)));
}

std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file) {
  return {contents(file).begin(), contents(file).end()};
}

std::filesystem::path behind_links(const std::filesystem::path& link) { return link; }

AtomicFile::AtomicFile(const std::filesystem::path& file) : file_(file), name_(file_.string() + ".new") {}

AtomicFile::~AtomicFile() { files.erase(name_); }

void AtomicFile::write(std::string_view bytes) { files[name_] += bytes; }

void AtomicFile::commit() { files[file_.string()] = std::move(files[name_]); }

void write_file(const std::filesystem::path& file, std::string_view bytes) { files[file.string()] = bytes; }

void check_writable(const std::filesystem::path&) {}

}  // namespace tare
