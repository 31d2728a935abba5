// The elementary functions keep the error bounds that their header states, over the whole range of arguments, and give
// one result whether a compiler makes vector code of them or not.
#include <tare/core/machine/functions.h>
#include <tare/core/machine/random.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

namespace tare {
namespace {

template <class X>
using Limits = std::numeric_limits<X>;

constexpr int kDraws = 200000;

// |found - exact| in units of the last place that the exact result has as an X.
template <class X>
double ulps(X found, long double exact) {
  const int exponent = std::max(std::ilogb(exact), Limits<X>::min_exponent - 1);
  return static_cast<double>(std::abs(static_cast<long double>(found) - exact) /
                             std::ldexp(1.0L, exponent - (Limits<X>::digits - 1)));
}

struct Worst {
  double ulps = 0;
  long double at = 0;
};

// The largest error of `function` at arguments that `draw` gives and that the exact function takes to normal numbers.
template <class X, class Function, class Exact, class Draw>
Worst worst(const Function& function, const Exact& exact, const Draw& draw) {
  Worst result;
  int normal = 0;
  Random random(5, Random::Stream{1000});
  for (int i = 0; i < kDraws; ++i) {
    const X x = static_cast<X>(draw(random));
    const long double expected = exact(static_cast<long double>(x));
    if (expected != 0 && (std::abs(expected) < Limits<X>::min() || std::abs(expected) > Limits<X>::max())) continue;
    ++normal;
    const double error = expected == 0 ? (function(x) == 0 ? 0 : 1e9) : ulps<X>(function(x), expected);
    if (!(error <= result.ulps)) result = {error, x};
  }
  REQUIRE(normal > kDraws / 2);
  return result;
}

// Of either sign, each power of two between the bounds as likely as any other.
template <class X>
auto of_any_size(double lowest, double highest) {
  return [=](Random& random) {
    const double size = std::exp2(std::log2(lowest) + random.uniform() * (std::log2(highest) - std::log2(lowest)));
    return random.bits() >> 63 ? size : -size;
  };
}

auto uniform(double lowest, double highest) {
  return [=](Random& random) { return lowest + random.uniform() * (highest - lowest); };
}

// A positive number of any exponent and any fraction.
template <class X>
X any_positive(Random& random) {
  return std::ldexp(static_cast<X>(1 + random.uniform()),
                    Limits<X>::min_exponent + static_cast<int>(random.below(2 * Limits<X>::max_exponent - 3)));
}

#define CHECK_WITHIN(bound, ...)                      \
  do {                                                \
    const Worst found = __VA_ARGS__;                  \
    CAPTURE(static_cast<double>(found.at));           \
    CAPTURE(found.ulps);                              \
    CHECK(found.ulps <= (bound));                     \
    CHECK(found.ulps > 0.4); /* compares something */ \
  } while (false)

TEST_CASE_TEMPLATE("elementary functions are within the ulps that they state", X, float, double) {
  const auto exp = [](long double x) { return std::exp(x); };
  const auto log = [](long double x) { return std::log(x); };
  const auto tanh = [](long double x) { return std::tanh(x); };
  const auto logistic = [](long double x) { return 1 / (1 + std::exp(-x)); };
  const double lowest = std::log(Limits<X>::min()), highest = std::log(Limits<X>::max());

  CHECK_WITHIN(1.3, worst<X>(functions::exp, exp, uniform(lowest, highest)));
  CHECK_WITHIN(1.3, worst<X>(functions::exp, exp, uniform(-1, 1)));
  CHECK_WITHIN(1.3, worst<X>(functions::exp, exp, of_any_size<X>(1e-3, highest)));

  CHECK_WITHIN(2, worst<X>(functions::log, log, any_positive<X>));
  CHECK_WITHIN(2, worst<X>(functions::log, log, uniform(0.5, 2)));
  CHECK_WITHIN(2, worst<X>(functions::log, log, uniform(0.99, 1.01)));

  CHECK_WITHIN(2.7, worst<X>(functions::tanh, tanh, of_any_size<X>(1e-6, 20)));
  CHECK_WITHIN(2.7, worst<X>(functions::tanh, tanh, uniform(-2, 2)));

  CHECK_WITHIN(2.7, worst<X>(functions::logistic, logistic, uniform(lowest, -lowest)));
  CHECK_WITHIN(2.7, worst<X>(functions::logistic, logistic, of_any_size<X>(1e-6, highest)));
}

TEST_CASE_TEMPLATE("where a function's pieces meet, neighbouring numbers are within its error, too", X, float, double) {
  const auto around = [](X x, const auto& check) {
    const auto toward_zero = X{0};
    for (int i = 0; i < 100; ++i) x = std::nextafter(x, toward_zero);
    for (int i = 0; i < 200; ++i, x = std::nextafter(x, x < 0 ? -Limits<X>::max() : Limits<X>::max())) check(x);
  };
  for (int k = -9; k <= 9; ++k) {  // halfway between integers, in units of log 2
    around(static_cast<X>((k + 0.5) * std::numbers::ln2),
           [](X x) { CHECK(ulps<X>(functions::exp(x), std::exp(static_cast<long double>(x))) <= 1.3); });
  }
  for (const double at : {std::numbers::sqrt2, 1 / std::numbers::sqrt2, 2.0, 0.5, 1.0}) {
    around(static_cast<X>(at), [](X x) {
      const X found = functions::log(x);
      if (x == 1)
        CHECK(found == 0);
      else
        CHECK(ulps<X>(found, std::log(static_cast<long double>(x))) <= 2);
    });
  }
  for (const double at : {0.6, -0.6, 20.0, -20.0}) {
    around(static_cast<X>(at),
           [](X x) { CHECK(ulps<X>(functions::tanh(x), std::tanh(static_cast<long double>(x))) <= 2.7); });
  }
}

TEST_CASE_TEMPLATE("special arguments of elementary functions", X, float, double) {
  const X inf = Limits<X>::infinity(), nan = Limits<X>::quiet_NaN();
  CHECK(functions::exp(X{0}) == 1);
  CHECK(functions::exp(-inf) == 0);
  CHECK(functions::exp(inf) == inf);
  CHECK(functions::exp(Limits<X>::max()) == inf);
  CHECK(functions::exp(Limits<X>::lowest()) == 0);
  CHECK(std::isnan(functions::exp(nan)));
  // From where a result is no normal number to where it is none that is finite.
  const X highest = std::log(Limits<X>::max());
  CHECK(functions::exp(std::nextafter(highest, X{0})) < inf);
  CHECK(functions::exp(std::nextafter(std::log(Limits<X>::min()), X{0})) >= Limits<X>::min());
  CHECK(functions::exp(highest * X{1.001}) == inf);
  CHECK(functions::exp(std::log(Limits<X>::min()) * X{1.001}) == 0);

  CHECK(functions::log(X{1}) == 0);
  CHECK(functions::log(X{0}) == -inf);
  CHECK(functions::log(-X{0}) == -inf);
  CHECK(functions::log(inf) == inf);
  CHECK(std::isnan(functions::log(X{-1})));
  CHECK(std::isnan(functions::log(-inf)));
  CHECK(std::isnan(functions::log(nan)));

  CHECK(functions::tanh(X{0}) == 0);
  CHECK(std::signbit(functions::tanh(-X{0})));
  CHECK(functions::tanh(inf) == 1);
  CHECK(functions::tanh(-inf) == -1);
  CHECK(functions::tanh(X{1e-30}) == X{1e-30});
  CHECK(std::isnan(functions::tanh(nan)));

  CHECK(functions::logistic(X{0}) == X{0.5});
  CHECK(functions::logistic(inf) == 1);
  CHECK(functions::logistic(-inf) == 0);
  CHECK(functions::logistic(X{-1000}) == 0);
  CHECK(functions::logistic(X{1000}) == 1);
  CHECK(std::isnan(functions::logistic(nan)));

  CHECK(functions::sqrt(X{2}) == std::sqrt(X{2}));
}

TEST_CASE("one result everywhere: alone, in a row, and beside any neighbours") {
  const auto check = []<class X>(const auto& function, X lowest, X highest) {
    Random random(7, Random::Stream{1000});
    for (const Eigen::Index size : {1, 3, 8, 17, 33, 100}) {
      Eigen::Array<X, 1, Eigen::Dynamic> row(size), result(size);
      for (X& x : row) x = static_cast<X>(lowest + random.uniform() * (highest - lowest));
      result = row.unaryExpr(function);
      for (Eigen::Index i = 0; i < size; ++i) {
        const volatile X x = row(i);  // computed when the program runs, on its own
        CHECK(function(X{x}) == result(i));
      }
    }
  };
  check(functions::exp, -80.0f, 80.0f), check(functions::exp, -700.0, 700.0);
  check(functions::log, 0.0f, 9.0f), check(functions::log, 0.0, 9.0);
  check(functions::tanh, -3.0f, 3.0f), check(functions::tanh, -3.0, 3.0);
  check(functions::logistic, -30.0f, 30.0f), check(functions::logistic, -30.0, 30.0);

  // What x86-64 computes; all compilers and processors must agree.
  const auto digest = []<class X>(const auto& function, X lowest, X highest) {
    std::uint64_t digest = 0;
    Random random(7, Random::Stream{1000});
    for (int i = 0; i < 1000; ++i) {
      const X x = static_cast<X>(lowest + random.uniform() * (highest - lowest));
      using Bits = std::conditional_t<sizeof(X) == 4, std::uint32_t, std::uint64_t>;
      digest = digest * 0x9e3779b97f4a7c15 + std::bit_cast<Bits>(X{function(x)});
    }
    return digest;
  };
  CHECK(digest(functions::exp, -80.0f, 80.0f) == 4066581334870634468u);
  CHECK(digest(functions::exp, -700.0, 700.0) == 17941417525640504149u);
  CHECK(digest(functions::log, 0.0f, 9.0f) == 12099201769046946137u);
  CHECK(digest(functions::log, 0.0, 9.0) == 9342809765398671315u);
  CHECK(digest(functions::tanh, -3.0f, 3.0f) == 9172671617976420709u);
  CHECK(digest(functions::tanh, -3.0, 3.0) == 10913843807144124254u);
  CHECK(digest(functions::logistic, -30.0f, 30.0f) == 2923686446137044389u);
  CHECK(digest(functions::logistic, -30.0, 30.0) == 10453435586780094401u);
  CHECK(digest(functions::cos_pi, 0.0, 1.0) == 4865845145205912261u);
}

TEST_CASE("cos(pi x) and powers") {
  double error = 0;
  for (int i = 0; i <= 100000; ++i) {
    const double x = i / 100000.0;
    const long double exact = std::cos(std::numbers::pi_v<long double> * static_cast<long double>(x));
    error = std::max(error, static_cast<double>(std::abs(functions::cos_pi(x) - exact)));
  }
  CHECK(error <= 3e-16);
  CHECK(functions::cos_pi(0) == 1);
  CHECK(functions::cos_pi(1) == -1);

  CHECK(functions::power(0.9, 0) == 1);
  CHECK(functions::power(0.9, 1) == 0.9);
  CHECK(functions::power(-2, 13) == -8192);
  for (const std::int64_t n : {7, 100, 12345, 1000000}) {
    // Each of the 2 log2(n) products is rounded, and what a square has lost counts twice in the next.
    CHECK(functions::power(0.9999, n) ==
          doctest::Approx(std::pow(0.9999, static_cast<double>(n))).epsilon(static_cast<double>(n) * 2.3e-16));
  }
  CHECK(functions::power(0.9, 1000000) == 0);
}

TEST_CASE("a sum has an order that depends on its length only") {
  // 16 sums of every 16th number, then those by halves: spelled out for 35 numbers whose sum depends on the order.
  Eigen::Array<float, 1, Eigen::Dynamic> row(35);
  Random random(3, Random::Stream{1000});
  for (float& x : row) x = static_cast<float>(random.normal());
  std::vector<float> sums(16);
  for (std::size_t i = 0; i < 35; ++i) sums[i % 16] += row(static_cast<Eigen::Index>(i));
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t l = 0; l < half; ++l) sums[l] += sums[l + half];
  }
  CHECK(functions::sum(row) == sums[0]);
  CHECK(functions::sum(row * 2) == 2 * sums[0]);
  CHECK(functions::sum(row.head(0)) == 0);
}

}  // namespace
}  // namespace tare
