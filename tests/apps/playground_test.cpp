// What the playground's page asks the C++ for, asked without a page. tests/playground.sh asks in a real browser.
#include <tare/apps/playground/requests.h>
#include <tare/core/machine/error.h>
#include <tare/datasets/built_in/digits.h>
#include <tare/layers/mlp.h>
#include <tare/optim/training/train.h>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace tare::testing {
namespace {

using nlohmann::json;

json ask(const json& request, const std::string& bytes = "") { return json::parse(answer(request.dump(), bytes).json); }

// A small network on few digits.
json create(const json& more = json::object()) {
  json request = {{"ask", "create"}, {"samples", 200}, {"hidden", {8}}, {"batch", 20}, {"lr", 0.1}, {"momentum", 0}};
  request.update(more);
  return ask(request);
}

json steps(int count, bool inspect = false) { return ask({{"ask", "steps"}, {"count", count}, {"inspect", inspect}}); }

TEST_CASE("the playground trains as the training loop does, step by step") {
  create({{"momentum", 0.9}, {"weight_decay", 0.01}});
  const json here = steps(25);
  const DataSet data{.train = draw_digits(1, 0, 200), .test = draw_digits(1, 60'000, 1000), .classes = 10};
  Sequential model = make_mlp({.in = 784, .hidden = {8}, .out = 10}, 1);
  std::vector<double> losses;
  Workers workers(1);
  train(model, training_data(data, Pixels::standard),
        {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01, .batch = 20, .steps = 25}, workers,
        {.after_step = [&](const StepRecord& s) { losses.push_back(s.loss); }});
  CHECK(here["loss"].get<std::vector<double>>() == losses);
  CHECK(here["step"] == 25);
  Tape tape(Tape::Gradients::none);
  const Evaluation expected = evaluate(model, Samples(data.test, Pixels::standard), tape);
  CHECK(ask({{"ask", "test"}})["accuracy"] == expected.accuracy());
  CHECK(ask({{"ask", "test"}})["loss"] == expected.loss);
}

TEST_CASE("what changes while the playground trains changes, and the rest goes on") {
  create({{"momentum", 0.9}});
  steps(5);
  const json digest = ask({{"ask", "digest"}});
  ask({{"ask", "change"}, {"lr", 0.0}});
  steps(3);
  // (Running statistics still move: only with them would the digest be another.)
  CHECK(ask({{"ask", "digest"}}) != digest);
  create({{"norm", "none"}, {"momentum", 0.9}});
  steps(5);
  const json before = ask({{"ask", "digest"}});
  ask({{"ask", "change"}, {"lr", 0.0}});
  steps(3);
  CHECK(ask({{"ask", "digest"}}) == before);
  // What the optimizer remembers stays: with it, a change of nothing changes nothing.
  create({{"momentum", 0.9}});
  const json straight = steps(10);
  create({{"momentum", 0.9}});
  const json first = steps(5);
  ask({{"ask", "change"}, {"momentum", 0.9}});
  const json second = steps(5);
  CHECK(first["loss"][4] == straight["loss"][4]);
  CHECK(second["loss"][4] == straight["loss"][9]);
}

TEST_CASE("a learning rate of 2 stops a network without BatchNorm and trains one with it") {
  const json scene = {{"lr", 2}, {"samples", 2000}, {"hidden", {64, 64}}, {"batch", 64}};
  create(scene);
  steps(150);
  CHECK(ask({{"ask", "test"}})["accuracy"] > 0.7);
  json other = scene;
  other["norm"] = "none";
  create(other);
  steps(150);
  CHECK(ask({{"ask", "test"}})["accuracy"] < 0.3);
}

TEST_CASE("a look inside counts every number, and sees the bias that cancels") {
  create({{"bias", "keep"}, {"hidden", {8, 8}}});
  const json inside = steps(3, true)["inside"];
  REQUIRE(inside["activations"].size() == 2);
  for (const json& a : inside["activations"]) {
    std::int64_t inputs = a["input"]["below"].get<std::int64_t>() + a["input"]["above"].get<std::int64_t>();
    for (const json& count : a["input"]["counts"]) inputs += count.get<std::int64_t>();
    CHECK(inputs == 20 * 8);
    CHECK(std::abs(a["input_mean"].get<double>()) < 0.1);  // BatchNorm's output, with beta near 0
    CHECK(a["input_deviation"].get<double>() == doctest::Approx(1).epsilon(0.1));
  }
  int cancelled = 0;
  for (const json& p : inside["parameters"]) {
    if (!p["cancelled"]) continue;
    ++cancelled;
    CHECK(p["role"] == "bias");
    CHECK(p["gradient_norm"] < 1e-6);
  }
  CHECK(cancelled == 2);
  CHECK(inside["parameters"].size() == 10);
}

TEST_CASE("the tape's table has the numbers of a step, and tells a right gradient from a wrong one") {
  const json batch = ask({{"ask", "tape"}}), moved = ask({{"ask", "tape"}, {"bias_offset", 2}});
  REQUIRE(batch["entries"].size() == 12);
  CHECK(batch["entries"][3]["op"] == "linear");
  CHECK(batch["entries"].back()["rows"] == 1);
  // Behind BatchNorm nothing moves.
  double largest = 0;
  for (std::size_t i = 6; i < 12; ++i) {
    for (std::size_t k = 0; k < batch["entries"][i]["value"].size(); ++k) {
      largest = std::max(largest, std::abs(batch["entries"][i]["value"][k].get<double>() -
                                           moved["entries"][i]["value"][k].get<double>()));
    }
  }
  CHECK(largest < 1e-5);
  CHECK(std::abs(moved["entries"][3]["value"][0].get<double>() - batch["entries"][3]["value"][0].get<double>() - 2) <
        1e-5);
  for (const json& d : batch["derivations"]) {
    CAPTURE(d["of"].get<std::string>());
    CHECK(d["right_error"] < 1e-5);
    CHECK(d["diagonal_error"] > 1e-2);
  }
  CHECK_THROWS_WITH_AS(ask({{"ask", "tape"}, {"w1", {{1, 2}, {3}}}}),
                       "w1: expected 2 numbers in each row, found [3] in row 1", Error);
}

TEST_CASE("models go out of the playground and come back, and read a digit alike") {
  create();
  steps(40);
  const std::string file = answer(json{{"ask", "save"}}.dump(), "").bytes;
  const std::string pixels = answer(json{{"ask", "samples"}, {"count", 1}}.dump(), "").bytes;
  REQUIRE(pixels.size() == 784);
  const json predict = {{"ask", "predict"}, {"rows", 28}, {"cols", 28}};
  json from_file = predict;
  from_file["loaded"] = true;
  const json here = ask(predict, pixels);
  CHECK(ask({{"ask", "load"}, {"name", "a.safetensors"}}, file)["parameters"] == 784 * 8 + 2 * 8 + 8 * 10 + 10);
  CHECK(ask(from_file, pixels) == here);
  double total = 0;
  for (const json& p : here["digits"][0]["probabilities"]) total += p.get<double>();
  CHECK(total == doctest::Approx(1));
  CHECK_THROWS_WITH_AS(ask({{"ask", "load"}, {"name", "b"}}, file.substr(0, 1000)), doctest::Contains("b: "), Error);
  CHECK(ask(from_file, pixels) == here);
  CHECK_THROWS_WITH_AS(ask(predict, "too few"), "picture: expected 28 x 28 bytes, found 7", Error);
  CHECK_THROWS_AS(ask({{"ask", "predict"}, {"rows", -28}, {"cols", -28}}, pixels), Error);
  CHECK_THROWS_AS(ask({{"ask", "predict"}, {"rows", 1LL << 40}, {"cols", 1LL << 40}}, pixels), Error);
  CHECK_THROWS_AS(ask(predict, std::string(784, '\0')), Error);

  create({{"data", "moons"}});
  CHECK_THROWS_WITH_AS(ask(predict, pixels), "the network was trained on moons: expected one that knows digits", Error);
  const Answer regions = answer(json{{"ask", "regions"}}.dump(), "");
  CHECK(regions.bytes.size() == 2 * 256 * 256);
  CHECK_THROWS_AS(ask({{"ask", "load"}}, answer(json{{"ask", "save"}}.dump(), "").bytes), Error);
}

TEST_CASE("what the playground cannot be asked for is an error, and leaves all as it was") {
  create();
  steps(2);
  const json digest = ask({{"ask", "digest"}});
  for (const json& wrong : std::vector<json>{{{"ask", "create"}, {"lr", -1}},
                                             {{"ask", "create"}, {"hidden", {0}}},
                                             {{"ask", "create"}, {"hidden", std::vector<int>(13, 8)}},
                                             {{"ask", "create"}, {"data", "faces"}},
                                             {{"ask", "create"}, {"batch", 1}},
                                             {{"ask", "create"}, {"samples", 200}, {"batch", 201}},
                                             {{"ask", "create"}, {"norm", "group"}},
                                             {{"ask", "create"}, {"momentum", 1}},
                                             {{"ask", "change"}, {"lr", -1}},
                                             {{"ask", "change"}, {"momentum", 2}},
                                             {{"ask", "change"}, {"batch", 0}},
                                             {{"ask", "money"}}}) {
    CAPTURE(wrong.dump());
    CHECK_THROWS_AS(ask(wrong), Error);
    CHECK(ask({{"ask", "digest"}}) == digest);
  }
}

}  // namespace
}  // namespace tare::testing
