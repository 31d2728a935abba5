// Batches of images, shuffled or in order. The images stay bytes; a batch is gathered and scaled when it is needed.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>
#include <tare/datasets/images.h>

#include <span>

namespace tare {
/// What becomes of a byte x: (x/255 - 0.1307) / 0.3081, with MNIST's mean and deviation; x/255; or x >= 128.
enum class Pixels { standard, unit, binary };
}  // namespace tare

namespace TARE_NAMESPACE {

struct Batch {
  Var x;                        // [size x features]
  std::span<const int> labels;  // valid until the next batch is made
};

class Batches {
 public:
  /// Batches of `size` of the set's images, which must outlive this; the last partial one of an epoch is dropped.
  /// Epoch e has its own order, which depends on the seed and e only. Error unless 1 <= size <= set.count and the set
  /// has as many pixels and labels as it says.
  Batches(const ImageSet& set, Pixels pixels, Index size, std::uint64_t seed, bool shuffle);

  Index per_epoch() const { return set_.count / size_; }

  /// The batch of the given step, counted from 0 over all epochs, as a constant on the tape. Steps may come in any
  /// order; the order within an epoch is worked out anew when the epoch changes. Error if the step is negative.
  Batch at(Index step, Tape& tape);

 private:
  const ImageSet& set_;
  Pixels pixels_;
  Index size_;
  std::uint64_t seed_;
  bool shuffle_;
  Index epoch_ = -1;
  std::vector<std::uint32_t> order_;
  std::vector<int> labels_;
};

/// `size` consecutive images from `begin` on, scaled, as a constant on the tape. Error if the set has not so many.
Var gather(const ImageSet& set, Pixels pixels, Index begin, Index size, Tape& tape);

}  // namespace TARE_NAMESPACE
