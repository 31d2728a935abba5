// What tare compare says of its numbers: the answer, the table, the facts of the summary, the plots that fail.
#include "tests/apps/compare_testing.h"

#include <tare/apps/compare/student_t.h>
#include <tare/apps/compare/text_table.h>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using Fixture = CompareFixture;

std::size_t widest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, line.size());
  return widest;
}

}  // namespace

TEST_CASE("compare: Student's t is that of the tables") {
  for (const auto& row : std::map<int, double>{
           {1, 12.7062}, {2, 4.30265}, {3, 3.18245}, {4, 2.77645}, {9, 2.26216}, {29, 2.04523}, {999, 1.96234}}) {
    const int degrees = row.first;
    CAPTURE(degrees);
    CHECK(t_quantile_95(degrees) == doctest::Approx(row.second).epsilon(1e-5));
  }
}

TEST_CASE("compare: a table has as many columns as there is room for") {
  const std::vector<TextColumn> columns{{.head = "name", .cells = {"a long name of many words", "b"}},
                                        {.head = "must", .cells = {"1", "22"}, .importance = 100},
                                        {.head = "empty", .cells = {"-", ""}, .importance = 100},
                                        {.head = "may", .cells = {"333", "4"}, .importance = 10}};
  CHECK(text_table(columns, 80) ==
        "name                       must  may\n"
        "a long name of many words     1  333\n"
        "b                            22    4\n");
  CHECK(text_table(columns, 33) ==
        "name                       must\n"
        "a long name of many words     1\n"
        "b                            22\n");
  CHECK(text_table(columns, 20) ==
        "name            must\n"
        "a long name of     1\n"
        "many words\n"
        "b                 22\n");
}

TEST_CASE_FIXTURE(Fixture, "compare: the answer comes first and follows from the curves") {
  const Outcome done = compare("out", "--lrs 0.1 --seeds 3 --variant 'plain:--norm none' --variant 'batch:' ");
  REQUIRE(done.exit_code == 0);
  CHECK(done.out.starts_with("At learning rate 0.1, batch ends "));
  CHECK(widest_line(done.out) <= 80);
  CHECK(contains(done.out, "No run diverged."));

  std::map<std::string, std::vector<double>> last{{"plain", std::vector<double>(3)}, {"batch", std::vector<double>(3)}};
  for (const auto& r : read_csv(folder / "out" / "curves.csv", kCurvesHeader)) {
    last[r[0]][std::stoul(r[1]) - 1] = std::stod(r[7]);
  }
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < 3; ++i) mean += 100 * (last["batch"][i] - last["plain"][i]) / 3;
  for (std::size_t i = 0; i < 3; ++i) squares += std::pow(100 * (last["batch"][i] - last["plain"][i]) - mean, 2);
  const double half = 4.30265273 * std::sqrt(squares / 2) / std::sqrt(3);
  const json answer = summary("out")["answer"];
  REQUIRE(answer["differences"].size() == 1);
  const json d = answer["differences"][0];
  CHECK(d["variant"] == "batch");
  CHECK(d["against"] == "plain");
  CHECK(d["seeds"] == 3);
  CHECK(d["difference"].get<double>() == doctest::Approx(mean).epsilon(1e-9));
  CHECK(d["low"].get<double>() == doctest::Approx(mean - half).epsilon(1e-7));
  CHECK(d["high"].get<double>() == doctest::Approx(mean + half).epsilon(1e-7));
  const std::string first = answer["sentences"][0].get<std::string>();
  CHECK(contains(first, fmt::format("{:.2f} percentage points", std::abs(mean))));
}

TEST_CASE_FIXTURE(Fixture, "compare: the answer about the bias is one sentence over all learning rates") {
  REQUIRE(compare("out", "--lrs 0.1,0.01 --seeds 2").exit_code == 0);
  const json answer = summary("out")["answer"];
  int about_the_bias = 0, differences = 0;
  for (const json& s : answer["sentences"])
    about_the_bias += contains(s.get<std::string>(), "Dropping it saves 20 parameters");
  for (const json& d : answer["differences"]) differences += d["bias_only"].get<bool>();
  CHECK(about_the_bias == 1);
  CHECK(differences == 2);
  CHECK(answer["differences"].size() == 6);  // at either rate: two variants against the first, and the pair of the bias
}

