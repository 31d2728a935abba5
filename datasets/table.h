// Rows of numbers in memory, with a label or with targets for each: what is no image. And what is done to samples of
// any kind before training: a part is held out, columns are brought to one scale.
#pragma once

#include <tare/core/machine/matrix.h>
#include <tare/datasets/images.h>

#include <optional>
#include <vector>

namespace TARE_NAMESPACE {

struct Table {
  Buffer x;                            // [N x features]
  std::vector<int> labels = {};        // N classes, 0 ... classes-1; or none, if there are targets
  std::optional<Buffer> targets = {};  // [N x outputs]
};

template <class Set>
struct Split {
  Set train, test;
};

/// Holds `test` of the samples out, drawn by the seed: the same ones of as many rows as of images. Both parts keep the
/// order of the whole. Error unless 1 <= test < N, and a table or a set has what it says.
Split<Table> split(const Table& table, Index test, std::uint64_t seed);
Split<ImageSet> split(const ImageSet& set, Index test, std::uint64_t seed);

/// Error unless a set has as many pixels as it says, and a label for each image or none.
void check_counts(const ImageSet& set);

/// Brings columns to mean 0 and deviation 1: those that it was made from. The test rows are scaled by what is known of
/// the training rows:   const Standardization scaling(train.x);   scaling.apply(train.x);   scaling.apply(test.x);
class Standardization {
 public:
  /// Of the columns of x [N x C], N >= 1; a column of one number only keeps its scale.
  explicit Standardization(const View& x);
  /// x = (x - mean) / deviation. Error unless x has C columns.
  void apply(MatrixMap x) const;
  /// The way back, for predictions of targets that were scaled.
  void undo(MatrixMap x) const;

  Buffer mean, deviation;  // [1 x C]
};

}  // namespace TARE_NAMESPACE
