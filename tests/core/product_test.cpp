// A product against its own definition, one number at a time, and not a bit apart: for every edge of a tile and a
// panel, for transposes, for setting and adding, with and without a background.
#include <tare/core/machine/product.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

namespace TARE_NAMESPACE {
namespace {

Matrix product(const Factor& a, const Factor& b, const Matrix* added_to = nullptr, int threads = 1) {
  Workers workers(threads);
  Matrix c = Matrix::Constant(a.rows, b.cols, std::numeric_limits<real>::quiet_NaN());
  if (added_to != nullptr) c = *added_to;
  write({"product", MatrixMap(c.data(), c.rows(), c.cols()), added_to != nullptr}, workers, a * b);
  return c;
}

Factor with_background(const Matrix& m, real background) { return View(m.data(), m.rows(), m.cols(), background); }

Index any_of(const std::vector<Index>& values, Random& random) {
  return values[random.below(static_cast<std::uint32_t>(values.size()))];
}

// Whether this processor rounds once in a b + c: then -(1 + 2 e) 1 + (1 + e) (1 + e) is e^2 and not 0.
bool fused() {
  const real e = std::numeric_limits<real>::epsilon();
  Matrix a(1, 2), b(2, 1);
  a << 1, 1 + e;
  b << -(1 + 2 * e), 1 + e;
  return product(Factor(a), Factor(b))(0, 0) != 0;
}

// For each thousand (1024) of k a sum in order; the sums in order. Of one factor a background is taken off.
Matrix by_definition(const Factor& a, const Factor& b, bool fma, const Matrix* added_to) {
  const real a0 = b.cols >= 32 ? a.background.value_or(0) : 0, b0 = a.rows >= 64 ? b.background.value_or(0) : 0;
  const auto multiply_add = [=](real x, real y, real z) { return fma ? std::fma(x, y, z) : z + x * y; };
  Matrix c = Matrix::Zero(a.rows, b.cols);
  if (added_to != nullptr) c = *added_to;
  for (Index i = 0; i < a.rows; ++i) {
    for (Index j = 0; j < b.cols; ++j) {
      for (Index k0 = 0; k0 < a.cols; k0 += 1024) {
        const Index end = std::min<Index>(k0 + 1024, a.cols);
        real a_sum = 0, b_sum = 0;
        for (Index k = k0; k < end; ++k) {
          a_sum = multiply_add(b0, *a.at(i, k), a_sum);
          b_sum = multiply_add(a0, *b.at(k, j), b_sum);
        }
        real sum = a0 != 0 ? b_sum : a_sum;
        for (Index k = k0; k < end; ++k) {
          const real a_ik = *a.at(i, k) - a0, b_kj = *b.at(k, j) - b0;
          sum = multiply_add(a_ik, b_kj, sum);
        }
        c(i, j) = k0 == 0 && added_to == nullptr ? sum : c(i, j) + sum;
      }
    }
  }
  return c;
}

TEST_CASE("an entry of a product is the sum that it says it is, wherever it lies") {
  const bool fma = fused();
  Random random(8, Random::Stream{4});
  const auto one_of = [&](const std::vector<Index>& values) { return any_of(values, random); };
  for (int repeat = 0; repeat < 400; ++repeat) {
    const Index n = one_of({1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 25});
    const Index k = one_of({0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100, 1023, 1024, 1025, 2049});
    const Index m = one_of({1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 23, 24, 25, 31, 32, 33, 47, 48, 49, 64, 97});
    const bool turn_a = random.below(2) == 0, turn_b = random.below(2) == 0, add = random.below(2) == 0;
    INFO("[" << n << " x " << k << "] [" << k << " x " << m << "]" << std::string(turn_a ? ", A transposed" : "")
             << std::string(turn_b ? ", B transposed" : "") << std::string(add ? ", added" : ""));
    const Matrix a = turn_a ? random_matrix(random, k, n) : random_matrix(random, n, k);
    const Matrix b = turn_b ? random_matrix(random, m, k) : random_matrix(random, k, m);
    const Matrix c = random_matrix(random, n, m);
    const Factor fa = turn_a ? Factor(a).transpose() : Factor(a), fb = turn_b ? Factor(b).transpose() : Factor(b);
    CHECK(same_bits(product(fa, fb, add ? &c : nullptr), by_definition(fa, fb, fma, add ? &c : nullptr)));
  }
}

TEST_CASE("a background is left out of a product, and no bit depends on where it lies") {
  const bool fma = fused();
  Random random(10, Random::Stream{4});
  const auto one_of = [&](const std::vector<Index>& values) { return any_of(values, random); };
  for (int repeat = 0; repeat < 200; ++repeat) {
    const bool high = repeat < 8;  // more rows, or columns, than share a copy of a panel
    const Index n = high ? 2053 : one_of({1, 3, 4, 5, 16, 63, 64, 65, 67, 80, 130});
    const Index k = high ? 3 : one_of({0, 1, 5, 63, 64, 65, 100, 128, 1023, 1024, 1025});
    const Index m = high ? 2053 : one_of({1, 15, 16, 31, 32, 33, 63, 64, 65, 80, 96, 97, 130});
    const bool of_b = random.below(2) == 0, turn = random.below(2) == 0, add = random.below(2) == 0;
    // Few columns, or here and there an entry, are no background, as in images.
    const real background = one_of({0, 1}) == 0 ? real{0} : real{-0.5};
    const std::uint32_t columns = random.below(4), entries = random.below(4);
    const auto image = [&](Index rows, Index cols) {
      Matrix x = Matrix::Constant(rows, cols, background);
      for (Index j = 0; j < cols; ++j) {
        const bool whole = random.below(8) < columns;
        for (Index i = 0; i < rows; ++i) {
          if (whole || random.below(16) < entries) x(i, j) = static_cast<real>(random.normal());
        }
      }
      return x;
    };
    INFO("[" << n << " x " << k << "] [" << k << " x " << m << "] with " << background << " in "
             << std::string(of_b ? "B" : "A") << std::string(turn ? ", transposed" : "")
             << std::string(add ? ", added" : ""));
    const Matrix a = of_b ? random_matrix(random, n, k) : turn ? image(k, n) : image(n, k);
    const Matrix b = !of_b ? random_matrix(random, k, m) : turn ? image(m, k) : image(k, m);
    const Matrix c = random_matrix(random, n, m);
    Factor fa(a), fb(b);
    Factor& with = of_b ? fb : fa;
    with.background = background;
    if (turn) with = with.transpose();
    const Matrix expected = by_definition(fa, fb, fma, add ? &c : nullptr);
    CHECK(same_bits(product(fa, fb, add ? &c : nullptr), expected));
    CHECK(same_bits(product(fa, fb, add ? &c : nullptr, 3), expected));
  }
}

TEST_CASE("a NaN or infinity is not lost among background") {
  for (const real broken : {std::numeric_limits<real>::quiet_NaN(), std::numeric_limits<real>::infinity()}) {
    for (const real background : {real{0}, real{-0.5}}) {
      const Matrix x = Matrix::Constant(70, 20, background);
      Matrix w = Matrix::Ones(20, 70);
      w(7, 65) = broken;
      const Factor image = with_background(x, background);
      CHECK_FALSE(product(image, Factor(w)).col(65).array().isFinite().any());
      CHECK_FALSE(product(Factor(w).transpose(), image.transpose()).row(65).array().isFinite().any());

      Matrix y = x;
      y(3, 5) = broken;
      const Matrix rows = product(with_background(y, background), Factor(Matrix(Matrix::Ones(20, 70))));
      for (Index i = 0; i < 70; ++i) CHECK(rows.row(i).array().isFinite().all() == (i != 3));
    }
  }
}

TEST_CASE("background is left out, not multiplied") {
  // Which can be told apart with an infinity: (-0.5) inf is not a NaN, (-0.5 - -0.5) inf is.
  const real inf = std::numeric_limits<real>::infinity();
  const Matrix x = Matrix::Constant(70, 20, real{-0.5}), y = x.transpose();
  Matrix w = Matrix::Ones(20, 70);
  w(7, 65) = inf;
  CHECK((product(with_background(x, real{-0.5}), Factor(w)).col(65).array() == -inf).all());
  CHECK((product(Factor(w).transpose(), with_background(y, real{-0.5})).row(65).array() == -inf).all());
}

TEST_CASE("a product writes to its result and nowhere else") {
  // One more row above and below, which a tile that is too high or too wide would write to.
  for (const Index n : {1, 3, 8, 13, 67}) {
    for (const Index m : {1, 10, 16, 50, 67}) {
      Random random(9, Random::Stream{4});
      const Matrix a = random_matrix(random, n, 20), b = random_matrix(random, 20, m);
      Matrix around = Matrix::Constant(n + 2, m, 7);
      Workers one(1);
      for (const auto& [fa, fb] :
           {Factor(a) * Factor(b), with_background(a, real{0}) * Factor(b), Factor(a) * with_background(b, real{0})}) {
        write({"product", MatrixMap(around.row(1).data(), n, m), false}, one, fa * fb);
        CHECK((around.row(0).array() == 7).all());
        CHECK((around.row(n + 1).array() == 7).all());
      }
    }
  }
}

}  // namespace
}  // namespace TARE_NAMESPACE
