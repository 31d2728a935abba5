// What the exhibits share: small random networks, and what the library makes of them.
//
// The library computes in the precision of the run. What it is compared with is computed by apps/exhibits/numbers.h,
// always in double, by the sums as the notes write them, from the same numbers; so the difference is the library's
// rounding, or its error.
#pragma once

#include <tare/apps/exhibits/numbers.h>
#include <tare/core/machine/random.h>
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/ops.h>

#include <limits>

namespace TARE_NAMESPACE::exhibits {

inline constexpr bool kDouble = sizeof(real) == 8;
inline constexpr double kUlp = std::numeric_limits<real>::epsilon();
inline constexpr real kEps = static_cast<real>(1e-5);  // of the normalizations

// Bounds on a difference relative to the largest number compared, or to the scale that is stated.
inline constexpr double in_precision(double in_double, double in_float) { return kDouble ? in_double : in_float; }
inline constexpr double kRounding = in_precision(1e-12, 5e-6);  // two ways to compute the same
inline constexpr double kSlope =
    in_precision(1e-7, 5e-6);  // a derivative and a central difference, always taken in double

Numbers numbers(const Eigen::Ref<const Matrix>& m);

Random random_for(std::uint64_t exhibit);
/// shift + sigma N(0, 1)
Matrix normal_matrix(Random& random, Index rows, Index cols, double shift = 0, double sigma = 1);
Parameter parameter(const Matrix& value);

/// A batch x before BatchNorm, and the upstream gradient g = dL/dy behind it: L = sum(g o y).
struct Batch {
  Matrix x, gamma, beta, g;
};
Batch random_batch(Random& random, Index n, Index c);

struct Normalized {
  Numbers y, mean, variance, dx, dgamma, dbeta;
};
Normalized normalize(const Batch& batch, BatchNormOp op = batch_norm, real eps = kEps);

/// The batch of the backward pass, with what is needed of it in double.
struct ByHand {
  static constexpr Index n = 16, c = 4;
  static constexpr double m = n;

  explicit ByHand(Random random) : batch(random_batch(random, n, c)) {}

  // gamma / (N s)
  double factor(Index k) const { return gamma(0, k) / (m * s(0, k)); }
  // sum(g o y) of a batch x with these statistics
  double loss(const Numbers& x, const Numbers& mean, const Numbers& variance) const {
    return inner(g, scaled(normalized(x, mean, deviation(variance, kEps)), gamma, beta));
  }
  // dL/dx by central differences, x in all its places
  Numbers slope_of_loss() const {
    return slopes(x, [&](const Numbers& moved) { return loss(moved, mean_of(moved), variance_of(moved)); });
  }

  Batch batch;
  Numbers x = numbers(batch.x), gamma = numbers(batch.gamma), beta = numbers(batch.beta), g = numbers(batch.g);
  Numbers mean = mean_of(x), variance = variance_of(x), s = deviation(variance, kEps), xhat = normalized(x, mean, s);
  // |gamma|/s max|g|: the size of what a column's gradient is the difference of
  Numbers unit = table(1, c, [&](Index, Index k) { return std::abs(gamma(0, k)) / s(0, k) * largest(g); });
};

/// Linear - [between] - normalization, and the upstream gradient behind it.
struct Block {
  Matrix a, w, b, gamma, beta, g;
};
Block random_block(Random& random, Index n, Index in, Index out);

struct BlockResult {
  Numbers y, variance, dz, da, dw, db, dgamma;
};
template <class Between>
BlockResult run_block(const Block& block, real eps, const Between& between) {
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b);
  Parameter gamma = parameter(block.gamma), beta = parameter(block.beta);
  Tape tape;
  const Var z = linear(tape.leaf(a), tape.leaf(w), tape.leaf(b));
  const auto [y, mean, variance, xhat, inv_s] = batch_norm(between(z), tape.leaf(gamma), tape.leaf(beta), eps);
  tape.backward(sum(mul(y, tape.constant(block.g))));
  return {numbers(y.value()), numbers(variance), numbers(z.grad()),  numbers(a.grad),
          numbers(w.grad),    numbers(b.grad),   numbers(gamma.grad)};
}
BlockResult run_block(const Block& block, real eps = kEps);

}  // namespace TARE_NAMESPACE::exhibits
