// tare compare from end to end, on a small set that the test writes.
#include "tests/apps/compare_testing.h"
#include "tests/apps/log_header.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Fixture : CompareFixture {
  Fixture() { small += "--seeds 3 "; }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "compare: the default variants, and a curve for every run") {
  const Outcome done = compare("out", "--lrs 0.1,0.01");
  REQUIRE(done.exit_code == 0);
  const auto rows = read_csv(folder / "out" / "curves.csv", kCurvesHeader);
  REQUIRE(rows.size() == 3 * 2 * 3 * 7);  // variants, rates, seeds; steps 7, 10, 14, 20, 21, 28, 30
  CHECK(rows[0][0] == "no BatchNorm");
  CHECK(rows[0][1] == "1");
  CHECK(rows[0][2] == "0.01");
  CHECK(rows[0][3] == "7");
  CHECK(rows.back()[0] == "BatchNorm");
  CHECK(rows.back()[1] == "3");
  CHECK(rows.back()[3] == "30");
  const json cases = summary("out")["cases"];
  REQUIRE(cases.size() == 6);
  // 64-12-8-10 with biases; with BatchNorm and biases; with BatchNorm alone.
  CHECK(cases[0]["parameters"] == 64 * 12 + 12 + 12 * 8 + 8 + 8 * 10 + 10);
  CHECK(cases[2]["parameters"] == cases[0]["parameters"].get<int>() + 40);
  CHECK(cases[4]["parameters"] == cases[0]["parameters"].get<int>() + 20);
  for (const char* word : {"test accuracy", "BatchNorm + bias", "Nothing here was"}) CHECK(contains(done.out, word));
}

TEST_CASE_FIXTURE(Fixture, "compare: a run is what tare train makes of the same options") {
  REQUIRE(compare("out", "--lrs 0.1 --variant 'a:norm=layer activation=tanh' --variant 'b:--optimizer adam --lr 0.02'")
              .exit_code == 0);
  const auto rows = read_csv(folder / "out" / "curves.csv", kCurvesHeader);
  REQUIRE(rows.size() == 2 * 3 * 7);
  const std::map<std::string, std::string> words{{"a", "--lr 0.1 --norm layer --activation tanh"},
                                                 {"b", "--optimizer adam --lr 0.02"}};
  for (const auto& [name, options] : words) {
    const std::string log = (folder / (name + ".csv")).string();
    REQUIRE(run_tare("train --quiet --data '" + data +
                     "' --hidden 12,8 --batch 32 --steps 30 --eval-every 7 --log-every 7 " + "--seed 2 --log '" + log +
                     "' " + options)
                .exit_code == 0);
    std::vector<std::vector<std::string>> expected, found;
    for (const auto& r : read_csv(log, kLogHeader)) {
      expected.push_back({r[0], r[1], r[2], r[3], r[4], r[5]});
    }
    for (const auto& r : rows) {
      if (r[0] == name && r[1] == "2") found.push_back({r[3], r[4], r[2], r[5], r[6], r[7]});
    }
    CHECK(found == expected);
  }
}

TEST_CASE_FIXTURE(Fixture, "compare: the same bytes again, with other threads, and interrupted and continued") {
  REQUIRE(compare("once", "--lrs 0.1 --threads 1").exit_code == 0);
  const std::string csv = read_file(folder / "once" / "curves.csv");
  REQUIRE(compare("threads", "--lrs 0.1 --threads 3").exit_code == 0);
  CHECK(read_file(folder / "threads" / "curves.csv") == csv);

  // As after a power failure: some runs are there, the files that are made of them are not.
  fs::create_directories(folder / "part");
  fs::copy(folder / "once" / "runs", folder / "part" / "runs", fs::copy_options::recursive);
  int kept = 0;
  for (const auto& file : fs::directory_iterator(folder / "part" / "runs")) {
    if (++kept % 2 == 0) fs::remove(file.path());
  }
  const Outcome continued = compare("part", "--lrs 0.1");
  CHECK(continued.exit_code == 0);
  CHECK(contains(continued.err, "5 are done already"));
  CHECK(read_file(folder / "part" / "curves.csv") == csv);
}

TEST_CASE_FIXTURE(Fixture, "compare: a signal keeps what is finished") {
  const std::string words = "--lrs 0.1 --variant quick:--steps=20 --variant slow:--steps=2000000 --threads 2";
  Process process(folder.path(), command("stopped", words));
  process.wait_for("stopped/runs/quick_lr0.1_seed1.json");
  process.signal(SIGINT);
  const Outcome stopped = process.wait();
  CHECK(stopped.exit_code == 130);
  CHECK(contains(stopped.err, "Stopped by signal 2"));
  const auto rows = read_csv(folder / "stopped" / "curves.csv", kCurvesHeader);
  REQUIRE(!rows.empty());
  for (const auto& row : rows) CHECK(row[0] == "quick");
  CHECK(summary("stopped")["cases"][0]["finished"].get<int>() >= 1);
  CHECK(contains(read_file(folder / "stopped" / "report.html"), "are finished"));
}

