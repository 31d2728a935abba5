// The switches of `tare train` that change what BatchNorm does, what is trained and how layers are wired, and the table
// of its layers: --layers.
#include <tare/layers/files/safetensors.h>
#include "tests/apps/log_header.h"
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A folder with the small data set in `data`; commands run in it. An epoch has ten steps.
struct Fixture {
  TemporaryFolder folder;
  const std::string train = "train --data data --hidden 16,16 --batch 32 --quiet";

  Fixture() { write_digits(folder / "data"); }
  std::string contents(const std::string& name) const { return read_file(folder / name); }
  Outcome tare(const std::string& words) const {
    return run_tare(words, fmt::format("cd '{}' &&", folder.path().string()));
  }
  Outcome succeeds(const std::string& words) const {
    const Outcome done = tare(words);
    REQUIRE_MESSAGE(done.exit_code == 0, words << ": " << done.err);
    return done;
  }
};

TEST_CASE_FIXTURE(Fixture,
                  "switches that are out of range or contradict each other are bad usage, before any training") {
  const struct {
    const char *words, *message;
  } cases[] = {{"--ghost 3 --batch 128", "--ghost: expected a divisor of the batch of 128, found 3"},
               {"--ghost 64", "--ghost: expected a divisor of the batch of 32, found 64"},
               {"--ghost 1", "--ghost"},
               {"--ghost x", "--ghost"},
               {"--bn-parts mean,mean", "--bn-parts: expected every part once, found \"mean,mean\""},
               {"--bn-parts nothing", "--bn-parts: expected mean, variance, affine, found \"nothing\""},
               {"--bn-parts mean,", "--bn-parts: expected mean, variance, affine, found \"\""},
               {"--bn-momentum 1.5", "--bn-momentum"},
               {"--bn-momentum -0.1", "--bn-momentum"},
               {"--bn-momentum nan", "--bn-momentum"},
               {"--norm-place behind", "--norm-place: expected before, after, found \"behind\""},
               {"--train none", "--train: expected all, norm, found \"none\""},
               {"--decay biases", "--decay: expected all, weights, found \"biases\""},
               {"--train norm --norm none", "--train norm: expected hidden layers with a normalization, found none"},
               {"--train norm --bn-parts mean,variance",
                "--train norm: expected a gamma and a beta to train, found --bn-parts without affine"},
               {"--batchnorm diagonal --bn-parts mean",
                "--batchnorm: expected fused with --bn-parts that leave something out, found diagonal"},
               {"--batchnorm composed --bn-parts variance,affine", "--batchnorm: expected fused with --bn-parts"},
               {"--log same --layers same", "--layers: expected another file than --log, found same"},
               {"--save same --layers ./same", "--layers: expected another file than --save"},
               {"--layers data/train-images-idx3-ubyte", "--layers: expected another file than --data"}};
  for (const auto& c : cases) {
    CAPTURE(c.words);
    const Outcome done = tare(fmt::format("{} {}", train, c.words));
    CHECK(done.exit_code == 2);
    CHECK_MESSAGE(contains(done.err, c.message), done.err);
    CHECK(std::ranges::count(done.err, '\n') == 1);
    CHECK(done.out.empty());
  }
  CHECK_FALSE(fs::exists(folder / "same"));
  const Outcome unwritable = tare(train + " --layers none/layers.csv");
  CHECK(unwritable.exit_code == 1);
  CHECK(contains(unwritable.err, "none/layers.csv: cannot be written"));
}

TEST_CASE_FIXTURE(Fixture, "only what is trained counts as a parameter, and only that changes") {
  const auto parameters = [&](const std::string& words) {
    return json::parse(succeeds(fmt::format("{} --steps 1 --json {}", train, words)).out)["parameters"].get<int>();
  };
  const int biases = 16 + 16, gammas = biases, weights = 64 * 16 + 16 * 16 + 16 * 10, output_biases = 10;
  CHECK(parameters("") == weights + 2 * gammas + output_biases);
  CHECK(parameters("--train norm") == 2 * gammas);
  CHECK(parameters("--train norm --bias keep") == 2 * gammas);
  CHECK(parameters("--train norm --norm layer") == 2 * gammas);
  CHECK(parameters("--bn-parts mean,variance") == weights + output_biases);
  CHECK(parameters("--bn-parts variance,affine") == weights + biases + 2 * gammas + output_biases);
  CHECK(parameters("--norm-place after") == weights + biases + 2 * gammas + output_biases);
  CHECK(parameters("--residual --ghost 8") == weights + 2 * gammas + output_biases);

  succeeds(train + " --train norm --steps 1 --save one");
  succeeds(train + " --train norm --steps 9 --save nine");
  const Safetensors one = read_safetensors(folder / "one"), nine = read_safetensors(folder / "nine");
  for (const auto& entry : one.tensors) {
    CAPTURE(entry.first);
    const bool frozen = entry.first == "0.weight" || entry.first == "3.weight" || entry.first.starts_with("6.");
    CHECK((nine.tensors.at(entry.first).bytes == entry.second.bytes) == frozen);
  }
}

