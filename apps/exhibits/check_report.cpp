#include <tare/apps/exhibits/check_report.h>

#include <tare/apps/cli/terminal.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

constexpr std::size_t kLabel = 13;

// What an equation's name adds to the title of its section: "note 2, 3a" -> "3a", "backward: mean" -> "mean",
// "exhibit 1" -> "".
std::string part_of(const std::string& equation) {
  const std::size_t end = equation.find_first_of(",:");
  return end == std::string::npos ? "" : equation.substr(end + 2);
}

// Few digits; a power of ten only where there are many zeros.
std::string number(double x) {
  const bool plain = x == 0 || (x >= 0.01 && x < 1000);
  return plain ? fmt::format("{:.3g}", x) : fmt::format("{:.1e}", x);
}

}  // namespace

void CheckReport::section(const std::string& name, const std::string& label) {
  end_section();
  name_ = name, label_ = label;
}

void CheckReport::end_section() {
  if (options_.json || (name_.empty() && details_.empty())) return;
  const bool in_list = !name_.empty() && !options_.details;
  if (begun_ && !(in_list && in_list_)) fmt::print("\n");
  begun_ = true, in_list_ = in_list;
  const std::size_t columns = terminal_columns();
  if (name_.empty()) {
    fmt::print("{}", details());
  } else if (options_.details) {
    fmt::print("{}\n{}\n{}\n\n{}", title_, std::string(title_.size(), '-'), wrapped(conclusion_, columns), details());
  } else {
    const auto mine = [&](const Check& c) { return c.section == name_; };
    const auto all = std::ranges::count_if(checks_, mine);
    const auto held = std::ranges::count_if(checks_, [&](const Check& c) { return mine(c) && c.holds; });
    fmt::print("{:<{}}{}\n{:{}}{} of {} checks hold.\n", label_, kLabel, wrapped(conclusion_, columns, kLabel), "",
               kLabel, held, all);
  }
  title_ = conclusion_ = "";
  details_.clear();
}

// Paragraphs, tables and groups of checks, an empty line between them. Checks that are not shown divide, too.
std::string CheckReport::details() const {
  const std::size_t columns = terminal_columns();
  std::size_t part_width = 0;
  for (const Detail& d : details_) {
    const std::string part = d.kind == Detail::check ? part_of(checks_[d.place].equation) : "";
    if (!part.empty()) part_width = std::max(part_width, part.size() + 2);
  }
  constexpr std::size_t kOk = 6, kNumbers = 19, kClaim = 51;
  const std::size_t left_of_claim = kOk + part_width;
  const std::size_t claim_width =
      std::min(kClaim, std::max(columns, left_of_claim + kNumbers) - left_of_claim - kNumbers);
  std::string text;
  const Detail* last = nullptr;
  for (const Detail& d : details_) {
    const bool goes_on = last != nullptr && d.kind == last->kind && d.kind != Detail::text;
    last = &d;
    if (d.kind == Detail::check && !options_.checks) continue;
    if (!text.empty() && !goes_on) text += "\n";
    if (d.kind == Detail::text) text += wrapped(d.line, columns);
    if (d.kind == Detail::row) text += d.line;
    if (d.kind == Detail::check) {
      const Check& c = checks_[d.place];
      text += fmt::format("{:<{}}{:<{}}{:<{}}", c.holds ? "  ok" : "FAILS", kOk, part_of(c.equation), part_width,
                          c.claim, claim_width);
      if (c.claim.size() > claim_width) text += fmt::format("\n{:{}}", "", left_of_claim + claim_width);
      text += fmt::format("{:>8} {} {:.2g}", number(c.value), c.relation, c.bound);
    }
    text += "\n";
  }
  return text;
}

void CheckReport::at_most(const std::string& equation, const std::string& claim, double value, double bound) {
  add({name_, equation, claim, value, "<=", bound, value <= bound});  // false for a NaN
}

void CheckReport::at_least(const std::string& equation, const std::string& claim, double value, double bound) {
  add({name_, equation, claim, value, ">=", bound, std::isfinite(value) && value >= bound});
}

int CheckReport::finish() {
  end_section();
  const auto held = std::ranges::count_if(checks_, &Check::holds);
  const bool all = held == std::ssize(checks_);
  if (options_.json) {
    nlohmann::ordered_json out{
        {"precision", options_.precision}, {"holds", all}, {"checks", nlohmann::ordered_json::array()}};
    for (const Check& c : checks_) {
      out["checks"].push_back({{"exhibit", c.section},
                               {"equation", c.equation},
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
  details_.push_back({Detail::check, "", checks_.size()});
  checks_.push_back(c);
}

}  // namespace tare
