// The experiments that put a paper's predictions beside measurements, small, from end to end.
#include "tests/apps/program_testing.h"
#include "tests/datasets/file_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Fixture {
  Fixture() { write_digits(folder / "data"); }

  // What --json prints, which must be what summary.json holds.
  json experiment(const std::string& name, const std::string& words, const std::string& out = "out",
                  const std::string& before = "") {
    const Outcome done = run_tare("compare --json --experiment " + name + " --data '" + (folder / "data").string() +
                                      "' --out '" + (folder / out).string() + "' --seeds 2 " + words,
                                  before);
    CAPTURE(name);
    CAPTURE(done.err);
    REQUIRE(done.exit_code == 0);
    const json printed = json::parse(done.out);
    CHECK(printed == json::parse(read_file(folder / out / "summary.json")));
    return printed;
  }

  TemporaryFolder folder;
};

double measured(const json& summary, const std::string& claim) {
  for (const json& c : summary["claims"]) {
    if (c["claim"].get<std::string>().find(claim) != std::string::npos) return c["measured"].get<double>();
  }
  FAIL("no claim with: " << claim);
  return 0;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "experiments: claims have a prediction, a measurement, an interval and the verdict of these") {
  const json summary = experiment("gradient-explosion", "--hidden 64,64,64,64,64,64,64,64 --batch 64");
  REQUIRE(summary["claims"].size() == 5);
  std::set<std::string> keys;
  for (const json& c : summary["claims"]) {
    keys.clear();
    for (const auto& [key, value] : c.items()) keys.insert(key);
    CHECK(keys == std::set<std::string>{"agrees", "claim", "high", "low", "measured", "predicted", "source"});
    const double x = c["measured"].get<double>(), low = c["low"].get<double>(), high = c["high"].get<double>();
    CHECK(c["agrees"] == (x >= low && x <= high));
    CHECK(low <= c["predicted"].get<double>());
    CHECK(c["predicted"].get<double>() <= high);
  }
  // sqrt(pi / (pi - 1)), which a network of this size misses by a little.
  CHECK(summary["claims"][0]["predicted"].get<double>() ==
        doctest::Approx(std::sqrt(std::numbers::pi / (std::numbers::pi - 1))));
  CHECK(measured(summary, "ReLU + BatchNorm") == doctest::Approx(1.2112).epsilon(0.05));
  CHECK(fs::exists(folder / "out" / "measured.csv"));
}

TEST_CASE_FIXTURE(Fixture, "experiments: the scale of weights before BatchNorm cancels, and eps spoils it") {
  const std::string words =
      "--hidden 12,8 --batch 32 --steps 20 --eval-every 20 "
      "--variant 'as they are:' --variant 'decay 0.005:--weight-decay 0.005 --momentum 0.9 --decay weights' ";
  // Variants of one's own have no settings, so nothing is claimed of their losses.
  const json own = experiment("effective-lr", words, "own");
  for (const json& c : own["claims"]) CHECK(c["claim"].get<std::string>().find("losses") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture,
                  "experiments: what cannot be measured is NaN without a sign, null in JSON, and no agreement") {
  // Without BatchNorm there is no row before it whose angle could be taken: 0 / 0.
  const json summary = experiment("effective-lr",
                                  "--hidden 8 --batch 32 --steps 4 --eval-every 4 "
                                  "--variant 'decay 0.005:--norm none --weight-decay 0.005 --momentum 0.9'");
  REQUIRE(summary["claims"].size() == 1);
  CHECK(summary["claims"][0]["measured"].is_null());
  CHECK(summary["claims"][0]["agrees"] == false);
  CHECK(read_file(folder / "out" / "measured.csv").find(",angle,0,nan\n") != std::string::npos);
  for (const auto& run : fs::directory_iterator(folder / "out" / "runs")) {
    CHECK(read_file(run.path()).find("-nan") == std::string::npos);
  }
}

TEST_CASE_FIXTURE(Fixture, "experiments: the same files, whether in one go or two, and for any number of threads") {
  const std::string words =
      "--hidden 16,16 --batch 32 --steps 12 --eval-every 6 --layers --variant 'dropout 0.5:--dropout 0.5' "
      "--variant 'none:--dropout 0.5 --norm none' ";
  experiment("dropout-shift", words + "--threads 1", "a");
  experiment("dropout-shift", words + "--threads 1 --seeds 1", "b");
  experiment("dropout-shift", words + "--threads 3", "b");
  for (const char* file : {"curves.csv", "measured.csv", "layers.csv"}) {
    CHECK(read_file(folder / "a" / file) == read_file(folder / "b" / file));
  }
  const std::string layers = read_file(folder / "a" / "layers.csv");
  CHECK(
      layers.starts_with("variant,seed,lr,step,layer,description,output_mean,output_rms,gradient_rms,"
                         "saturated_share,weight_norm,weight_gradient_norm,update_ratio,angle\n"));
  // 2 seeds, 3 evaluations (steps 6, 10 and 12); 9 layers with BatchNorm, 7 without.
  CHECK(std::ranges::count(layers, '\n') == 1 + 2 * 3 * (9 + 7));
}

TEST_CASE_FIXTURE(Fixture, "experiments: variances behind dropout are as predicted, also in a small network") {
  const json summary = experiment("dropout-shift", "--hidden 64,64 --batch 64 --steps 10 --eval-every 10");
  for (const char* p : {"0.1", "0.3", "0.5", "0.7"}) {
    CHECK(measured(summary, std::string("what weights and activations predict, dropout ") + p) ==
          doctest::Approx(1).epsilon(0.1));
  }
}

TEST_CASE_FIXTURE(Fixture, "experiments: landscape, noise, depth and parts run") {
  const json landscape = experiment("landscape", "--batch 32 --steps 3 --eval-every 3 --seeds 1", "landscape");
  CHECK(landscape["claims"].size() == 10);
  const std::string no_gnuplot = "PATH='" + folder.path().string() + "'";  // many plots take most of the time
  const auto run = [&](const char* name, const std::string& words) {
    return experiment(name, "--batch 32 --eval-every 2 --seeds 1 " + words, name, no_gnuplot);
  };
  CHECK(run("noise", "--hidden 16 --steps 4")["claims"].size() >= 3);
  CHECK(run("parts", "--hidden 16 --steps 2 --lrs 0.1")["cases"].size() == 6);
  CHECK(run("residual-depth", "--steps 1")["claims"].size() == 4);
}

}  // namespace tare::testing
