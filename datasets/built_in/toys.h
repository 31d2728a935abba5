// Small problems in the plane, to see what a network does: every sample is a point, held like an image of 1 x 2
// pixels, its x and its y from 0 to 255, so that whatever works with images works with them.
#pragma once

#include <tare/datasets/images.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace tare {

/// Two spirals wound into each other, two moons, a circle around a disc, three blobs that overlap a little.
constexpr std::array<std::string_view, 4> kToys{"spirals", "moons", "circles", "blobs"};

/// 20,000 points for training and 2,000 for testing, the same for a seed everywhere. `name` is one of kToys.
DataSet make_toy(std::string_view name, std::uint64_t seed);

}  // namespace tare
