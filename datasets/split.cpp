#include <tare/datasets/split.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/random.h>

#include <algorithm>
#include <numeric>

namespace tare {

SplitPlaces split_places(std::int64_t count, std::int64_t test, std::uint64_t seed) {
  if (test < 1 || test >= count) throw Error("split: expected 1 to {} samples to hold out, found {}", count - 1, test);
  std::vector<std::uint32_t> places(static_cast<std::size_t>(count));
  std::iota(places.begin(), places.end(), 0u);
  Random(seed, Random::Stream::split).shuffle(places);
  SplitPlaces split{{places.begin() + test, places.end()}, {places.begin(), places.begin() + test}};
  std::ranges::sort(split.train);
  std::ranges::sort(split.test);
  return split;
}

std::vector<int> labels_at(const std::vector<int>& labels, std::span<const std::uint32_t> places) {
  std::vector<int> part;
  if (!labels.empty()) {
    for (const std::uint32_t i : places) part.push_back(labels[i]);
  }
  return part;
}

ImageSet samples_at(const ImageSet& set, std::span<const std::uint32_t> places) {
  ImageSet part{std::ssize(places), set.rows, set.cols, {}, labels_at(set.labels, places)};
  const auto copy = [&](const auto& from, auto& to) {
    if (from.empty()) return;
    to.reserve(places.size() * static_cast<std::size_t>(set.features()));
    for (const std::uint32_t i : places) {
      const auto begin = from.begin() + set.features() * i;
      to.insert(to.end(), begin, begin + set.features());
    }
  };
  copy(set.pixels, part.pixels);
  copy(set.numbers, part.numbers);
  return part;
}

}  // namespace tare
