#include <tare/apps/exhibits/check_report.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tare {
namespace {

constexpr std::size_t kColumns = 80, kLabel = 13;

// The text in lines of at most kColumns, all but the first indented; the first starts there, too.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string lines;
  std::size_t column = indent;
  std::istringstream words(text);
  for (std::string word; words >> word; column += word.size()) {
    if (column + 1 + word.size() > kColumns) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!lines.empty()) {
      lines += ' ';
      ++column;
    }
    lines += word;
  }
  return lines;
}

}  // namespace

void CheckReport::section(const std::string& name, const std::string& label) {
  end_section();
  name_ = name, label_ = label;
}

void CheckReport::end_section() {
  if (options_.json) return;
  if (name_.empty()) {
    fmt::print("{}", details_);
  } else if (options_.details) {
    fmt::print("\n{}\n{}\n{}\n\n{}", title_, std::string(title_.size(), '-'), wrapped(conclusion_, 0), details_);
  } else {
    const auto mine = [&](const Check& c) { return c.section == name_; };
    const auto all = std::ranges::count_if(checks_, mine);
    const auto held = std::ranges::count_if(checks_, [&](const Check& c) { return mine(c) && c.holds; });
    fmt::print("{:<{}}{}\n{:{}}{} of {} checks hold.\n", label_, kLabel, wrapped(conclusion_, kLabel), "", kLabel, held,
               all);
  }
  title_ = conclusion_ = details_ = "";
  last_ = Detail::none;
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
  checks_.push_back(c);
  // Few digits; a power of ten only where there are many zeros.
  const bool plain = c.value == 0 || (c.value >= 0.01 && c.value < 1000);
  add_detail(Detail::check,
             fmt::format("{:<5} {:<22} {:<51}{:>8} {} {:.2g}", c.holds ? "  ok" : "FAILS", c.equation, c.claim,
                         plain ? fmt::format("{:.3g}", c.value) : fmt::format("{:.1e}", c.value), c.relation, c.bound));
}

// Between text and checks stands a blank line.
void CheckReport::add_detail(Detail kind, const std::string& line) {
  const bool change = kind != last_;
  last_ = kind;
  if (kind == Detail::check && !options_.checks) return;
  if (change && !details_.empty()) details_ += "\n";
  details_ += line + "\n";
}

}  // namespace tare
