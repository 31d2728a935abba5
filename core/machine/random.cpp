#include <tare/core/machine/random.h>

#include <utility>

namespace tare {
namespace {

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed, Stream stream, std::uint64_t number)
    : state_(mix(mix(mix(seed) + static_cast<std::uint64_t>(stream)) + number)) {}

std::uint64_t Random::bits() { return mix(state_ += 0x9e3779b97f4a7c15); }

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

// Lemire 2019, "Fast random integer generation in an interval": the upper half of x n is below n; the few x that would
// make some results likelier than others are drawn again.
std::uint32_t Random::below(std::uint32_t n) {
  const std::uint32_t excess = (0u - n) % n;  // 2^32 mod n
  std::uint64_t product;
  do {
    product = (bits() >> 32) * n;
  } while (static_cast<std::uint32_t>(product) < excess);
  return static_cast<std::uint32_t>(product >> 32);
}

// True with probability exp(-t), 0 <= t <= 1 (von Neumann 1951). The uniforms t > u1 > u2 > ... go on falling for
// exactly k draws with probability t^k/k! - t^(k+1)/(k+1)!; summed over even k this is the series of exp(-t).
bool Random::exp_coin(double t) {
  bool even = true;
  for (double u = uniform(); u < t; u = uniform()) {
    t = u;
    even = !even;
  }
  return even;
}

// The density of k + x, with an integer k >= 0 and 0 <= x < 1, is proportional to
//   exp(-(k + x)^2 / 2) = exp(-k / 2) * exp(-k (k - 1) / 2) * exp(-x (2 k + x) / 2):
// draw k from the first factor and x uniformly, then accept with the second and the third, each a product of coins.
double Random::normal() {
  for (;;) {
    int k = 0;
    while (exp_coin(0.5)) ++k;
    bool accept = true;
    for (int i = 0; accept && i < k * (k - 1); ++i) accept = exp_coin(0.5);
    const double x = uniform();
    for (int i = 0; accept && i <= k; ++i) accept = exp_coin(x * (2 * k + x) / (2 * k + 2));
    if (accept) return bits() >> 63 ? k + x : -(k + x);
  }
}

void Random::shuffle(std::span<std::uint32_t> items) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[below(static_cast<std::uint32_t>(i))]);
  }
}

}  // namespace tare