TEST_CASE_FIXTURE(Fixture, "compare: that all runs diverge at once is a result") {
  const Outcome done = compare("out", "--lrs 1e30");
  CHECK(done.exit_code == 0);
  CHECK(contains(read_file(folder / "out" / "report.html"), "diverged"));
}

TEST_CASE_FIXTURE(Fixture, "compare: the summary follows from the curves") {
  REQUIRE(compare("out", "--lrs 0.1 --variant 'only:--norm batch' --steps 200").exit_code == 0);
  std::vector<double> last(3), to_95(3, 0);
  for (const auto& r : read_csv(folder / "out" / "curves.csv", kCurvesHeader)) {
    const std::size_t seed = std::stoul(r[1]) - 1;
    last[seed] = std::stod(r[7]);
    if (last[seed] >= 0.95 && to_95[seed] == 0) to_95[seed] = std::stod(r[3]);
  }
  const json only = summary("out")["cases"][0];
  const double mean = (last[0] + last[1] + last[2]) / 3;
  double squares = 0;
  for (double x : last) squares += (x - mean) * (x - mean);
  CHECK(only["test_accuracy"]["mean"].get<double>() == doctest::Approx(mean).epsilon(1e-12));
  CHECK(only["test_accuracy"]["deviation"].get<double>() == doctest::Approx(std::sqrt(squares / 2)).epsilon(1e-12));
  std::ranges::sort(to_95);
  REQUIRE(to_95[0] > 0);
  CHECK(only["steps_to"]["0.95"]["median"] == to_95[1]);
  CHECK(only["steps_to"]["0.95"]["low"] == to_95[0]);
  CHECK(only["steps_to"]["0.95"]["high"] == to_95[2]);
}

TEST_CASE_FIXTURE(Fixture, "compare: the evidence about the bias") {
  REQUIRE(compare("out", "--lrs 0.01 --precision double").exit_code == 0);
  const json bias = summary("out")["bias"];
  REQUIRE(bias.size() == 1);
  CHECK(bias[0]["with"] == "BatchNorm + bias");
  CHECK(bias[0]["without"] == "BatchNorm");
  CHECK(bias[0]["parameters_saved"] == 20);
  CHECK(bias[0]["largest_bias_gradient"].get<double>() > 0);
  CHECK(bias[0]["largest_bias_gradient"].get<double>() < 1e-13 * bias[0]["largest_beta_gradient"].get<double>() * 100);
  CHECK(bias[0]["largest_difference_of_a_seed"] == 0);  // rounding in double does not move one test image here
}

TEST_CASE_FIXTURE(Fixture, "compare: a diverged run is a result") {
  const Outcome done = compare("out", "--lrs 1e30 --variant 'plain:--norm none'");
  CHECK(done.exit_code == 0);
  CHECK(contains(done.out, "3 of 3 diverged"));
  const json plain = summary("out")["cases"][0];
  CHECK(plain["diverged"] == 3);
  CHECK(plain["test_accuracy"]["count"] == 0);
  const auto rows = read_csv(folder / "out" / "curves.csv", kCurvesHeader);
  const std::string csv = read_file(folder / "out" / "curves.csv");
  REQUIRE(!rows.empty());
  CHECK(rows.back()[7].empty());
  CHECK(compare("out", "--lrs 1e30 --variant 'plain:--norm none'").exit_code == 0);  // and can be read again
  CHECK(read_file(folder / "out" / "curves.csv") == csv);
}

TEST_CASE_FIXTURE(Fixture, "compare: the plots are in files and in the page, which needs nothing else") {
  REQUIRE(compare("out", "--lrs 0.1,0.01 --steps 60").exit_code == 0);
  const std::string page = read_file(folder / "out" / "report.html");
  CHECK(contains(page, "tare compare --data"));
  for (const char* outside : {"src=\"/", "src=\"h", "href=\"/", "href=\"h", "@import", "sourceMapping"}) {
    CHECK_FALSE(contains(page, outside));
  }
  if (!has_gnuplot()) {
    MESSAGE("skipped: gnuplot is not installed");
    return;
  }
  for (const char* name :
       {"curves-learning-rate-0.1", "accuracy", "bias-learning-rate-0.01", "inputs-no-BatchNorm--learning-rate-0.1"}) {
    CHECK(contains(read_file(folder / "out" / (std::string(name) + ".svg")), "</svg>"));
  }
  std::size_t plots = 0;
  for (std::size_t at = 0; (at = page.find("<img src=\"data:image/svg+xml,", at)) != page.npos; ++at) ++plots;
  CHECK(plots >= 2 + 1 + 6 + 2);
}

