// The commands that show how things work: gradcheck, tape, fold, and the search for anomalies.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_CASE("gradcheck finds every derivative right but the diagonal one [BN-7] [BN-8] [BN-9] [BN-10]") {
  const Outcome run = run_tare("gradcheck --json");
  REQUIRE_MESSAGE(run.exit_code == 0, run.err);
  int wrong = 0, right = 0;
  const json result = json::parse(run.out);
  for (const json& op : result["ops"]) {
    CAPTURE(op["op"].get<std::string>());
    CHECK(op["ok"] == true);
    if (op["expected_failure"] == true) {
      ++wrong;
      CHECK(op["op"] == "batch_norm_diagonal_gradient");
      CHECK(op["rel_error"] > 0.1);
    } else {
      ++right;
      CHECK(op["rel_error"] <= 1e-6);
      CHECK(op["abs_error"] < 1e-5);
    }
  }
  CHECK(wrong == 1);
  CHECK(right > 35);
  CHECK(contains(run_tare("gradcheck").out, "wrong, as expected"));
}

TEST_CASE("tape shows the cancelled bias receive zero [BIAS-2]") {
  const Outcome table = run_tare("tape");
  CHECK(table.exit_code == 0);
  const std::size_t line = table.out.find("\n0.bias");
  REQUIRE(line != std::string::npos);
  CHECK(contains(table.out.substr(line, table.out.find('\n', line + 1) - line), "zero, to rounding"));
  CHECK_FALSE(contains(run_tare("tape --norm none").out, "zero, to rounding"));
  CHECK_FALSE(contains(run_tare("tape --norm layer").out, "zero, to rounding"));
  CHECK_FALSE(contains(run_tare("tape --bias auto").out, "0.bias"));
  CHECK(contains(run_tare("tape --batchnorm composed").out, "rsqrt"));

  const std::string graph = run_tare("tape --dot").out;
  CHECK(graph.starts_with("digraph"));
  CHECK(contains(graph, "batch_norm (layer 1)"));
  CHECK(contains(graph, "style=bold"));
  CHECK(run_tare("tape --batch 1").exit_code == 2);
  CHECK(run_tare("tape --hidden 0").exit_code == 2);
}

struct Fixture {
  TemporaryFolder folder;
  std::string data = path("data");
  std::string train = fmt::format("train --data '{}' --hidden 16,8 --batch 32 --epochs 4 --quiet", data);

  Fixture() { write_digits(data); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  json score(const std::string& model) const {
    return json::parse(run_tare(fmt::format("eval '{}' --data '{}' --json --quiet", model, data)).out);
  }
};

TEST_CASE_FIXTURE(Fixture, "folding and dropping biases keep what the model does [FOLD-1] [FOLD-2] [BIAS-3]") {
  for (const char* precision : {"float", "double"}) {
    for (const char* bias : {"keep", "auto"}) {
      CAPTURE(bias);
      const std::string model = path("model"), folded = path("folded"), dropped = path("dropped");
      REQUIRE(
          run_tare(fmt::format("{} --bias {} --precision {} --save '{}'", train, bias, precision, model)).exit_code ==
          0);
      REQUIRE(run_tare(fmt::format("fold '{}' '{}'", model, folded)).exit_code == 0);
      const json before = score(model), after = score(folded);
      CHECK(after["test_accuracy"] == before["test_accuracy"]);
      CHECK(after["test_loss"].get<double>() == doctest::Approx(before["test_loss"].get<double>()).epsilon(1e-5));
      CHECK_FALSE(contains(read_file(folded), "running_mean"));

      const Outcome drop = run_tare(fmt::format("fold --drop-bias '{}' '{}'", model, dropped));
      if (std::string(bias) == "keep") {
        CHECK(drop.exit_code == 0);
        CHECK_FALSE(contains(read_file(dropped), "\"0.bias\""));
        CHECK(score(dropped)["test_accuracy"] == before["test_accuracy"]);
      } else {
        CHECK(drop.exit_code == 1);
        CHECK(contains(drop.err, "found none"));
      }
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "what cannot be folded is an error, and nothing is written") {
  const std::string model = path("model"), out = path("out");
  REQUIRE(run_tare(fmt::format("{} --norm layer --save '{}'", train, model)).exit_code == 0);
  const Outcome run = run_tare(fmt::format("fold '{}' '{}'", model, out));
  CHECK(run.exit_code == 1);
  CHECK(contains(run.err, "found none"));
  CHECK_FALSE(fs::exists(out));
  CHECK(run_tare(fmt::format("fold '{}/none' '{}'", data, out)).exit_code == 1);
  CHECK(run_tare(fmt::format("fold '{}'", model)).exit_code == 2);
}

TEST_CASE_FIXTURE(Fixture, "detect-anomaly names op, layer and step") {
  const std::string diverging = train + " --norm none --lr 1e30";
  const Outcome plain = run_tare(diverging), detected = run_tare(diverging + " --detect-anomaly");
  CHECK(plain.exit_code == 3);
  CHECK(detected.exit_code == 3);
  CHECK(contains(detected.err, "is not finite in step"));
  CHECK(contains(detected.err, "(layer "));
  CHECK(run_tare(train + " --detect-anomaly").exit_code == 0);
}

}  // namespace
}  // namespace tare::testing
