// Random numbers that are the same everywhere: for a seed, every compiler, standard library and processor draws the
// same integers, uniforms, normals and shuffles. std::normal_distribution and std::shuffle promise no such thing, and
// even std::log may differ in its last bit, so nothing here calls them. Not for cryptography.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace tare {

/// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state that count up in odd steps, and a hash of each count.
class Random {
 public:
  /// Keeps uses of one seed apart: what one stream draws does not depend on how much another has drawn. Those up to 999
  /// are the library's; a program's are `own` and, if it needs more, Stream{1001}, Stream{1002}, ...
  enum class Stream : std::uint64_t { init = 1, order, dropout, check, digits, toys, split, warp, noise, own = 1000 };
  /// `number` keeps apart what one stream is used for again and again, such as the epochs.
  explicit Random(std::uint64_t seed, Stream stream = Stream::own, std::uint64_t number = 0);

  std::uint64_t bits();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();
  /// Uniform among 0 ... n-1; n >= 1.
  std::uint32_t below(std::uint32_t n);
  /// Standard normal, by comparing uniforms only (Karney 2016, "Sampling exactly from the normal distribution",
  /// algorithm N): neither a logarithm nor a table.
  double normal();
  /// A uniform permutation of `items` (Fisher and Yates, from the end).
  void shuffle(std::span<std::uint32_t> items);

  /// All there is to a generator: one that is given another's state goes on as that one does.
  std::uint64_t state() const { return state_; }
  void set_state(std::uint64_t state) { state_ = state; }

 private:
  bool exp_coin(double t);

  std::uint64_t state_;
};

}  // namespace tare
