// `tare cancel`: every equation of the notes has its check, all hold in both precisions, and the text fits a page.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <set>
#include <sstream>
#include <string>

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
}

TEST_CASE("cancel: the text is the same from run to run, fits in 100 columns and counts its checks") {
  for (const char* precision : {"double", "float"}) {
    const std::string command = fmt::format("cancel --precision {}", precision);
    const Outcome done = run_tare(command);
    CHECK(done.exit_code == 0);
    CHECK(done.err.empty());
    CHECK(done.out == run_tare(command).out);
    CHECK(done.out.find("FAILS") == std::string::npos);
    std::istringstream lines(done.out);
    std::string last;
    int checks = 0, exhibits = 0;
    for (std::string line; std::getline(lines, line); last = line) {
      CHECK_MESSAGE(line.size() <= 100, line);
      checks += line.starts_with("  ok ");
      exhibits += line.starts_with("Exhibit ");
    }
    CHECK(exhibits == 6);
    CHECK(last == fmt::format("{0} of {0} checks hold", checks));
  }
}

}  // namespace
}  // namespace tare::testing
