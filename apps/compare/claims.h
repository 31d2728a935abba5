// What a paper or a derivation predicts, beside what was measured.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace tare {

/// The prediction and the interval in which a measurement agrees with it were there before the measurement.
struct Claim {
  std::string claim, source;
  double predicted, measured;
  double low, high;

  bool agrees() const { return measured >= low && measured <= high; }
};

/// {claim, source, predicted, measured, low, high, agrees}; a number that is not finite is null.
nlohmann::ordered_json to_json(const Claim& claim);

/// "Holds: ...: predicted 1.211, measured 1.208, agrees from 1.199 to 1.223 (Yang et al. ...)".
std::string sentence(const Claim& claim);

}  // namespace tare
