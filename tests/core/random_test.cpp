// The generator draws the same numbers everywhere, and they are distributed as they should be. The statistics below are
// those of fixed seeds: they either always pass or always fail.
#include <tare/core/machine/random.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace tare {
namespace {

using Stream = Random::Stream;

// Sum of (observed - expected)^2 / expected, with equal expectations.
double chi_square(const std::vector<int>& counts) {
  const double expected = std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double total = 0;
  for (int count : counts) total += (count - expected) * (count - expected) / expected;
  return total;
}

TEST_CASE("golden draws") {
  Random bits(1, Stream{1});
  for (const std::uint64_t expected :
       {0x3bac8a7b2585b47au, 0x7d1598d524f9e37au, 0xf014689fcc4ddbf4u, 0xd44a2613e30af50fu})
    CHECK(bits.bits() == expected);
  Random numbered(42, Stream{4}, 7);
  for (const std::uint64_t expected : {0x6847b12dffcdd314u, 0xd410db80e4e5ae7eu}) CHECK(numbered.bits() == expected);
  Random uniform(1, Stream{1});
  for (const double expected : {0x1.dd6453d92c2d8p-3, 0x1.f456635493e78p-2, 0x1.e028d13f989bbp-1})
    CHECK(uniform.uniform() == expected);
  Random below(1, Stream{4});
  for (const std::uint32_t expected : {4u, 6u, 0u, 9u, 4u, 5u, 0u, 3u, 4u, 4u, 8u, 8u})
    CHECK(below.below(10) == expected);
  for (const std::uint32_t expected : {2666632528u, 1129569584u, 258524098u, 1045974862u})
    CHECK(below.below(3u << 30) == expected);
  Random normal(1, Stream{1});
  for (const double expected : {0x1.e028d13f989bbp-1, -0x1.b955aba9f5cc0p-7, 0x1.5e8b7d98b4787p+0, 0x1.7936339a2f5a9p+0,
                                -0x1.953efcf762a80p-8, 0x1.2e86feaebbb58p-4})
    CHECK(normal.normal() == expected);
  std::array<std::uint32_t, 12> items;
  std::iota(items.begin(), items.end(), 0u);
  Random(1, Stream{2}).shuffle(items);
  CHECK(items == std::array<std::uint32_t, 12>{6, 4, 11, 0, 5, 2, 10, 7, 8, 9, 3, 1});
}

TEST_CASE("seeds, streams and numbers each give draws of their own") {
  std::vector<std::uint64_t> first;
  for (const std::uint64_t seed : {0, 1, 2}) {
    for (const Stream stream : {Stream{1}, Stream{2}, Stream{3}, Stream{4}}) {
      for (const std::uint64_t number : {0, 1, 2}) {
        Random random(seed, stream, number);
        for (int i = 0; i < 4; ++i) first.push_back(random.bits());
      }
    }
  }
  std::ranges::sort(first);
  CHECK(std::ranges::adjacent_find(first) == first.end());

  // What one stream draws does not depend on another; a copy goes on as the original does.
  Random a(1, Stream{1}), b(1, Stream{1});
  Random other(1, Stream{3});
  other.bits();
  CHECK(a.bits() == b.bits());
  Random copy = a;
  CHECK(copy.normal() == a.normal());
}

TEST_CASE("uniform is uniform in [0, 1)") {
  constexpr int kDraws = 1'000'000;
  Random random(10, Stream{4});
  std::vector<int> counts(100);
  for (int i = 0; i < kDraws; ++i) ++counts.at(static_cast<std::size_t>(random.uniform() * 100));
  CHECK(chi_square(counts) < 148.2);  // 99 degrees of freedom: exceeded once in a thousand seeds
}

TEST_CASE("normal has the moments and tails of a standard normal") {
  constexpr int kDraws = 1'000'000;
  Random random(11, Stream{4});
  double sum1 = 0, sum2 = 0, sum3 = 0, sum4 = 0;
  std::array<int, 4> beyond{};  // |x| > k
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    sum1 += x;
    sum2 += x * x;
    sum3 += x * x * x;
    sum4 += x * x * x * x;
    for (std::size_t k = 1; k < beyond.size(); ++k) beyond[k] += std::abs(x) > static_cast<double>(k);
  }
  // Within four standard errors: of a mean of x^m that is the root of the variance of x^m over the number of draws.
  const double root = std::sqrt(kDraws);
  CHECK(std::abs(sum1 / kDraws) < 4 * 1 / root);
  CHECK(std::abs(sum2 / kDraws - 1) < 4 * std::sqrt(2.0) / root);
  CHECK(std::abs(sum3 / kDraws) < 4 * std::sqrt(15.0) / root);
  CHECK(std::abs(sum4 / kDraws - 3) < 4 * std::sqrt(96.0) / root);
  for (std::size_t k = 1; k < beyond.size(); ++k) {
    const double p = std::erfc(static_cast<double>(k) / std::sqrt(2.0));
    CHECK(std::abs(beyond[k] - kDraws * p) < 4 * std::sqrt(kDraws * p * (1 - p)));
  }
}

TEST_CASE("normal follows the bell curve in between, and successive draws are independent") {
  constexpr int kDraws = 400'000;
  Random random(12, Stream{4});
  std::vector<int> octants(16);  // of the probability transform of a draw, with the sign of the one before
  double previous = 1;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    const double p = std::erfc(-x / std::sqrt(2.0)) / 2;
    ++octants[static_cast<std::size_t>(std::min(7, static_cast<int>(8 * p))) + (previous > 0 ? 8 : 0)];
    previous = x;
  }
  CHECK(chi_square(octants) < 37.7);  // 15 degrees of freedom
}

TEST_CASE("below is uniform, for a large n too") {
  Random random(13, Stream{4});
  std::vector<int> counts(10), thirds(3), parts(3);
  for (int i = 0; i < 1'000'000; ++i) ++counts[random.below(10)];
  CHECK(chi_square(counts) < 27.9);  // 9 degrees of freedom
  // 2^32 numbers do not divide evenly among 3 * 2^30: without the second draw every third would come twice as often.
  for (int i = 0; i < 300'000; ++i) {
    const std::uint32_t x = random.below(3u << 30);
    ++thirds[x % 3];
    ++parts.at(x >> 30);
  }
  CHECK(chi_square(thirds) < 13.8);  // 2 degrees of freedom
  CHECK(chi_square(parts) < 13.8);
  for (int i = 0; i < 10; ++i) CHECK(random.below(1) == 0);
}

TEST_CASE("shuffle makes every order equally often") {
  Random random(14, Stream{4});
  std::vector<int> counts(256);
  for (int i = 0; i < 240'000; ++i) {
    std::array<std::uint32_t, 4> items{0, 1, 2, 3};
    random.shuffle(items);
    ++counts[items[0] * 64 + items[1] * 16 + items[2] * 4 + items[3]];
  }
  std::erase(counts, 0);
  REQUIRE(counts.size() == 24);
  CHECK(chi_square(counts) < 49.7);  // 23 degrees of freedom

  random.shuffle({});
  std::array<std::uint32_t, 1> one{5};
  random.shuffle(one);
  CHECK(one[0] == 5);
}

}  // namespace
}  // namespace tare