TEST_CASE_FIXTURE(Fixture, "compare: a name in the page is text, whatever it contains") {
  const fs::path odd = folder / "a<b>&{{title}}";
  fs::rename(folder / "data", odd);
  data = odd.string();
  REQUIRE(compare("out", "--lrs 0.1 --seeds 1").exit_code == 0);
  const std::string page = read_file(folder / "out" / "report.html");
  CHECK(contains(page, "a&lt;b&gt;&amp;{{title}}"));
  CHECK(contains(page, "a\\u003cb>&{{title}}"));  // in what the scripts read
  CHECK_FALSE(contains(page, "a<b>"));
}

TEST_CASE_FIXTURE(Fixture, "compare: without gnuplot everything else is written") {
  const Outcome done = compare("out", "--lrs 0.1", "PATH='" + folder.path().string() + "'");
  CHECK(done.exit_code == 0);
  CHECK(contains(done.err, "gnuplot is missing"));
  CHECK(read_csv(folder / "out" / "curves.csv", kCurvesHeader).size() == 3 * 3 * 7);
  CHECK(contains(read_file(folder / "out" / "report.html"), "no plots"));
  CHECK(contains(done.out, "BatchNorm + bias"));
}

TEST_CASE_FIXTURE(Fixture, "compare: bad usage is told before anything runs") {
  const auto fails = [&](int code, const std::string& words, const std::string& message) {
    const Outcome failed = compare("bad", words);
    CAPTURE(words);
    CHECK(failed.exit_code == code);
    CHECK(contains(failed.err, message));
    CHECK(std::ranges::count(failed.err, '\n') == 1);
    CHECK_FALSE(fs::exists(folder / "bad" / "curves.csv"));
  };
  fails(2, "--variant nothing,:--norm=none", "--variant");
  fails(2, "--variant a:--norm=none --variant a:--norm=batch", "twice");
  fails(2, "--variant 'a:--norm sideways'", "--variant a: --norm");
  fails(2, "--variant 'a:--data elsewhere'", "--variant a");
  fails(2, "--variant 'a:--batch 1'", "--variant a: --batch");
  fails(2, "--variant 'a:--optimizer adam --momentum 0.5'", "--momentum");
  fails(2, "--lrs 0.1,,1", "--lrs");
  fails(2, "--lrs ''", "--lrs");
  fails(2, "--seeds 0", "--seeds");
  fails(2, "--experiment alchemy", "ioffe-szegedy");
  fails(1, "--batch 1000", "--batch");
  const Outcome nowhere = run_tare("compare --data '" + data + "'");
  CHECK(nowhere.exit_code == 2);
  CHECK(contains(nowhere.err, "--out"));
  write_file(folder / "file", "");
  CHECK(compare("file", "").exit_code == 1);
}

TEST_CASE_FIXTURE(Fixture, "compare: a folder of other runs is left alone") {
  REQUIRE(compare("out", "--lrs 0.1 --variant a:--norm=none").exit_code == 0);
  const std::string csv = read_file(folder / "out" / "curves.csv");
  const Outcome other = compare("out", "--lrs 0.1 --variant a:--norm=none --weight-decay 0.1");
  CHECK(other.exit_code == 1);
  CHECK(contains(other.err, "--weight-decay"));
  CHECK(read_file(folder / "out" / "curves.csv") == csv);
  for (const auto& file : fs::directory_iterator(folder / "out" / "runs")) write_file(file.path(), "{\"origin\":3");
  CHECK(compare("out", "--lrs 0.1 --variant a:--norm=none").exit_code == 1);
}

TEST_CASE_FIXTURE(Fixture, "compare: the experiments run, and options take the place of theirs") {
  for (const char* name : {"ioffe-szegedy", "depth", "init-scale", "layer-norm"}) {
    CAPTURE(name);
    const std::string words = std::string("--experiment ") + name + " --batch 32 --steps 6 --eval-every 3 --seeds 1";
    small.clear();
    CHECK(compare(name, words).exit_code == 0);
  }
  const json paper = summary("ioffe-szegedy")["cases"][1]["options"];
  CHECK(paper["--hidden"] == "100,100,100");
  CHECK(paper["--activation"] == "sigmoid");
  CHECK(paper["--pixels"] == "binary");
  CHECK(paper["--steps"] == "6");
  CHECK(summary("depth")["cases"].size() == 10);
}

}  // namespace tare::testing
