// multiply() against its own definition, one number at a time, and not a bit apart: for every edge of a tile and a panel, for
// transposes, for setting and adding.
#include "core/product.h"
#include "tests/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

namespace TARE_NAMESPACE {
namespace {

Matrix product(const Factor& a, const Factor& b, const Matrix* added_to = nullptr) {
  Workers one(1);
  Matrix c = Matrix::Constant(a.rows, b.cols, std::numeric_limits<real>::quiet_NaN());
  if (added_to != nullptr) c = *added_to;
  multiply(a, b, MatrixMap(c.data(), c.rows(), c.cols()), added_to != nullptr, one);
  return c;
}

// Whether this processor rounds once in a b + c: then -(1 + 2 e) 1 + (1 + e) (1 + e) is e^2 and not 0.
bool fused() {
  const real e = std::numeric_limits<real>::epsilon();
  Matrix a(1, 2), b(2, 1);
  a << 1, 1 + e;
  b << -(1 + 2 * e), 1 + e;
  return product(View(a), View(b))(0, 0) != 0;
}

// For each thousand (1024) of k a sum in order; the sums in order.
Matrix by_definition(const Factor& a, const Factor& b, bool fma, const Matrix* added_to) {
  Matrix c = Matrix::Zero(a.rows, b.cols);
  if (added_to != nullptr) c = *added_to;
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.cols; ++j) {
      for (Index k0 = 0; k0 < a.cols; k0 += 1024) {
        real sum = 0;
        for (Index k = k0; k < std::min<Index>(k0 + 1024, a.cols); ++k) {
          sum = fma ? std::fma(*a.at(i, k), *b.at(k, j), sum) : sum + *a.at(i, k) * *b.at(k, j);
        }
        c(i, j) = k0 == 0 && added_to == nullptr ? sum : c(i, j) + sum;
      }
    }
  }
  return c;
}

TEST_CASE("an entry of a product is the sum that it says it is, wherever it lies") {
  const bool fma = fused();
  Random random(8, Random::Stream::test);
  const auto one_of = [&](const std::vector<Index>& values) {
    return values[random.below(static_cast<std::uint32_t>(values.size()))];
  };
  for (int repeat = 0; repeat < 400; ++repeat) {
    const Index n = one_of({1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25});
    const Index k = one_of({0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 1023, 1024, 1025, 2049});
    const Index m = one_of({1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 64, 97});
    const bool turn_a = random.below(2) == 0, turn_b = random.below(2) == 0, add = random.below(2) == 0;
    INFO("[" << n << " x " << k << "] [" << k << " x " << m << "]" << (turn_a ? ", A transposed" : "")
             << (turn_b ? ", B transposed" : "") << (add ? ", added" : ""));
    const Matrix a = turn_a ? random_matrix(random, k, n) : random_matrix(random, n, k);
    const Matrix b = turn_b ? random_matrix(random, m, k) : random_matrix(random, k, m);
    const Matrix c = random_matrix(random, n, m);
    const View a_view(a), b_view(b);
    const Factor fa = turn_a ? Factor(a_view.transpose()) : Factor(a_view);
    const Factor fb = turn_b ? Factor(b_view.transpose()) : Factor(b_view);
    CHECK(same_bits(product(fa, fb, add ? &c : nullptr), by_definition(fa, fb, fma, add ? &c : nullptr)));
  }
}

TEST_CASE("a product writes to its result and nowhere else") {
  // One more row above and below, which a tile that is too high or too wide would write to.
  for (const Index n : {1, 3, 8, 13}) {
    for (const Index m : {1, 10, 16, 50}) {
      Random random(9, Random::Stream::test);
      const Matrix a = random_matrix(random, n, 20), b = random_matrix(random, 20, m);
      Matrix around = Matrix::Constant(n + 2, m, 7);
      Workers one(1);
      multiply(View(a), View(b), MatrixMap(around.row(1).data(), n, m), false, one);
      CHECK((around.row(0).array() == 7).all());
      CHECK((around.row(n + 1).array() == 7).all());
    }
  }
}

}  // namespace
}  // namespace TARE_NAMESPACE
