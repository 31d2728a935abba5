// A report of checks, for `tare cancel`: what is said, claimed and measured, as text or as one JSON object.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace tare {

/// Collects the checks and, unless JSON is wanted, prints what is said as it is said.
class CheckReport {
 public:
  /// `precision`, "float" or "double", is for the JSON object.
  CheckReport(std::string precision, bool json) : precision_(std::move(precision)), json_(json) {}

  void heading(const std::string& title);
  template <class... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    if (!json_) print(fmt::format(text, std::forward<Args>(args)...));
  }
  void at_most(const std::string& equation, const std::string& claim, double value, double bound);
  void at_least(const std::string& equation, const std::string& claim, double value, double bound);

  /// The closing line or the JSON object. Returns the exit code.
  int finish() const;

 private:
  struct Check {
    std::string equation, claim;
    double value;
    const char* relation;
    double bound;
    bool holds;
  };

  static void print(const std::string& line);
  void add(const Check& c);

  std::string precision_;
  bool json_;
  std::vector<Check> checks_;
};

}  // namespace tare
