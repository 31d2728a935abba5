#include <tare/datasets/batches.h>

#include <cmath>
#include <numeric>

namespace TARE_NAMESPACE {
namespace {

template <class Number>
void scale(const Number* from, Index size, Pixels pixels, real* to) {
  if (pixels == Pixels::binary) {
    for (Index j = 0; j < size; ++j) to[j] = from[j] >= 128 ? real{1} : real{0};
    return;
  }
  const bool standard = pixels == Pixels::standard;
  const auto factor = static_cast<real>(standard ? 1 / (255 * 0.3081) : 1.0 / 255);
  const auto shift = static_cast<real>(standard ? -0.1307 / 0.3081 : 0);
  for (Index j = 0; j < size; ++j) to[j] = factor * static_cast<real>(from[j]) + shift;
}

// Asks for an image's bytes before they are needed: shuffled ones lie anywhere in memory, and waiting for them would
// take longer than scaling them.
void prefetch(const std::uint8_t* from, Index size) {
  constexpr Index kLine = 64;  // bytes that come together
  for (Index j = 0; j < size; j += kLine) __builtin_prefetch(from + j);
}

// Rows of the result are the images place(0), place(1), ... `known` counts those that will follow, too: the first
// images of the next batch are asked for already.
template <class Place, class Augmented>
Var gather_images(const ImageSet& set, Pixels pixels, Index size, Index known, Tape& tape, const Place& place,
                  const Augmented& augmented) {
  const Index features = set.features();
  const std::uint8_t empty = 0;
  real background;  // exactly what scale() makes of an empty pixel
  scale(&empty, 1, pixels, &background);
  Var x = tape.constant(size, features, background);
  real* to = x.mutable_value().data();
  const auto pixels_of = [&](Index i) { return set.pixels.data() + place(i) * features; };
  const bool distorted = augmented.options.any();
  const double work = (distorted ? 100 : Workers::kElementwiseWork) * static_cast<double>(size * features);
  tape.workers().split(size, 1, work, [&](Index begin, Index rows) {
    constexpr Index kAhead = 4;
    std::optional<Distortion> distortion;
    if (distorted) distortion.emplace(set.rows, set.cols);
    for (Index i = begin, end = begin + rows; i < end; ++i) {
      if (i + kAhead < known) prefetch(pixels_of(i + kAhead), features);
      if (distortion) {
        const Random random(augmented.seed, Random::Stream::warp, augmented.first + static_cast<std::uint64_t>(i));
        scale(distortion->apply(pixels_of(i), augmented.options, random), features, pixels, to + i * features);
      } else {
        scale(pixels_of(i), features, pixels, to + i * features);
      }
    }
  });
  return x;
}

template <class Place>
Var gather_numbers(const ImageSet& set, Index size, Tape& tape, const Place& place) {
  const Index features = set.features();
  Var x = tape.constant(size, features);
  real* to = x.mutable_value().data();
  const double work = Workers::kElementwiseWork * static_cast<double>(size * features);
  tape.workers().split(size, 1, work, [&](Index begin, Index rows) {
    for (Index i = begin; i < begin + rows; ++i) {
      const double* from = set.numbers.data() + place(i) * features;
      for (Index j = 0; j < features; ++j) to[i * features + j] = static_cast<real>(from[j]);
    }
  });
  return x;
}

template <class Place>
Var gather_rows(const View& rows, Index size, Tape& tape, const Place& place) {
  Var x = tape.constant(size, rows.cols());
  MatrixMap to = x.mutable_value();
  for (Index i = 0; i < size; ++i) to.row(i) = rows.row(place(i));
  return x;
}

}  // namespace

Samples::Samples(const ImageSet& set, Pixels pixels)
    : images_(&set), pixels_(pixels), labels_(set.labels), count_(set.count), features_(set.features()) {
  check_counts(set);
}

Samples::Samples(const View& x) : rows_(x), count_(x.rows()), features_(x.cols()) {}

Samples::Samples(const View& x, std::span<const int> labels) : Samples(x) {
  labels_ = labels;
  if (std::ssize(labels) != count_) throw Error("samples: expected {} labels, found {}", count_, labels.size());
}

Samples::Samples(const View& x, const View& targets) : Samples(x) {
  targets_.emplace(targets);
  if (targets.rows() != count_) throw Error("samples: expected {} rows of targets, found {}", count_, targets.rows());
}

Samples::Samples(const Table& table)
    : Samples(table.targets ? Samples(table.x, View(*table.targets)) : Samples(table.x, std::span(table.labels))) {}

template <class Place>
Batch Samples::gather(Index size, Index known, Tape& tape, const Place& place, const Augmented& augmented) const {
  const bool table = images_ != nullptr && images_->is_table();
  Batch batch{table                ? gather_numbers(*images_, size, tape, place)
              : images_ != nullptr ? gather_images(*images_, pixels_, size, known, tape, place, augmented)
                                   : gather_rows(*rows_, size, tape, place),
              {}};
  if (targets_) batch.targets = gather_rows(*targets_, size, tape, place);
  return batch;
}

Batches::Batches(const Samples& samples, Index size, std::uint64_t seed, bool shuffle, const AugmentOptions& augment,
                 double noise)
    : samples_(samples), size_(size), seed_(seed), shuffle_(shuffle), augment_(augment), noise_(noise) {
  if (size < 1 || size > samples.count()) {
    throw Error("batch: expected 1 to {} training samples, found {}", samples.count(), size);
  }
  if (samples.labels().empty() && !samples.targets()) {
    throw Error("batch: expected a label or targets for each of {} samples, found none", samples.count());
  }
  const ImageSet* images = samples.images_;
  check_augment("batch: augment", augment, images ? images->rows : 1, images ? images->cols : samples.features());
  check(noise >= 0 && std::isfinite(noise), "batch: noise", "a number of at least 0", noise);
  order_.resize(static_cast<std::size_t>(samples.count()));
  if (!samples.labels().empty()) labels_.resize(static_cast<std::size_t>(size));
}

Batch Batches::at(Index step, Tape& tape) {
  check(step >= 0, "batch: step", "at least 0", step);
  if (const Index epoch = step / per_epoch(); epoch != epoch_) {
    epoch_ = epoch;
    std::iota(order_.begin(), order_.end(), 0u);
    if (shuffle_) Random(seed_, Random::Stream::order, static_cast<std::uint64_t>(epoch)).shuffle(order_);
  }
  const Index first = step % per_epoch() * size_;
  const std::uint32_t* order = order_.data() + first;
  const auto place = [=](Index i) { return static_cast<Index>(order[i]); };
  const auto number = static_cast<std::uint64_t>(step) * static_cast<std::uint64_t>(size_);  // of the first sample
  Batch batch = samples_.gather(size_, samples_.count() - first, tape, place, {augment_, seed_, number});
  if (noise_ > 0) batch.x = add_noise(batch.x, noise_, seed_, number);
  for (std::size_t i = 0; i < labels_.size(); ++i) labels_[i] = samples_.labels()[order[i]];
  batch.labels = labels_;
  return batch;
}

Batch gather(const Samples& samples, Index begin, Index size, Tape& tape) {
  if (begin < 0 || size < 0 || begin > samples.count() - size) {
    throw Error("gather: expected a part of {} samples, found {} from {} on", samples.count(), size, begin);
  }
  Batch batch = samples.gather(size, samples.count() - begin, tape, [=](Index i) { return begin + i; });
  if (!samples.labels().empty()) {
    batch.labels = samples.labels().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
  }
  return batch;
}

Var gather(const ImageSet& set, Pixels pixels, Index begin, Index size, Tape& tape) {
  return gather(Samples(set, pixels), begin, size, tape).x;
}

}  // namespace TARE_NAMESPACE
