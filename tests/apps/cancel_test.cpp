// `tare cancel`: every equation of the notes has its check, all hold in both precisions, and the text fits a terminal
// of 80 columns.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace tare::testing {
namespace {

using nlohmann::json;

json cancel(const std::string& words) {
  const Outcome done = run_tare("cancel --json " + words);
  CHECK(done.exit_code == 0);
  CHECK(done.err.empty());
  return json::parse(done.out);
}

// The value of the only check with this claim.
double value_of(const json& report, const std::string& equation, const std::string& claim) {
  INFO(equation, ": ", claim);
  int found = 0;
  double value = std::nan("");
  for (const json& check : report["checks"]) {
    if (check["equation"] != equation || check["claim"] != claim) continue;
    ++found;
    value = check["value"];
  }
  REQUIRE(found == 1);
  return value;
}

std::set<std::string> equations_of(const json& report) {
  std::set<std::string> equations;
  for (const json& check : report["checks"]) equations.insert(check["equation"].get<std::string>());
  return equations;
}

TEST_CASE("cancel: every check holds as it says, in both precisions") {
  for (const char* precision : {"double", "float"}) {
    const json report = cancel(fmt::format("--precision {}", precision));
    INFO(precision);
    CHECK(report["precision"] == precision);
    CHECK(report["holds"] == true);
    CHECK(report["checks"].size() > 100);
    for (const json& check : report["checks"]) {
      INFO(check.dump());
      REQUIRE(check["value"].is_number());
      const double value = check["value"], bound = check["bound"];
      const std::string relation = check["relation"];
      REQUIRE((relation == "<=" || relation == ">="));
      CHECK((relation == "<=" ? value <= bound : value >= bound));
      CHECK(check["holds"] == true);
      // Bounds that say something.
      CHECK(bound > 0);
      CHECK(value >= 0);
      if (relation == "<=") CHECK(bound <= 1);
    }
  }
}

// [BN-1] [BN-2] [BN-3] [BN-4] [BIAS-1] [BIAS-2] [BIAS-3] [BIAS-4]
TEST_CASE("cancel: every equation of the notes is among the checks") {
  const std::set<std::string> equations = equations_of(cancel(""));
  for (int i = 1; i <= 12; ++i) CHECK(equations.contains(fmt::format("note 3, 1.{}", i)));
  for (const char* equation : {"note 1, step 1: mean",
                               "note 1, step 1: var.",
                               "note 1, step 2",
                               "note 1, step 3",
                               "note 1, step 4",
                               "note 2, 1",
                               "note 2, 2",
                               "note 2, 2a",
                               "note 2, 2b",
                               "note 2, 3a",
                               "note 2, 3b corrected",
                               "note 2, 3b as written",
                               "note 2, 3 corrected",
                               "note 2, 3 as written",
                               "note 2, sum as written",
                               "note 2, box corrected",
                               "note 2, box as written",
                               "backward: itself",
                               "backward: mean",
                               "backward: variance",
                               "backward: dL/dx",
                               "backward: dL/dgamma",
                               "backward: dL/dbeta",
                               "exhibit 1",
                               "exhibit 2",
                               "exhibit 3",
                               "exhibit 4",
                               "exhibit 5",
                               "exhibit 6"}) {
    CHECK_MESSAGE(equations.contains(equation), equation);
  }
}

TEST_CASE("cancel: double is the default, and what it measures is what theory expects") {
  const json report = cancel("");
  CHECK(report["precision"] == "double");
  CHECK(value_of(report, "exhibit 4", "same losses, the largest relative difference") <= 1e-9);
  CHECK(value_of(report, "exhibit 4", "parameters saved") == 32);  // the hidden layers' 16 + 16
  // Errors of note 2's formula, with Gaussian inputs: about 60, 30, 15 and 10 %.
  const double error[] = {0.6, 0.3, 0.15, 0.1}, bias[] = {0.5, 0.22, 0.1, 0.075};
  const int n[] = {4, 16, 64, 128};
  for (int i = 0; i < 4; ++i) {
    CHECK(value_of(report, "exhibit 3", fmt::format("N = {}: note 2's is wrong", n[i])) ==
          doctest::Approx(error[i]).epsilon(0.15));
    CHECK(value_of(report, "exhibit 3", fmt::format("N = {}: note 2 gives it one", n[i])) ==
          doctest::Approx(bias[i]).epsilon(0.2));
  }
  // Where the upstream gradient has a mean, a large batch does not help; all ones leave 1 - 1/N, least at N = 4.
  CHECK(value_of(report, "exhibit 3", "g = 1 + N(0, 1): note 2's error, at the best N") ==
        doctest::Approx(1).epsilon(0.1));
  CHECK(value_of(report, "exhibit 3", "g = 1: largest |dx| of note 2, at the best N") ==
        doctest::Approx(0.75).epsilon(0.01));
  CHECK(value_of(report, "exhibit 3", "g = N(0, 1): twice the gradient is wrong") == doctest::Approx(1).epsilon(1e-3));
}

const std::vector<std::string> kNames{"note-1",   "note-2",   "note-3",   "backward",  "shift",
                                      "jacobian", "diagonal", "training", "where-not", "scale"};

struct Text {
  int ok = 0, exhibits = 0;
  std::string last;
};

// What stands in the text, which is the same from run to run.
Text text_of(const std::string& command) {
  INFO(command);
  const Outcome done = run_tare(command);
  CHECK(done.exit_code == 0);
  CHECK(done.err.empty());
  CHECK(done.out == run_tare(command).out);
  CHECK(done.out.find("FAILS") == std::string::npos);
  CHECK(done.out.find("\n\n\n") == std::string::npos);
  std::istringstream lines(done.out);
  Text text;
  for (std::string& line = text.last; std::getline(lines, line);) {
    CHECK_MESSAGE(line.size() <= 80, line);
    text.ok += line.starts_with("  ok ");
    text.exhibits += line.starts_with("Exhibit ");
    if (lines.peek() == std::char_traits<char>::eof()) break;
  }
  return text;
}

std::string count_line(std::size_t checks) { return fmt::format("{0} of {0} checks hold", checks); }

TEST_CASE("cancel: an overview of all exhibits, each with its count, and the whole log on demand") {
  for (const char* precision : {"double", "float"}) {
    const std::string command = fmt::format("cancel --precision {}", precision);
    const std::size_t checks = cancel(fmt::format("--precision {}", precision))["checks"].size();
    const Text overview = text_of(command), log = text_of(command + " --checks");
    CHECK(overview.ok == 0);
    CHECK(overview.last == count_line(checks));
    CHECK(log.ok == static_cast<int>(checks));
    CHECK(log.exhibits == 6);
    CHECK(log.last == count_line(checks));
  }
  const std::string overview = run_tare("cancel").out;
  CHECK(overview.starts_with("A bias directly before BatchNorm changes nothing in training."));
  const json report = cancel("");
  for (const std::string& name : kNames) {
    INFO(name);
    const auto checks = std::ranges::count_if(report["checks"], [&](const json& c) { return c["exhibit"] == name; });
    const std::size_t entry = overview.find(name + "  "), count = overview.find(" checks hold.", entry);
    REQUIRE(count != std::string::npos);
    const std::string counted = fmt::format("{0} of {0}", checks);
    CHECK(overview.substr(count - counted.size(), counted.size()) == counted);
  }
}

TEST_CASE("cancel: one exhibit by its name or number, its conclusion first") {
  std::size_t all = 0;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::string command = fmt::format("cancel --exhibit {}", kNames[i]);
    INFO(command);
    const json report = cancel(fmt::format("--exhibit {}", kNames[i]));
    const std::size_t checks = report["checks"].size();
    all += checks;
    for (const json& check : report["checks"]) {
      CHECK(check["exhibit"] == kNames[i]);
      if (i >= 4) CHECK(check["equation"] == fmt::format("exhibit {}", i - 3));
    }
    const Text text = text_of(command), full = text_of(command + " --checks");
    CHECK(text.ok == 0);
    CHECK(text.last == count_line(checks));
    CHECK(full.ok == static_cast<int>(checks));
    CHECK(full.last == count_line(checks));
    if (i >= 4) CHECK(run_tare(fmt::format("cancel --exhibit {}", i - 3)).out == run_tare(command).out);
    // The overview has the same conclusion: its first words.
    std::istringstream lines(run_tare(command).out);
    std::string line;
    while (!line.starts_with("---")) REQUIRE(std::getline(lines, line));
    std::getline(lines, line);
    CHECK(run_tare("cancel").out.find(line.substr(0, 30)) != std::string::npos);
  }
  CHECK(all == cancel("")["checks"].size());
}

TEST_CASE("cancel: a wider terminal has fewer lines, and every check on one") {
  const std::string narrow = run_tare("cancel --checks").out, wide = run_tare("cancel --checks", "COLUMNS=120").out;
  CHECK(std::ranges::count(wide, '\n') < std::ranges::count(narrow, '\n'));
  std::istringstream lines(wide);
  for (std::string line; std::getline(lines, line);) {
    CHECK_MESSAGE(line.size() <= 120, line);
    if (line.starts_with("  ok ")) CHECK_MESSAGE(line.find("= ", 60) != std::string::npos, line);
  }
}

TEST_CASE("cancel: an unknown exhibit is bad usage") {
  for (const char* word : {"0", "7", "bias", "Shift", "''"}) {
    INFO(word);
    const Outcome done = run_tare(fmt::format("cancel --exhibit {}", word));
    CHECK(done.exit_code == 2);
    CHECK(done.out.empty());
    CHECK(done.err.find("--exhibit: expected note-1, note-2, note-3, backward, shift,") != std::string::npos);
    CHECK(std::ranges::count(done.err, '\n') == 1);
  }
  CHECK(run_tare("cancel --exhibit bias").err.find("found \"bias\"") != std::string::npos);
}

}  // namespace
}  // namespace tare::testing
