// The folder of a comparison, in which several processes, also of several machines, may be at work on the same one.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

namespace tare {

/// comparison.json says what is compared here. It is the file that processes lock, too: the system lets go of a lock
/// when its process ends, however it ends, so nothing is left behind that would have to be cleaned up.
class SharedFolder {
 public:
  /// Writes what is compared, {"seed", "seeds", "cases": [{"name", "origin"}]}. Error if something else is being
  /// compared there, or has been.
  SharedFolder(const std::filesystem::path& folder, const nlohmann::ordered_json& plan);

  /// As long as it lives, no other process does the run.
  class Claim {
   public:
    explicit Claim(int descriptor) : descriptor_(descriptor) {}
    ~Claim();
    Claim(Claim&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Claim& operator=(Claim&&) = delete;
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    int descriptor() const { return descriptor_; }

   private:
    int descriptor_;
  };
  /// Nothing if it is claimed already.
  std::optional<Claim> claim(const std::string& run) const;

 private:
  std::filesystem::path file_;
  Claim running_;
};

/// Error, naming the file that it stands in, if what was found is not what a run's numbers would follow from here.
void check_origin(const nlohmann::ordered_json& wanted, const nlohmann::ordered_json& found, const std::string& file);

}  // namespace tare
