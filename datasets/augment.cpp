#include <tare/datasets/augment.h>

#include <tare/core/machine/functions.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace TARE_NAMESPACE {
namespace {

constexpr Index kReach = 12;  // of the Gaussian
constexpr Index kTile = 16;   // columns that are smoothed at once

const auto kGaussian = [] {
  std::array<real, kReach + 1> weights{};
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double x = static_cast<double>(k) / 4;
    weights[k] = static_cast<real>(functions::exp(-x * x / 2));
  }
  return weights;
}();

// Smoothes every column; the result [cols x rows] is transposed, so that doing it again smoothes the rows. Reads up to
// kTile - 1 numbers behind the last one.
void smooth(const real* from, Index rows, Index cols, real* to) {
  for (Index i = 0; i < rows; ++i) {
    const Index first = std::max<Index>(0, i - kReach), last = std::min(rows - 1, i + kReach);
    for (Index j = 0; j < cols; j += kTile) {
      real sums[kTile] = {};
      for (Index k = first; k <= last; ++k) {
        const real weight = kGaussian[static_cast<std::size_t>(std::abs(i - k))];
        const real* row = from + k * cols + j;
        for (Index l = 0; l < kTile; ++l) sums[l] += weight * row[l];
      }
      for (Index l = 0, end = std::min(kTile, cols - j); l < end; ++l) to[(j + l) * rows + i] = sums[l];
    }
  }
}

// Uniform in [-1, 1).
real signed_uniform(std::uint64_t bits) {
  return static_cast<real>(static_cast<std::int32_t>(bits & 0xffffffff)) * static_cast<real>(0x1p-31);
}

// Standard normal, from 64 bits (Box and Muller 1958): the length of a pair of them, and the cosine of its angle. Half
// of a turn has all cosines.
real normal(std::uint64_t bits) {
  const real u = (static_cast<real>(bits >> 32) + real{0.5}) * static_cast<real>(0x1p-32);
  const double angle = static_cast<double>(bits & 0xffffffff) * 0x1p-32;
  return functions::sqrt(-2 * functions::log(u)) * static_cast<real>(functions::cos_pi(angle));
}

}  // namespace

void check_augment(const char* what, const AugmentOptions& options, Index rows, Index cols) {
  if (options.any() && std::min(rows, cols) < 4) {
    throw Error("{}: expected images of at least 4 x 4 pixels, found {} x {}", what, rows, cols);
  }
  const double half = static_cast<double>(std::min(rows, cols)) / 2;
  const auto check_part = [what](const char* part, double value, double most) {
    if (value >= 0 && value <= most) return;
    throw Error("{}: {}: expected a number from 0 to {}, found {}", what, part, most, value);
  };
  check_part("shift", options.shift, half);
  check_part("rotate", options.rotate, 180);
  check_part("elastic", options.elastic, half);
}

Distortion::Distortion(Index rows, Index cols) : rows_(rows), cols_(cols) {
  const auto size = static_cast<std::size_t>(rows * cols);
  for (std::vector<real>* plane : {&x_, &y_, &result_}) plane->resize(size);
  for (std::vector<real>* plane : {&dx_, &dy_, &half_}) plane->resize(size + kTile);
  framed_.resize(static_cast<std::size_t>((rows + 3) * (cols + 3)));
}

// Backwards: a pixel of the result is shifted back, and then turned back.
void Distortion::move(double right, double down, double degrees) {
  const double turn = std::abs(degrees) / 180;
  const auto cos = static_cast<real>(functions::cos_pi(turn));
  const auto sin = static_cast<real>(std::copysign(functions::cos_pi(std::abs(turn - 0.5)), degrees));
  const auto centre_x = static_cast<real>(cols_ - 1) / 2, centre_y = static_cast<real>(rows_ - 1) / 2;
  real *to_x = x_.data(), *to_y = y_.data();
  for (Index i = 0; i < rows_; ++i) {
    const real y = static_cast<real>(i) - static_cast<real>(down) - centre_y;
    for (Index j = 0; j < cols_; ++j) {
      const real x = static_cast<real>(j) - static_cast<real>(right) - centre_x;
      *to_x++ = centre_x + cos * x - sin * y;
      *to_y++ = centre_y + sin * x + cos * y;
    }
  }
}

