// What every fuzz target does: hand the bytes to a reader, which must either make sense of them or throw an Error
// that names the file on one line. Anything else is a finding, as is what the sanitizers find.
#pragma once

#include <tare/core/machine/error.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tare::testing {

constexpr const char* kFuzzName = "file";

/// `read` takes the bytes and returns whether what it made of them is consistent.
template <class Read>
int fuzz(const std::uint8_t* data, std::size_t size, const Read& read) {
  try {
    if (!read(std::string_view(reinterpret_cast<const char*>(data), size))) std::abort();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    if (!message.starts_with(kFuzzName) || message.find('\n') != message.npos) std::abort();
  }
  return 0;
}

}  // namespace tare::testing
