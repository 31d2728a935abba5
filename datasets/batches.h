// Samples in batches, shuffled or in order: of images, which stay bytes until a batch is gathered and scaled, or of rows
// of numbers, with a label or with targets for each.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>
#include <tare/datasets/augment.h>
#include <tare/datasets/images.h>
#include <tare/datasets/table.h>

#include <array>
#include <optional>
#include <span>
#include <utility>

namespace tare {
/// What becomes of a byte x: (x/255 - 0.1307) / 0.3081, with MNIST's mean and deviation; x/255; or x >= 128.
enum class Pixels { standard, unit, binary };
/// As options and model files name them.
inline constexpr std::array kPixelsNames{std::pair{"standard", Pixels::standard}, std::pair{"unit", Pixels::unit},
                                         std::pair{"binary", Pixels::binary}};
}  // namespace tare

namespace TARE_NAMESPACE {

/// Samples that are learned from together: with labels or with targets.
struct Batch {
  Var x;                            // [size x features]
  std::span<const int> labels;      // valid until the next batch is made
  std::optional<Var> targets = {};  // [size x outputs]
};

/// What is trained on or evaluated, in its owner's memory, which must outlive it: samples with a label for each, with
/// targets, or, to be predicted, with neither.
class Samples {
 public:
  /// Error unless the set has as many pixels as it says, and a label for each image or none.
  Samples(const ImageSet& set, Pixels pixels);
  /// x [N x features]. Error unless there are N labels.
  Samples(const View& x, std::span<const int> labels);
  /// targets [N x outputs]. Error unless both have N rows.
  Samples(const View& x, const View& targets);
  explicit Samples(const View& x);
  /// With its targets if it has any, else with its labels.
  Samples(const Table& table);
  Samples(ImageSet&&, Pixels) = delete;  // would be borrowed, and gone
  Samples(Table&&) = delete;

  Index count() const { return count_; }
  Index features() const { return features_; }
  std::span<const int> labels() const { return labels_; }
  const std::optional<View>& targets() const { return targets_; }

 private:
  friend class Batches;
  friend Batch gather(const Samples& samples, Index begin, Index size, Tape& tape);

  // Distorts image i of a batch by the generator of the seed and the number first + i.
  struct Augmented {
    AugmentOptions options;
    std::uint64_t seed, first;
  };

  // Samples place(0) ... place(size - 1), without their labels. `known` counts those that will be asked for next, too.
  template <class Place>
  Batch gather(Index size, Index known, Tape& tape, const Place& place, const Augmented& augmented = {}) const;

  const ImageSet* images_ = nullptr;  // or else rows_
  Pixels pixels_ = Pixels::unit;
  std::optional<View> rows_, targets_;
  std::span<const int> labels_;
  Index count_, features_;
};

class Batches {
 public:
  /// Batches of `size` samples; the last partial one of an epoch is dropped. Epoch e has its own order, which depends
  /// on the seed, the number of samples and e only. Error unless 1 <= size <= samples.count() and there is a label or
  /// targets for each sample. Images are distorted and noise, of this deviation, is added by draws that depend on the
  /// seed, the step and the place in the batch only.
  Batches(const Samples& samples, Index size, std::uint64_t seed, bool shuffle = true,
          const AugmentOptions& augment = {}, double noise = 0);
  Batches(const ImageSet& set, Pixels pixels, Index size, std::uint64_t seed, bool shuffle = true)
      : Batches(Samples(set, pixels), size, seed, shuffle) {}
  Batches(ImageSet&&, Pixels, Index, std::uint64_t, bool = true) = delete;

  Index per_epoch() const { return samples_.count() / size_; }

  /// The batch of the given step, counted from 0 over all epochs, as constants on the tape. Steps may come in any
  /// order; the order within an epoch is worked out anew when the epoch changes. Error if the step is negative.
  Batch at(Index step, Tape& tape);

 private:
  Samples samples_;
  Index size_;
  std::uint64_t seed_;
  bool shuffle_;
  AugmentOptions augment_;
  double noise_;
  Index epoch_ = -1;
  std::vector<std::uint32_t> order_;
  std::vector<int> labels_;
};

/// `size` consecutive samples from `begin` on, as one batch. Error if there are not so many.
Batch gather(const Samples& samples, Index begin, Index size, Tape& tape);
/// The same of images without their labels.
Var gather(const ImageSet& set, Pixels pixels, Index begin, Index size, Tape& tape);

}  // namespace TARE_NAMESPACE
