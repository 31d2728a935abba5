// What --data means.
#pragma once

#include <filesystem>
#include <string>

namespace tare {

/// What `--data name` means: a built-in set, by its name, or a folder. `mnist` is $TARE_DATA, or data/mnist; Error,
/// saying how to get it, if it is in neither. `auto` is `mnist` where that is found, else `digits`. Other names must
/// be folders'.
std::filesystem::path find_data(const std::string& name);

}  // namespace tare
