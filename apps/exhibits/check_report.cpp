#include <tare/apps/exhibits/check_report.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace tare {

void CheckReport::print(const std::string& line) { fmt::print("{}\n", line); }

void CheckReport::heading(const std::string& title) { say("\n{}\n{}", title, std::string(title.size(), '-')); }

void CheckReport::at_most(const std::string& equation, const std::string& claim, double value, double bound) {
  add({equation, claim, value, "<=", bound, value <= bound});  // false for a NaN
}

void CheckReport::at_least(const std::string& equation, const std::string& claim, double value, double bound) {
  add({equation, claim, value, ">=", bound, std::isfinite(value) && value >= bound});
}

int CheckReport::finish() const {
  const auto held = std::count_if(checks_.begin(), checks_.end(), [](const Check& c) { return c.holds; });
  const bool all = held == static_cast<std::ptrdiff_t>(checks_.size());
  if (json_) {
    nlohmann::ordered_json out{{"precision", precision_}, {"holds", all}, {"checks", nlohmann::ordered_json::array()}};
    for (const Check& c : checks_) {
      out["checks"].push_back({{"equation", c.equation},
                               {"claim", c.claim},
                               {"value", std::isfinite(c.value) ? nlohmann::ordered_json(c.value) : nullptr},
                               {"relation", c.relation},
                               {"bound", c.bound},
                               {"holds", c.holds}});
    }
    fmt::print("{}\n", out.dump());
  } else {
    fmt::print("\n{} of {} checks hold{}\n", held, checks_.size(), all ? "" : "; these do not:");
    for (const Check& c : checks_) {
      if (!c.holds) fmt::print("  {}: {}\n", c.equation, c.claim);
    }
  }
  return all ? 0 : 1;
}

void CheckReport::add(const Check& c) {
  checks_.push_back(c);
  // Few digits; a power of ten only where there are many zeros.
  const bool plain = c.value == 0 || (c.value >= 0.01 && c.value < 1000);
  say("{:<5} {:<22} {:<51}{:>8} {} {:.2g}", c.holds ? "  ok" : "FAILS", c.equation, c.claim,
      plain ? fmt::format("{:.3g}", c.value) : fmt::format("{:.1e}", c.value), c.relation, c.bound);
}

}  // namespace tare
