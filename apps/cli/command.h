// What options of the command line mean: a layer over CLI11, which finds the words.
#pragma once

#include <tare/apps/cli/help.h>
#include <tare/apps/cli/names.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace tare {

// Bounds of numbers.
inline constexpr Index kMany = 1'000'000'000;
inline constexpr std::uint64_t kLargestSeed = std::numeric_limits<std::uint64_t>::max();
inline constexpr double kLargest = std::numeric_limits<double>::max();
inline constexpr double kPositive = std::numeric_limits<double>::min();  // smaller ones are taken for 0
inline const double kBelowOne = std::nextafter(1.0, 0.0);

/// Reads the whole text as a number from low to high, or throws UsageError naming the option.
template <class T>
T number(const std::string& option, std::string_view text, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= low && value <= high) return value;  // never true of nan
  const char* kind = std::is_integral_v<T> ? "whole number" : "number";
  if (high == std::numeric_limits<T>::max() && error != std::errc::result_out_of_range) {
    throw UsageError("{}: expected a {} of at least {}, found \"{}\"", option, kind, low, text);
  }
  throw UsageError("{}: expected a {} from {} to {}, found \"{}\"", option, kind, low, high, text);
}

/// What stands before the first separator and behind it; all and nothing, if there is none.
inline std::pair<std::string_view, std::string_view> split_at(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// The program or a subcommand, to which options are added, each as a function of its name and its text. CLI11 finds
/// the words; their meaning and ranges are checked here, so that every message has the same form.
class Command {
 public:
  using Read = std::function<void(const std::string& option, const std::string& text)>;

  /// The program.
  Command(const char* name, const char* version, const char* description, const char* example);
  /// A subcommand, one of which must be given.
  Command(Command& parent, const char* name, const char* description, const char* example);

  /// What the options that follow are about.
  Command& group(Group group);

  void option(const std::string& name, const char* argument, const std::string& help, const Read& read);
  void text(const std::string& name, const char* argument, const char* help, std::string& target);
  void flag(const std::string& name, const char* help, bool& target, bool value = true);
  /// May be given more than once.
  void list(const std::string& name, const char* argument, const char* help, std::vector<std::string>& target);
  /// A word without an option before it, or all such words.
  void positional(const char* name, const char* help, std::string& target, bool required = true);
  void positional(const char* name, const char* help, std::vector<std::string>& target, bool required = true);

  template <class T, class Target>
  void number(const std::string& name, const char* argument, const char* help, T low, T high, Target& target) {
    option(name, argument, help, [&target, low, high](const std::string& option, const std::string& text) {
      target = tare::number<T>(option, text, low, high);
    });
  }

  template <class T>
  void choice(const std::string& name, const char* help, const Names<T>& names, T& target) {
    add_choice(name, fmt::format("{} [{}]", help, name_in(names, target)), names, target);
  }
  template <class T>
  void choice(const std::string& name, const char* help, const Names<T>& names, std::optional<T>& target) {
    add_choice(name, help, names, target);
  }

  /// Reads the program's words. False if they asked for help or the version, which it then has printed. UsageError if
  /// they are not what was added.
  bool parse(int argc, char** argv);
  /// Whether this subcommand was among them.
  bool given() const;

  /// What has been added.
  const CommandEntry& entry() const { return *entry_; }

 private:
  template <class T, class Target>
  void add_choice(const std::string& name, const std::string& help, const Names<T>& names, Target& target) {
    std::vector<const char*> known;
    for (const auto& [known_name, value] : names) known.push_back(known_name);
    option(name, "NAME", help,
           [&](const std::string& option, const std::string& text) { target = named(names, text, option); });
    entry_->options.back().choices.assign(known.begin(), known.end());
  }

  friend void parse_words(const std::vector<std::string>& words, const std::function<void(Command&)>& add);
  explicit Command(std::shared_ptr<CLI::App> app) : app_(std::move(app)), entry_(std::make_shared<CommandEntry>()) {}
  void note(OptionEntry option);

  std::shared_ptr<CLI::App> app_;
  std::shared_ptr<CommandEntry> entry_;
  Group group_ = Group::other;
};

/// Reads words that are not the program's own as options, which `add` adds. UsageError if they are none of them.
void parse_words(const std::vector<std::string>& words, const std::function<void(Command&)>& add);

}  // namespace tare
