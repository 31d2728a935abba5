// Digits that need no file and no network: as people write them, in the form of MNIST, drawn from a seed. For a seed
// they are the same bytes on every machine. They are not MNIST: what a model trained on them makes of MNIST stands in
// docs/appendices/data.md.
#pragma once

#include <tare/datasets/images.h>

#include <cstdint>

namespace tare {

/// The digits 0 to 9, as 28 x 28 bytes, light on dark: 60,000 for training and 10,000 for testing.
DataSet make_digits(std::uint64_t seed);
/// Its test set alone.
ImageSet make_test_digits(std::uint64_t seed);

/// `count` of them from number `first` on. The image of a number depends on the seed alone. The training images begin
/// at 0, the test images behind them.
ImageSet draw_digits(std::uint64_t seed, std::int64_t first, std::int64_t count);

}  // namespace tare
