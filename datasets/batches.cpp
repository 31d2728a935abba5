#include <tare/datasets/batches.h>

#include <numeric>

namespace TARE_NAMESPACE {
namespace {

constexpr Random::Stream kStream{2};

void scale(const std::uint8_t* from, Index size, Pixels pixels, real* to) {
  if (pixels == Pixels::binary) {
    for (Index j = 0; j < size; ++j) to[j] = from[j] >= 128 ? real{1} : real{0};
    return;
  }
  const bool standard = pixels == Pixels::standard;
  const auto factor = static_cast<real>(standard ? 1 / (255 * 0.3081) : 1.0 / 255);
  const auto shift = static_cast<real>(standard ? -0.1307 / 0.3081 : 0);
  for (Index j = 0; j < size; ++j) to[j] = factor * static_cast<real>(from[j]) + shift;
}

// Whether a set that somebody made holds what it says.
void check_counts(const ImageSet& set) {
  check_shape("images", {static_cast<Index>(set.count), static_cast<Index>(set.features())});
  if (std::ssize(set.pixels) != set.count * set.features()) {
    throw Error("images: expected {} x {} x {} pixels, found {}", set.count, set.rows, set.cols, set.pixels.size());
  }
}

// Asks for an image's bytes before they are needed: shuffled ones lie anywhere in memory, and waiting for them would
// take longer than scaling them.
void prefetch(const std::uint8_t* from, Index size) {
  constexpr Index kLine = 64;  // bytes that come together
  for (Index j = 0; j < size; j += kLine) __builtin_prefetch(from + j);
}

// Rows of the result are the images image_of(0), image_of(1), ... `known` counts those that will follow, too: the first
// images of the next batch are asked for already.
template <class ImageOf>
Var gather_rows(const ImageSet& set, Pixels pixels, Index size, Index known, Tape& tape, const ImageOf& image_of) {
  const Index features = set.features();
  const std::uint8_t empty = 0;
  real background;  // exactly what scale() makes of an empty pixel
  scale(&empty, 1, pixels, &background);
  Var x = tape.constant(size, features, background);
  real* to = x.mutable_value().data();
  const auto pixels_of = [&](Index i) { return set.pixels.data() + image_of(i) * features; };
  const double work = Workers::kElementwiseWork * static_cast<double>(size * features);
  tape.workers().split(size, 1, work, [&](Index begin, Index rows) {
    constexpr Index kAhead = 4;
    for (Index i = begin, end = begin + rows; i < end; ++i) {
      if (i + kAhead < known) prefetch(pixels_of(i + kAhead), features);
      scale(pixels_of(i), features, pixels, to + i * features);
    }
  });
  return x;
}

}  // namespace

Batches::Batches(const ImageSet& set, Pixels pixels, Index size, std::uint64_t seed, bool shuffle)
    : set_(set), pixels_(pixels), size_(size), seed_(seed), shuffle_(shuffle) {
  check_counts(set);
  if (size < 1 || size > set.count) {
    throw Error("batch: expected 1 to {} training images, found {}", set.count, size);
  }
  if (std::ssize(set.labels) != set.count) {
    throw Error("batch: expected a label for each of {} images, found {}", set.count, set.labels.size());
  }
  order_.resize(set.labels.size());
  labels_.resize(static_cast<std::size_t>(size));
}

Batch Batches::at(Index step, Tape& tape) {
  check(step >= 0, "batch: step", "at least 0", step);
  if (const Index epoch = step / per_epoch(); epoch != epoch_) {
    epoch_ = epoch;
    std::iota(order_.begin(), order_.end(), 0u);
    if (shuffle_) Random(seed_, kStream, static_cast<std::uint64_t>(epoch)).shuffle(order_);
  }
  const Index first = step % per_epoch() * size_;
  const std::uint32_t* batch = order_.data() + first;
  for (Index i = 0; i < size_; ++i) labels_[static_cast<std::size_t>(i)] = set_.labels[batch[i]];
  return {gather_rows(set_, pixels_, size_, set_.count - first, tape,
                      [=](Index i) { return static_cast<Index>(batch[i]); }),
          labels_};
}

Var gather(const ImageSet& set, Pixels pixels, Index begin, Index size, Tape& tape) {
  check_counts(set);
  if (begin < 0 || size < 0 || begin > set.count - size) {
    throw Error("gather: expected a part of {} images, found {} from {} on", set.count, size, begin);
  }
  return gather_rows(set, pixels, size, set.count - begin, tape, [=](Index i) { return begin + i; });
}

}  // namespace TARE_NAMESPACE