TEST_CASE_FIXTURE(Fixture, "compare: a single seed has no deviation and no interval") {
  const Outcome done = compare("out", "--lrs 0.1 --seeds 1");
  REQUIRE(done.exit_code == 0);
  for (const char* word : {" +- ", " 0.00 %"}) CHECK_FALSE(contains(done.out, word));
  CHECK(contains(done.out, "1 seed: no interval"));
  CHECK_FALSE(contains(read_file(folder / "out" / "report.html"), "± 0.00"));
  CHECK_FALSE(contains(read_file(folder / "out" / "report.html"), "±\u00a00.00"));
  const json s = summary("out");
  CHECK(s["cases"][0]["test_accuracy"]["deviation"].is_null());
  CHECK(s["answer"]["differences"][0]["low"].is_null());
  CHECK(s["answer"]["differences"][0]["high"].is_null());
  CHECK(s["answer"]["differences"][0]["difference"].is_number());
}

TEST_CASE_FIXTURE(Fixture, "compare: who diverged is named, and a mean over the others is called one") {
  const Outcome done = compare("out", "--lrs 0.1,1e30 --seeds 2 --variant 'plain:--norm none' --variant 'batch:'");
  REQUIRE(done.exit_code == 0);
  CHECK(contains(done.out, "2 of 2 runs of plain at learning rate 1e+30"));
  const json plain = summary("out")["cases"][1];
  REQUIRE(plain["variant"] == "plain");
  REQUIRE(plain["diverged_runs"].size() == 2);
  CHECK(plain["diverged_runs"][1]["seed"] == 2);
  CHECK(plain["diverged_runs"][1]["step"].get<int>() >= 1);

  // A seed's run that has diverged, put in the place of one that has not.
  for (const char* seed : {"1", "2"}) {
    const fs::path run = folder / "out" / "runs" / (std::string("plain_lr0.1_seed") + seed + ".json");
    json contents = json::parse(read_file(run));
    if (*seed == '1') continue;
    contents["run"]["diverged"] = true;
    write_file(run, contents.dump());
  }
  const Outcome again = compare("out", "--lrs 0.1,1e30 --seeds 2 --variant 'plain:--norm none' --variant 'batch:'");
  REQUIRE(again.exit_code == 0);
  CHECK(contains(again.out, "mean of the 1 of 2 seeds that did not diverge"));
  CHECK(summary("out")["cases"][0]["accuracy_of"] == "1 of 2 seeds that did not diverge");
  if (has_gnuplot()) {
    CHECK(contains(read_file(folder / "out" / "curves-learning-rate-0.1.svg"), "plain, seed 2"));
  }
}

TEST_CASE_FIXTURE(Fixture, "compare: what is missing is said wherever seeds are counted") {
  const std::string words = "--lrs 0.1 --seeds 2 --variant quick:--steps=20 --variant slow:--steps=2000000 --threads 2";
  Process process(folder.path(), command("stopped", words));
  process.wait_for("stopped/runs/quick_lr0.1_seed1.json");
  process.signal(SIGINT);
  const Outcome stopped = process.wait();
  REQUIRE(stopped.exit_code == 130);
  CHECK(stopped.out.starts_with("Unfinished: "));
  const json s = summary("stopped");
  CHECK(s["runs_wanted"] == 4);
  CHECK(s["missing"].size() == 4 - s["runs_finished"].get<std::size_t>());
  CHECK(std::ranges::count(s["missing"], json("slow, learning rate 0.1, seed 2")) == 1);
}

