// A report of checks, for `tare cancel`: what is said, claimed and measured, as text or as one JSON object.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace tare {

/// Collects checks in sections. A section's conclusion is printed before what led to it, although it is often known
/// only afterwards; so a section is printed when it ends.
class CheckReport {
 public:
  struct Options {
    std::string precision;  // "float" or "double", for the JSON object
    bool json = false;      // one JSON object instead of text
    bool details = true;    // sections in full; else the conclusion of each
    bool checks = true;     // the checks among the details
  };
  explicit CheckReport(Options options) : options_(std::move(options)) {}

  /// Ends the section before. One without a name is always printed in full; the label stands for a section that is not.
  void section(const std::string& name, const std::string& label);

  void heading(const std::string& title) { title_ = title; }
  template <class... Args>
  void conclusion(fmt::format_string<Args...> text, Args&&... args) {
    conclusion_ = fmt::format(text, std::forward<Args>(args)...);
  }
  /// A paragraph, or several with an empty line between.
  template <class... Args>
  void say(fmt::format_string<Args...> text, Args&&... args) {
    details_.push_back({Detail::text, fmt::format(text, std::forward<Args>(args)...)});
  }
  /// A line of a table.
  template <class... Args>
  void row(fmt::format_string<Args...> line, Args&&... args) {
    details_.push_back({Detail::row, fmt::format(line, std::forward<Args>(args)...)});
  }
  void at_most(const std::string& equation, const std::string& claim, double value, double bound);
  void at_least(const std::string& equation, const std::string& claim, double value, double bound);

  /// Ends the last section; then the closing line or the JSON object. Returns the exit code.
  int finish();

 private:
  struct Check {
    std::string section, equation, claim;
    double value;
    const char* relation;
    double bound;
    bool holds;
  };
  struct Detail {
    enum Kind { text, row, check } kind;
    std::string line = {};
    std::size_t place = 0;  // of a check among all
  };

  void add(const Check& c);
  void end_section();
  std::string details() const;

  Options options_;
  std::vector<Check> checks_;
  bool begun_ = false, in_list_ = false;  // whether anything was printed, and last a conclusion with its label
  // Of the section that is open:
  std::string name_, label_, title_, conclusion_;
  std::vector<Detail> details_;
};

}  // namespace tare
