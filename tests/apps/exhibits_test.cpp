// The commands that show how things work: gradcheck, tape, fold, and the search for anomalies.
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

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

TEST_CASE("tape shows as many rows as asked for, with which a column's mean can be checked") {
  // The rows of value 3, the result of the first Linear, and the one of value 6, its mean.
  const std::string out = run_tare("tape --hidden 1 --batch 4 --batchnorm composed --rows 9", "COLUMNS=120").out;
  const std::vector<std::string> lines = lines_of(out.substr(out.find("\n # op") + 1));
  const std::size_t value = lines[0].find("value");
  std::vector<double> z;
  double mean = 0;
  std::string op;
  for (const std::string& line : lines) {
    if (line.empty()) break;
    if (line[1] != ' ') op = line.substr(0, 11);
    if (op == " 3 linear  ") z.push_back(std::stod(line.substr(value)));
    if (op == " 6 col_mean") mean = std::stod(line.substr(value));
  }
  REQUIRE(z.size() == 4);
  CHECK((z[0] + z[1] + z[2] + z[3]) / 4 == doctest::Approx(mean).epsilon(1e-3));

  CHECK(run_tare("tape --rows 1").out == run_tare("tape").out);
  CHECK(lines_of(run_tare("tape --rows 2").out).size() > lines_of(run_tare("tape").out).size());
  const auto table = [](const std::string& words) {
    const std::string out = run_tare("tape " + words).out;
    return out.substr(out.find("# op"));
  };
  CHECK(table("--rows 6") == table("--rows 5"));
  CHECK(table("--rows 4") != table("--rows 5"));
  CHECK(run_tare("tape --rows 0").exit_code == 2);
  CHECK(run_tare("tape --rows x").exit_code == 2);
}

// The text's longest line, in characters of UTF-8.
std::ptrdiff_t width_of(const std::string& text) {
  std::ptrdiff_t width = 0;
  for (const std::string& line : lines_of(text)) {
    width = std::max(width, std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
  }
  return width;
}

TEST_CASE("tape and gradcheck fit a terminal of 80 columns, and use more") {
  for (const char* words :
       {"tape", "tape --bias auto", "tape --norm none --rows 2",
        "tape --hidden 2 --batch 4 --batchnorm composed --rows 4",
        "tape --rows 2 --batch 1000 --hidden 100,1000,100,9,9,9,9,9,9 --batchnorm diagonal",
        "tape --rows 2 --batch 1000 --hidden 100,1000,100,9,9,9,9,9,9 --batchnorm composed", "gradcheck"}) {
    CAPTURE(words);
    const std::string narrow = run_tare(words).out, wide = run_tare(words, "COLUMNS=120").out;
    CHECK(width_of(narrow) <= 80);
    CHECK(width_of(wide) > 80);
    CHECK(width_of(wide) <= 120);
  }
  const std::string narrow = run_tare("tape").out, wide = run_tare("tape", "COLUMNS=120").out;
  CHECK(contains(narrow, " 0.766  -0.011 .."));
  CHECK(contains(wide, " 0.7657  -0.011   1.118 .."));
  CHECK(contains(run_tare("gradcheck", "COLUMNS=120").out, "[1 x 1] [1 x 1], 3 more"));
}

TEST_CASE("tape says how layers are numbered") {
  CHECK(contains(run_tare("tape --hidden 2").out, "0 Linear(3, 2), 1 BatchNorm(2), 2 ReLU, 3 Linear(2, 2)"));
}

TEST_CASE("tape draws first rows, a legend, and which bias is cancelled") {
  const std::string cancelled = "BatchNorm cancels this bias";
  for (const char* kind : {"fused", "composed", "diagonal"}) {
    const std::string graph = run_tare(fmt::format("tape --dot --hidden 4,4 --batchnorm {}", kind)).out;
    int nodes = 0;
    for (const std::string& line : lines_of(graph)) {
      const bool first = contains(line, "\"0.bias [1 x 4]"), second = contains(line, "\"3.bias [1 x 4]");
      const bool zero = (first || second) && std::string(kind) != "diagonal";
      CHECK_MESSAGE(contains(line, cancelled) == zero, line);
      if (zero) CHECK(contains(line, "style=bold"));
      nodes += first || second;
    }
    CHECK(nodes == 2);
    CHECK(contains(graph, "cluster_legend"));
    CHECK(contains(graph, "bgcolor=white"));
    CHECK(contains(graph, "-0.0779 1.41 1.08 .."));  // the first sample
  }
  for (const char* other : {"--norm none", "--norm layer", "--bias auto"}) {
    CHECK_FALSE(contains(run_tare(fmt::format("tape --dot {}", other)).out, cancelled));
  }
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

  // The file's mistake is not one of usage.
  std::string bytes = read_file(model);
  const std::size_t place = bytes.find(R"("activation":"relu")");
  REQUIRE(place != bytes.npos);
  write_file(model, bytes.replace(place, 19, R"("activation":"gelu")"));
  const Outcome unknown = run_tare(fmt::format("fold '{}' '{}'", model, out));
  CHECK(unknown.exit_code == 1);
  CHECK(contains(unknown.err, "metadata \"activation\": expected relu, sigmoid, tanh, found \"gelu\""));
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
