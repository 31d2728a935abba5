// Which samples are held out, and the parts that a set then has.
#pragma once

#include <tare/datasets/images.h>

#include <cstdint>
#include <span>
#include <vector>

namespace tare {

struct SplitPlaces {
  std::vector<std::uint32_t> train, test;  // each in rising order
};
/// `test` of `count` samples are held out, drawn by the seed. Error unless 1 <= test < count.
SplitPlaces split_places(std::int64_t count, std::int64_t test, std::uint64_t seed);

/// The labels, images or rows at these places.
std::vector<int> labels_at(const std::vector<int>& labels, std::span<const std::uint32_t> places);
ImageSet samples_at(const ImageSet& set, std::span<const std::uint32_t> places);

}  // namespace tare