TEST_CASE_FIXTURE(Fixture, "compare: the summary says of what and by what it was made") {
  REQUIRE(compare("out", "--lrs 0.1 --seeds 2 --variant a: --threads 2").exit_code == 0);
  const json s = summary("out");
  CHECK(s["data_folder"] == "data");
  CHECK(s["training_samples"] == 330);
  CHECK(s["test_samples"] == 100);
  CHECK(s["data_digest"].get<std::string>().starts_with("330 x 8 x 8, "));
  CHECK(s["machine"]["threads"] == 2);
  CHECK_FALSE(s["machine"]["processor"].get<std::string>().empty());
  CHECK(s["missing"].empty());
  const Outcome found = run_tare(
      "compare --seeds 1 --lrs 0.1 --steps 2 --variant a: --quiet --json --out '" + (folder / "auto").string() + "'",
      "cd '" + folder.path().string() + "' && TARE_DATA=");
  REQUIRE(found.exit_code == 0);
  CHECK(json::parse(found.out)["data"] == "digits");
}

TEST_CASE_FIXTURE(Fixture, "compare: --dry-run tells the plan and writes nothing") {
  const std::string words = "--lrs 0.1,0.01 --seeds 3 --variant 'plain:--norm none' --variant 'batch:'";
  const Outcome plan = compare("out", words + " --dry-run");
  CHECK(plan.exit_code == 0);
  CHECK(contains(plan.out, "12 runs, 0 of them done already. The other 12 take about"));
  CHECK_FALSE(fs::exists(folder / "out"));
  REQUIRE(compare("out", "--lrs 0.1 --seeds 2 --variant 'plain:--norm none'").exit_code == 0);
  const auto before = fs::last_write_time(folder / "out" / "comparison.json");
  const Outcome rest = compare("out", words + " --dry-run --json");
  REQUIRE(rest.exit_code == 0);
  const json found = json::parse(rest.out);
  CHECK(found["runs"] == 12);
  CHECK(found["done"] == 2);
  CHECK(found["seconds"].get<double>() > 0);
  CHECK(found["cases"].size() == 4);
  CHECK(found["cases"][0]["steps"] == 30);
  CHECK(fs::last_write_time(folder / "out" / "comparison.json") == before);
  CHECK(std::distance(fs::directory_iterator(folder / "out" / "runs"), {}) == 2);
}

TEST_CASE_FIXTURE(Fixture, "compare: no result is lost to a plot") {
  if (!has_gnuplot()) {
    MESSAGE("skipped: gnuplot is not installed");
    return;
  }
  const std::string words = "--lrs 0.1 --seeds 2 --variant 'my_run_x:--bias keep' --variant batch:";
  // Neither the user's settings of gnuplot nor a folder for temporary files have a say, and "_" is no subscript.
  fs::create_directories(folder / "home");
  write_file(folder / "home" / ".gnuplot", "set output 'x.png'\nset datafile separator ','\nset terminal qt\n");
  REQUIRE(compare("out", words, "TMPDIR=/proc HOME='" + (folder / "home").string() + "'").exit_code == 0);
  const std::string curves = read_file(folder / "out" / "curves-learning-rate-0.1.svg");
  CHECK(contains(curves, "</svg>"));
  CHECK(contains(curves, "my_run_x"));
  CHECK_FALSE(contains(curves, "dy=\""));

  // One plot fails.
  fs::create_directories(folder / "bin");
  write_file(folder / "bin" / "gnuplot",
             "#!/bin/sh\nscript=$(cat)\ncase $script in *'percentage points'*) echo broken >&2; exit 1;; esac\n"
             "PATH=${PATH#*:}\nprintf '%s\\n' \"$script\" | gnuplot \"$@\"\n");
  fs::permissions(folder / "bin" / "gnuplot", fs::perms::owner_all);
  const Outcome done = compare("broken", words, "PATH='" + (folder / "bin").string() + "':\"$PATH\"");
  CHECK(done.exit_code == 0);
  CHECK(contains(done.err, "bias-learning-rate-0.1.svg: not drawn: gnuplot failed: broken"));
  CHECK_FALSE(fs::exists(folder / "broken" / "bias-learning-rate-0.1.svg"));
  CHECK(contains(read_file(folder / "broken" / "curves-learning-rate-0.1.svg"), "</svg>"));
  CHECK(fs::exists(folder / "broken" / "report.html"));
}

}  // namespace tare::testing
