#include <tare/apps/compare/claims.h>

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace tare {

nlohmann::ordered_json to_json(const Claim& c) {
  const auto number = [](double x) { return std::isfinite(x) ? nlohmann::ordered_json(x) : nullptr; };
  return {{"claim", c.claim},
          {"source", c.source},
          {"predicted", number(c.predicted)},
          {"measured", number(c.measured)},
          {"low", number(c.low)},
          {"high", number(c.high)},
          {"agrees", c.agrees()}};
}

std::string sentence(const Claim& c) {
  return fmt::format("{}: {}: predicted {:.4g}, measured {:.4g}, agrees from {:.4g} to {:.4g} ({})",
                     c.agrees() ? "Holds" : "Does not hold", c.claim, c.predicted, c.measured, c.low, c.high, c.source);
}

}  // namespace tare