TEST_CASE_FIXTURE(Fixture, "every switch trains, differs from what is without it, and can be evaluated") {
  std::set<std::string> models;
  for (const std::string words :
       {"", "--ghost 16", "--ghost 8", "--bn-parts mean,affine", "--bn-parts variance,affine", "--bn-parts affine",
        "--bn-parts mean,variance", "--bn-momentum 0.5", "--norm-place after", "--residual", "--train norm --lr 0.2",
        "--weight-decay 0.01", "--weight-decay 0.01 --decay weights"}) {
    CAPTURE(words);
    const json trained = json::parse(succeeds(fmt::format("{} {} --epochs 6 --json --save model", train, words)).out);
    if (words != "--train norm --lr 0.2") CHECK(trained["test_accuracy"] > 0.8);
    CHECK(models.insert(contents("model")).second);
    const json scored = json::parse(succeeds("eval model --data data --json").out);
    CHECK(scored["test_accuracy"] == trained["test_accuracy"]);
    CHECK(scored["test_loss"].get<double>() ==
          doctest::Approx(trained["test_loss"].get<double>()).epsilon(contains(words, "bn-parts") ? 1e-3 : 1e-12));
  }
}

// ---- --layers -------------------------------------------------------------------------------------------------------

const std::string kHeader =
    "step,layer,description,output_mean,output_rms,gradient_rms,saturated_share,weight_norm,weight_gradient_norm,"
    "update_ratio,angle";

// The rows of a table of layers, their fields by the names of the columns.
std::vector<std::map<std::string, std::string>> layer_rows(const std::string& csv) {
  std::istringstream lines(csv), header(kHeader);
  std::string line;
  REQUIRE(std::getline(lines, line));
  REQUIRE(line == kHeader);
  std::vector<std::string> columns;
  for (std::string name; std::getline(header, name, ',');) columns.push_back(name);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(lines, line)) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        fields.emplace_back();
      } else {
        fields.back() += c;
      }
    }
    REQUIRE(fields.size() == columns.size());
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < columns.size(); ++i) row[columns[i]] = fields[i];
  }
  return rows;
}

std::vector<double> numbers(const TensorData& tensor) {
  std::vector<float> floats(tensor.bytes.size() / sizeof(float));
  std::memcpy(floats.data(), tensor.bytes.data(), tensor.bytes.size());
  return {floats.begin(), floats.end()};
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST_CASE_FIXTURE(Fixture,
                  "the table has a row for every layer and logged step, and empty fields where there is nothing") {
  succeeds(train + " --residual --dropout 0.1 --activation tanh --log-every 4 --steps 14 --layers t.csv --log log.csv");
  const auto rows = layer_rows(contents("t.csv"));
  const std::pair<const char*, const char*> layers[] = {{"0", "Linear(64, 16, no bias)"},
                                                        {"1", "BatchNorm(16)"},
                                                        {"2", "Tanh"},
                                                        {"3", "Dropout(0.1)"},
                                                        {"4.0", "Linear(16, 16, no bias)"},
                                                        {"4.1", "BatchNorm(16)"},
                                                        {"4.2", "Tanh"},
                                                        {"4.3", "Dropout(0.1)"},
                                                        {"4", ""},
                                                        {"5", "Linear(16, 10)"}};
  const std::vector<std::string> steps{"4", "8", "10", "12", "14"};
  REQUIRE(rows.size() == steps.size() * std::size(layers));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::map<std::string, std::string> row = rows[i];
    const std::string place = layers[i % std::size(layers)].first;
    std::string description = layers[i % std::size(layers)].second;
    if (place == "4") description = "x + Linear(16, 16, no bias) - BatchNorm(16) - Tanh - Dropout(0.1)";
    CAPTURE(i);
    CHECK(row["step"] == steps[i / std::size(layers)]);
    CHECK(row["layer"] == place);
    CHECK(row["description"] == description);
    const bool has_weight = description.starts_with("Linear") || description.starts_with("BatchNorm");
    for (const char* column : {"output_mean", "output_rms", "gradient_rms"}) CHECK_FALSE(row[column].empty());
    CHECK(row["saturated_share"].empty() == (description != "Tanh"));
    for (const char* column : {"weight_norm", "weight_gradient_norm", "update_ratio", "angle"}) {
      CHECK(row[column].empty() != has_weight);
    }
    for (const auto& [name, text] : row) {
      if (name == "layer" || name == "description" || text.empty()) continue;
      const double x = std::stod(text);
      CHECK(fmt::format("{}", x) == text);
    }
  }
  // The same steps as in the log.
  std::vector<std::string> logged;
  for (const auto& row : read_csv(folder / "log.csv", kLogHeader)) {
    logged.push_back(row[0]);
  }
  CHECK(logged == steps);
}

