#include <tare/apps/compare/shared_folder.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/error.h>
#include <tare/core/machine/file.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace tare {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// What is locked are bytes of the file, whether they are there or not: the first is held, shared, by every process at
// work; the second while the plan is read and written; one for every run lies behind all that a plan could be long.
constexpr off_t kAtWork = 0, kPlan = 1, kRuns = off_t{1} << 33;

int open_file(const fs::path& file) {
  const int descriptor = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) throw Error("{}: cannot be written: {}", file.string(), std::strerror(errno));
  return descriptor;
}

// Whether the byte is locked now: for writing, F_WRLCK, or for reading, F_RDLCK. The lock belongs to the open file and
// not to the process, so that threads, too, exclude each other.
bool lock(int descriptor, short type, off_t byte, bool wait, const fs::path& file) {
  struct flock region {};
  region.l_type = type;
  region.l_whence = SEEK_SET;
  region.l_start = byte;
  region.l_len = 1;
  while (fcntl(descriptor, wait ? F_OFD_SETLKW : F_OFD_SETLK, &region) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return false;
    throw Error("{}: cannot be locked: {}", file.string(), std::strerror(errno));
  }
  return true;
}

// Nothing if that is no plan, as after a crash in the midst of its writing.
std::optional<ordered_json> read_plan(const fs::path& file) {
  ordered_json plan = ordered_json::parse(read_file(file), nullptr, false);
  const bool whole = plan.is_object() && plan.contains("cases") && plan["cases"].is_array();
  if (!whole) return std::nullopt;
  for (const ordered_json& c : plan["cases"]) {
    if (!c.is_object() || !c.contains("name") || !c.contains("origin")) return std::nullopt;
  }
  return plan;
}

// In place, not as a new file: the locks are on this one.
void write_plan(int descriptor, const std::string& text, const fs::path& file) {
  const bool written = ftruncate(descriptor, 0) == 0 &&
                       pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
                       fsync(descriptor) == 0;
  if (!written) throw Error("{}: cannot be written: {}", file.string(), std::strerror(errno));
}

// Error if a case has the name of one of the plan that is there, but computes something else.
void check_cases(const ordered_json& plan, const ordered_json& there, const fs::path& file) {
  for (const ordered_json& wanted : plan["cases"]) {
    for (const ordered_json& found : there["cases"]) {
      if (found["name"] == wanted["name"]) check_origin(wanted["origin"], found["origin"], file.string());
    }
  }
}

bool has_runs(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / "runs", error)) {
    if (entry.path().extension() == ".json") return true;
  }
  return false;
}

}  // namespace

void check_origin(const ordered_json& wanted, const ordered_json& found, const std::string& file) {
  for (const ordered_json* one : {&wanted, &found}) {
    if (!one->is_object()) throw Error("{}: not what tare compare has written", file);
    for (const auto& [key, value] : one->items()) {
      const ordered_json here = wanted.value(key, ordered_json("nothing")),
                         there = found.value(key, ordered_json("nothing"));
      if (here == there) continue;
      throw Error("--out: {} is of another comparison: expected {} {}, found {}; choose another folder", file, key,
                  here.dump(), there.dump());
    }
  }
}

SharedFolder::SharedFolder(const fs::path& folder, const ordered_json& plan)
    : file_(folder / "comparison.json"), running_(open_file(file_)) {
  const Claim planning(open_file(file_));
  lock(planning.descriptor(), F_WRLCK, kPlan, true, file_);
  const bool alone = lock(running_.descriptor(), F_WRLCK, kAtWork, false, file_);
  const std::optional<ordered_json> there = read_plan(file_);
  if (there && (!alone || has_runs(folder))) check_cases(plan, *there, file_);
  const bool same = there && *there == plan;
  if (!alone && !same) {
    throw Error(
        "--out: another comparison is running in {}: expected its variants, rates and seeds, found others; choose "
        "another folder",
        folder.string());
  }
  if (!same) write_plan(planning.descriptor(), plan.dump(1) + "\n", file_);
  lock(running_.descriptor(), F_RDLCK, kAtWork, true, file_);
}

SharedFolder::Claim::~Claim() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::optional<SharedFolder::Claim> SharedFolder::claim(const std::string& run) const {
  Claim claim(open_file(file_));
  // Runs whose names have the same sum would only wait for each other.
  if (!lock(claim.descriptor(), F_WRLCK, kRuns + off_t{extend_crc32(0, run)}, false, file_)) return std::nullopt;
  return claim;
}

}  // namespace tare
