// The checksum by which files and data sets are told apart and damage is noticed. It is no protection against forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace tare {

/// The CRC-32 of some bytes that have the CRC-32 `crc` (0 of none) and these behind them.
std::uint32_t extend_crc32(std::uint32_t crc, std::string_view bytes);

}  // namespace tare