TEST_CASE_FIXTURE(Fixture, "the weights of the table are those of the models before and after the step") {
  succeeds(train + " --steps 2 --save before");
  succeeds(train + " --steps 3 --save after --layers t.csv --log-every 3");
  const Safetensors before = read_safetensors(folder / "before"), after = read_safetensors(folder / "after");
  const auto rows = layer_rows(contents("t.csv"));
  REQUIRE(rows.size() == 7);
  for (auto row : rows) {
    CHECK(row["step"] == "3");
    if (row["weight_norm"].empty()) continue;
    CAPTURE(row["layer"]);
    const std::vector<double> a = numbers(before.tensors.at(row["layer"] + ".weight")),
                              b = numbers(after.tensors.at(row["layer"] + ".weight"));
    std::vector<double> step = b;
    for (std::size_t i = 0; i < a.size(); ++i) step[i] -= a[i];
    CHECK(std::stod(row["weight_norm"]) == doctest::Approx(std::sqrt(dot(a, a))).epsilon(1e-9).scale(1e-6));
    CHECK(std::stod(row["update_ratio"]) ==
          doctest::Approx(std::sqrt(dot(step, step) / dot(a, a))).epsilon(1e-4).scale(1e-6));
    CHECK(std::stod(row["angle"]) ==
          doctest::Approx(std::acos(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)))).epsilon(1e-4).scale(1e-6));
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "the columns of the table in the first step, where it is known what BatchNorm and ReLU put out") {
  succeeds(train + " --steps 1 --layers t.csv");
  for (auto row : layer_rows(contents("t.csv"))) {
    CAPTURE(row["description"]);
    const double mean = std::stod(row["output_mean"]), rms = std::stod(row["output_rms"]);
    CHECK(std::stod(row["gradient_rms"]) < 0.1);  // of a mean over 32 samples
    if (row["description"] == "BatchNorm(16)") {
      CHECK(std::abs(mean) <= 1e-6);
      CHECK(rms == doctest::Approx(1).epsilon(1e-3));
      CHECK(row["weight_norm"] == "4");  // 16 gammas of 1
    }
    if (row["description"] != "ReLU") continue;
    CHECK(mean > 0.2);
    CHECK(rms > mean);
    CHECK(rms < 1);
    CHECK(std::stod(row["saturated_share"]) == doctest::Approx(0.5).epsilon(0.1));
  }
}

TEST_CASE_FIXTURE(Fixture, "the table changes nothing else, and does not depend on the number of threads") {
  const std::string words = fmt::format("{} --dropout 0.2 --clip 1 --log-every 3 --epochs 2 --json", train);
  const auto without_time = [](const std::string& text) {
    return std::regex_replace(text, std::regex("\"seconds\":[^,]*"), "");
  };
  const Outcome plain = succeeds(words + " --log log --save model");
  std::string table;
  for (const int threads : {1, 3}) {
    const Outcome found =
        succeeds(fmt::format("{} --threads {} --log log2 --save model2 --layers t.csv", words, threads));
    CHECK(without_time(found.out) == without_time(plain.out));
    CHECK(contents("log2") == contents("log"));
    CHECK(contents("model2") == contents("model"));
    if (table.empty()) table = contents("t.csv");
    CHECK(contents("t.csv") == table);
  }
  CHECK(layer_rows(table).size() == 8 * 9);  // steps 3, 6, 9, 10, 12, 15, 18 and 20
}

