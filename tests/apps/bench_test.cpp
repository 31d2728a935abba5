// tare bench: what it trains and how it reduces its times. How long it takes is no test.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tare::testing {
namespace {

using nlohmann::json;

json bench(const std::string& words) {
  const Outcome done = run_tare("bench --json --quiet " + words);
  REQUIRE_MESSAGE(done.exit_code == 0, done.err);
  CHECK(done.err.empty());
  return json::parse(done.out);
}

TEST_CASE("bench trains what train trains, without evaluating") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  write_digits(data);
  struct Case {
    const char *work, *train;
  };
  for (const Case& c :
       {Case{"W1", "--hidden 256,128 --batch 128"}, Case{"W2", "--hidden 256,128 --batch 128 --norm none"},
        Case{"W3", "--hidden 32 --batch 16"}, Case{"W4", "--hidden 1024,1024,1024 --batch 256"}}) {
    const std::string work = c.work;
    CAPTURE(work);
    const Outcome trained = run_tare(fmt::format("train --json --data '{}' --epochs 2 {}", data, c.train));
    REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
    const json expected = json::parse(trained.out);
    const json timed = bench(fmt::format("--data '{}' --work {} --epochs 2", data, work));
    CHECK(timed["work"] == work);
    CHECK(timed["epochs"] == 2);
    CHECK(timed["train_loss"] == expected["train_loss"]);
    CHECK(2 * timed["steps_per_epoch"].get<int>() == expected["steps"].get<int>());
  }
}

TEST_CASE("bench reports the median of the epochs after the first, or the only one") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  write_digits(data);
  for (const int epochs : {1, 2, 4, 5}) {
    CAPTURE(epochs);
    const json timed = bench(fmt::format("--data '{}' --work W3 --threads 1 --epochs {}", data, epochs));
    CHECK(timed["threads"] == 1);
    auto seconds = timed["epoch_seconds"].get<std::vector<double>>();
    REQUIRE(seconds.size() == static_cast<std::size_t>(epochs));
    for (const double s : seconds) CHECK(s > 0);
    if (epochs > 1) seconds.erase(seconds.begin());
    std::sort(seconds.begin(), seconds.end());
    const double low = seconds[(seconds.size() - 1) / 2], high = seconds[seconds.size() / 2];
    CHECK(timed["seconds_per_epoch"].get<double>() == doctest::Approx((low + high) / 2).epsilon(1e-9));
    const double samples = 20 * 16;
    CHECK(timed["samples_per_second"].get<double>() ==
          doctest::Approx(samples / timed["seconds_per_epoch"].get<double>()).epsilon(1e-9));
  }
  const Outcome text = run_tare(fmt::format("bench --data '{}' --work W3 --threads 2", data));
  CHECK(text.exit_code == 0);
  CHECK(text.out.find("W3 with 2 threads") == 0);
  CHECK(text.err.find("epoch 5/5") != std::string::npos);
}

TEST_CASE("bench refuses what it cannot time") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  write_digits(data);
  for (const char* words : {"--work W5", "--work w1", "--epochs 0", "--threads 0", "--hidden 5"}) {
    CAPTURE(words);
    CHECK(run_tare(fmt::format("bench --data '{}' {}", data, words)).exit_code == 2);
  }
  CHECK(run_tare("bench --data nowhere").exit_code == 1);
}

}  // namespace
}  // namespace tare::testing
