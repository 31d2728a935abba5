// What a file is that was taken for a safetensors file, and how to make one of it. Only for messages: nothing here is
// read any further.
#pragma once

#include <string>
#include <string_view>

namespace tare {

/// As its first bytes tell (some hundred are enough): "text", "gzip, to be unpacked by gzip -d"; empty if they don't.
std::string other_format(std::string_view beginning);

}  // namespace tare