TEST_CASE_FIXTURE(Fixture, "a resumed run goes on with its table, which is that of the whole run") {
  const std::string words =
      train +
      " --residual --ghost 8 --bn-momentum 0.2 --norm-place after --decay weights --weight-decay 0.01 "
      "--log-every 3";
  succeeds(words + " --steps 21 --layers whole.csv --log whole.log --save whole");
  // The shorter run ends with an epoch, which is logged anyway.
  succeeds(words + " --steps 10 --layers t.csv --log log --checkpoint run --save model");
  const std::string table = contents("t.csv"), log = contents("log"), checkpoint = contents("run");
  CHECK(contents("whole.csv").starts_with(table));
  const std::size_t last_line = table.rfind('\n', table.size() - 2) + 1;
  // As it was left, torn in its last line, or with rows that came after the checkpoint.
  for (const std::string& found : {table, table.substr(0, table.size() - 5), table.substr(0, last_line),
                                   table + table.substr(last_line), table + "12,0,"}) {
    write_file(folder / "t.csv", found);
    write_file(folder / "log", log);
    write_file(folder / "run", checkpoint);
    succeeds("train --resume run --steps 21 --quiet --threads 3");
    CHECK(contents("t.csv") == contents("whole.csv"));
    CHECK(contents("log") == contents("whole.log"));
    CHECK(contents("model") == contents("whole"));
  }
  // Another file begins anew, one that was changed is refused.
  write_file(folder / "log", log);
  write_file(folder / "run", checkpoint);
  const Outcome other = tare("train --resume run --steps 12 --layers other.csv");
  CHECK(contains(other.err, "other.csv is new: its rows begin after step 10"));
  CHECK(contents("other.csv").starts_with(kHeader + "\n12,0,"));
  write_file(folder / "run", checkpoint);
  write_file(folder / "log", log);
  write_file(folder / "t.csv", "mine\n");
  const Outcome refused = tare("train --resume run --steps 12 --quiet");
  CHECK(refused.exit_code == 1);
  CHECK(refused.err.starts_with("tare: t.csv: "));
  CHECK(contains(refused.err, "another file begins a new one"));
  CHECK(contents("t.csv") == "mine\n");
}

TEST_CASE_FIXTURE(Fixture, "a resumed run cannot have its switches set otherwise, nor back to their defaults") {
  succeeds(train +
           " --residual --ghost 8 --bn-momentum 0.2 --bn-parts mean,affine --norm-place after --decay weights "
           "--steps 2 --checkpoint run");
  const std::pair<const char*, const char*> contradictions[] = {
      {"--ghost 16", "--ghost 8"},
      {"--bn-momentum 0.3", "--bn-momentum 0.2"},
      {"--bn-momentum 0.1", "--bn-momentum 0.2"},
      {"--bn-parts mean", "--bn-parts mean,affine"},
      {"--bn-parts mean,variance,affine", "--bn-parts mean,affine"},
      {"--norm-place before", "--norm-place after"},
      {"--decay all", "--decay weights"},
      {"--train norm", "no --train"}};
  for (const auto& c : contradictions) {
    CAPTURE(c.first);
    const Outcome done = tare(fmt::format("train --resume run --steps 4 {}", c.first));
    CHECK(done.exit_code == 2);
    CHECK_MESSAGE(contains(done.err, fmt::format("expected {}, as in the run that was saved, found ", c.second)),
                  done.err);
    CHECK(done.out.empty());
  }
  succeeds("train --resume run --steps 4 --quiet --bn-momentum 0.20 --decay weights --residual");
}

TEST_CASE_FIXTURE(Fixture, "a run that diverges leaves the rows of its last step") {
  const Outcome done = tare(train + " --norm none --lr 1e30 --layers t.csv --log log");
  CHECK(done.exit_code == 3);
  const auto rows = layer_rows(contents("t.csv"));
  REQUIRE(rows.size() == 5);
  CHECK(contains(contents("t.csv"), ",nan,"));
  CHECK_FALSE(contains(contents("t.csv"), "-nan"));  // a sign that only some processors give it
  for (auto row : rows) {
    CHECK(contents("log").find("\n" + row["step"] + ",") != std::string::npos);
    CHECK(row["gradient_rms"].empty());
    if (!row["update_ratio"].empty()) CHECK(row["update_ratio"] == "0");  // it made none
  }
}

}  // namespace
}  // namespace tare::testing