void Distortion::bend(double pixels, Random& random) {
  const Index size = rows_ * cols_;
  for (std::size_t p = 0; p < x_.size(); ++p) {
    const std::uint64_t bits = random.bits();
    dx_[p] = signed_uniform(bits);
    dy_[p] = signed_uniform(bits >> 32);
  }
  for (std::vector<real>* field : {&dx_, &dy_}) {
    smooth(field->data(), rows_, cols_, half_.data());
    smooth(half_.data(), cols_, rows_, field->data());
  }
  using Plane = Eigen::Map<Eigen::Array<real, 1, Eigen::Dynamic>>;
  Plane dx(dx_.data(), size), dy(dy_.data(), size), x(x_.data(), size), y(y_.data(), size);
  const real mean_square = functions::sum(dx * dx + dy * dy) / static_cast<real>(size);
  const real scale = static_cast<real>(pixels) / functions::sqrt(mean_square);
  x += scale * dx;
  y += scale * dy;
}

const real* Distortion::apply(const std::uint8_t* image) {
  // Of the outside, a frame of zeros is all that is to be seen: one pixel before the image and two behind it.
  const Index width = cols_ + 3;
  for (Index i = 0; i < rows_; ++i) {
    for (Index j = 0; j < cols_; ++j) framed_[static_cast<std::size_t>((i + 1) * width + j + 1)] = image[i * cols_ + j];
  }
  const auto right = static_cast<real>(cols_ + 1), bottom = static_cast<real>(rows_ + 1);
  for (std::size_t p = 0; p < result_.size(); ++p) {
    const real x = std::clamp<real>(x_[p] + 1, 0, right), y = std::clamp<real>(y_[p] + 1, 0, bottom);
    const auto left = static_cast<std::int32_t>(x), top = static_cast<std::int32_t>(y);
    const real part_x = x - static_cast<real>(left), part_y = y - static_cast<real>(top);
    const real *upper = framed_.data() + top * width + left, *lower = upper + width;
    const real above = upper[0] + part_x * (upper[1] - upper[0]);
    const real below = lower[0] + part_x * (lower[1] - lower[0]);
    result_[p] = above + part_y * (below - above);
  }
  return result_.data();
}

const real* Distortion::apply(const std::uint8_t* image, const AugmentOptions& options, Random random) {
  const auto within = [&](double most) { return most * (2 * random.uniform() - 1); };
  const double right = within(options.shift), down = within(options.shift), degrees = within(options.rotate);
  move(right, down, degrees);
  if (options.elastic > 0) bend(options.elastic, random);
  return apply(image);
}

Var add_noise(Var x, double sigma, std::uint64_t seed, std::uint64_t first) {
  const View from = x.value();
  Var noisy = x.tape().constant(from.rows(), from.cols());
  MatrixMap to = noisy.mutable_value();
  constexpr double kWork = 40;  // operations for a number
  x.tape().workers().split(from.rows(), 1, kWork * static_cast<double>(from.size()), [&](Index begin, Index rows) {
    constexpr Index kBlock = 64;  // draws before the formula, which makes vector code of it
    std::uint64_t bits[kBlock];
    for (Index i = begin; i < begin + rows; ++i) {
      Random random(seed, Random::Stream::noise, first + static_cast<std::uint64_t>(i));
      const real* from_row = from.data() + i * from.cols();
      real* to_row = to.data() + i * from.cols();
      for (Index j = 0; j < from.cols(); j += kBlock) {
        const Index count = std::min(kBlock, from.cols() - j);
        for (Index l = 0; l < count; ++l) bits[l] = random.bits();
        for (Index l = 0; l < count; ++l) to_row[j + l] = from_row[j + l] + static_cast<real>(sigma) * normal(bits[l]);
      }
    }
  });
  return noisy;
}

}  // namespace TARE_NAMESPACE
