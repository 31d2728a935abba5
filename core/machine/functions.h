// Elementary functions whose bits are the same everywhere. The standard library's differ from library to library in
// their last bit, Eigen's from one width of registers to another. These use nothing but + - * / and a number's bits,
// which all processors compute alike, and no fused multiply-add; so compilers may make vector code of them or not. The
// series are Taylor's: every coefficient explains itself. For a row of numbers: row.unaryExpr(functions::exp).
//
// Results that would be denormal (below 1e-38 in float, 2e-308 in double) are 0, and such arguments of log are taken
// as 0.
#pragma once

#include <Eigen/Core>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <type_traits>

namespace tare::functions {

namespace detail {

// How a float or a double is made of bits, and how many terms of a series it takes.
template <class X>
struct Format {
  static constexpr bool kSingle = sizeof(X) == 4;
  using Bits = std::conditional_t<kSingle, std::uint32_t, std::uint64_t>;
  static constexpr int kFractionBits = std::numeric_limits<X>::digits - 1;
  static constexpr Bits kFraction = (Bits{1} << kFractionBits) - 1;
  // A number so large that none of its bits are left for a fraction.
  static constexpr X kWhole = static_cast<X>(Bits{1} << kFractionBits);
  // log 2 = high + low, of which `high` times an exponent is exact.
  static constexpr X kLog2High = static_cast<X>(kSingle ? 0x1.62ep-1 : 0x1.62e42fefa38p-1);
  static constexpr X kLog2Low = static_cast<X>(kSingle ? 0x1.0bfbe8e7bcd5ep-15 : 0x1.ef35793c7673p-45);
};

// 1 / k! for k = 0 ... 25, from k! in double, where 22! is the last that is exact
template <class X>
constexpr auto kInverseFactorials = [] {
  std::array<X, 26> inverse{1};
  double factorial = 1;
  for (int k = 1; k < 26; ++k) inverse[static_cast<std::size_t>(k)] = static_cast<X>(1 / (factorial *= k));
  return inverse;
}();

}  // namespace detail

/// e^x, within 1.3 ulp.
inline constexpr auto exp = []<class X>(X x) -> X {
  using F = detail::Format<X>;
  using Bits = typename F::Bits;
  constexpr auto& c = detail::kInverseFactorials<X>;
  constexpr std::size_t kTerms = F::kSingle ? 7 : 13;
  // Between these e^x is normal: the logarithms of the smallest and the largest normal number, rounded toward 0.
  constexpr X kLowest = static_cast<X>(F::kSingle ? -0x1.5d589ep+6 : -0x1.6232bdd7abcd2p+9);
  constexpr X kHighest = static_cast<X>(F::kSingle ? 0x1.62e42ep+6 : 0x1.62e42fefa39efp+9);
  // x = n log 2 + r, |r| <= log(2) / 2. Adding 1.5 kWhole rounds to an integer, and makes it the sum's lowest bits.
  const X shifted = x * (1 / std::numbers::ln2_v<X>)+F::kWhole * X{1.5};
  const X n = shifted - F::kWhole * X{1.5};
  const X r = (x - n * F::kLog2High) - n * F::kLog2Low;
  X e_r = c[kTerms];
  for (std::size_t k = kTerms; k > 0; --k) e_r = e_r * r + c[k - 1];
  // e^r 2^n: n is added to the exponent
  const Bits bits = std::bit_cast<Bits>(e_r) + (std::bit_cast<Bits>(shifted) << F::kFractionBits);
  const X y = x < kLowest ? X{0} : x > kHighest ? std::numeric_limits<X>::infinity() : std::bit_cast<X>(bits);
  return std::isnan(x) ? x : y;
};

/// log x, within 2 ulp; -inf for 0 and NaN below.
inline constexpr auto log = []<class X>(X x) -> X {
  using F = detail::Format<X>;
  using Bits = typename F::Bits;
  using Limits = std::numeric_limits<X>;
  constexpr int kTerms = F::kSingle ? 4 : 10;
  // x = m 2^n, sqrt(1/2) <= m < sqrt(2)
  constexpr Bits kOne = std::bit_cast<Bits>(X{1}), kRootHalf = std::bit_cast<Bits>(1 / std::numbers::sqrt2_v<X>);
  const Bits shifted = std::bit_cast<Bits>(x) + (kOne - kRootHalf);
  const X n = std::bit_cast<X>((shifted >> F::kFractionBits) | std::bit_cast<Bits>(F::kWhole)) -
              (F::kWhole + static_cast<X>(Limits::max_exponent - 1));
  const X m = std::bit_cast<X>((shifted & F::kFraction) + kRootHalf);
  // log m = 2 (s + s^3 / 3 + s^5 / 5 + ...), s = (m - 1) / (m + 1)
  const X f = m - 1, s = f / (m + 1), s2 = s * s;
  X tail = X{1} / (2 * kTerms + 1);
  for (int k = kTerms - 1; k > 0; --k) tail = tail * s2 + X{1} / static_cast<X>(2 * k + 1);
  tail = 2 * s * s2 * tail;
  const X y = n * F::kLog2High + (2 * s + (tail + n * F::kLog2Low));
  const X special = x < 0 ? Limits::quiet_NaN() : x < Limits::min() ? -Limits::infinity() : x;  // inf, NaN
  return x >= Limits::min() && x <= Limits::max() ? y : special;
};

/// tanh x, within 2.7 ulp.
inline constexpr auto tanh = []<class X>(X x) -> X {
  using F = detail::Format<X>;
  constexpr int kLevels = F::kSingle ? 5 : 9;
  const X size = x < 0 ? -x : x;
  // Near 0, Lambert's continued fraction: tanh x = x / (1 + x^2 / (3 + x^2 / (5 + ...))), here x b / a.
  X a = 2 * kLevels - 1, b = 1;
  for (int k = kLevels - 1; k > 0; --k) {
    const X above = static_cast<X>(2 * k - 1) * a + x * x * b;
    b = a;
    a = above;
  }
  const X near = size * b / a;
  const X far = 1 - 2 / (exp(2 * size) + 1);
  const X y = size < X{0.6} ? near : size <= 20 ? far : X{1};
  return std::isnan(x) ? x : x < 0 ? -y : y;
};

/// 1 / (1 + e^-x), within 2.7 ulp.
inline constexpr auto logistic = []<class X>(X x) -> X {
  const X e = exp(x < 0 ? x : -x);  // at most 1
  return (x < 0 ? e : X{1}) / (1 + e);
};

/// sqrt x, correctly rounded.
inline constexpr auto sqrt = []<class X>(X x) -> X { return std::sqrt(x); };

/// cos(pi x), 0 <= x <= 1, within 3e-16.
inline double cos_pi(double x) {
  const double y = std::numbers::pi * (0.5 - x), y2 = -y * y;  // cos(pi x) = sin y = y - y^3 / 3! + y^5 / 5! - ...
  double sum = 0;
  for (std::size_t k = 26; k > 0; k -= 2) sum = sum * y2 + detail::kInverseFactorials<double>[k - 1];
  return sum * y;
}

/// x^n by squaring.
inline double power(double x, std::int64_t n) {
  double y = 1;
  for (; n > 0; n /= 2, x *= x) {
    if (n % 2 == 1) y *= x;
  }
  return y;
}

/// The sum of a row, in an order that depends on its length only: 16 sums of every 16th number, then those by halves.
template <class Row>
typename Row::Scalar sum(const Eigen::ArrayBase<Row>& row) {
  constexpr Eigen::Index kLanes = 16;
  typename Row::Scalar sums[kLanes] = {};
  const Eigen::Index whole = row.size() / kLanes * kLanes;
  for (Eigen::Index i = 0; i < whole; i += kLanes) {
    for (Eigen::Index l = 0; l < kLanes; ++l) sums[l] += row(i + l);
  }
  for (Eigen::Index i = whole; i < row.size(); ++i) sums[i - whole] += row(i);
  for (Eigen::Index half = kLanes / 2; half > 0; half /= 2) {
    for (Eigen::Index l = 0; l < half; ++l) sums[l] += sums[l + half];
  }
  return sums[0];
}

}  // namespace tare::functions
