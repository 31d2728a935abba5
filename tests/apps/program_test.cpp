// The program from end to end: what it prints, writes and returns, on a small data set that is written here.
#include <tare/datasets/pictures/gray_image.h>
#include <tare/layers/files/safetensors.h>
#include "tests/apps/log_header.h"
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A folder with the small data set in `data`, and commands that begin with a quick training on it.
struct Fixture {
  TemporaryFolder folder;
  std::string data = (folder / "data").string();
  std::string train = fmt::format("train --data '{}' --hidden 16 --batch 32 --epochs 3", data);

  Fixture() { write_digits(data); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
};

// The number of lines on standard error that a failed command may print: one.
bool one_line(const std::string& text) { return !text.empty() && text.find('\n') == text.size() - 1; }

TEST_CASE_FIXTURE(Fixture, "train reports, logs and saves; eval scores the saved model the same") {
  const std::string log = path("log.csv"), model = path("model.safetensors");
  const Outcome trained = run_tare(fmt::format("{} --json --log '{}' --save '{}'", train, log, model));
  REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
  const json result = json::parse(trained.out);
  CHECK(result["test_accuracy"] > 0.9);
  CHECK(result["steps"] == 30);
  CHECK(result["epochs"] == 3);
  CHECK(result["seed"] == 1);
  CHECK(result["data"] == data);
  CHECK(result["parameters"] == 64 * 16 + 2 * 16 + 16 * 10 + 10);
  CHECK(result["seconds"] > 0);
  CHECK(contains(trained.err, "drops its last 10 samples"));

  const auto rows = read_csv(log, kLogHeader);
  REQUIRE(rows.size() == 3);  // one per epoch
  CHECK(rows[2][0] == "30");
  CHECK(rows[2][1] == "3");
  CHECK(rows[2][2] == "0.05");
  CHECK(std::stod(rows[2][4]) == result["test_loss"].get<double>());
  CHECK(std::stod(rows[2][5]) == result["test_accuracy"].get<double>());

  const Outcome scored = run_tare(fmt::format("eval '{}' --data '{}' --json", model, data));
  REQUIRE_MESSAGE(scored.exit_code == 0, scored.err);
  const json scores = json::parse(scored.out);
  CHECK(scores["test_accuracy"] == result["test_accuracy"]);
  CHECK(scores["test_loss"] == result["test_loss"]);
  CHECK(scores["samples"] == 100);
  CHECK(scores["data"] == data);
  CHECK(scores["seconds"] > 0);
  CHECK(contains(run_tare(fmt::format("eval '{}' --data '{}'", model, data)).out, "Confusion matrix"));
}

TEST_CASE_FIXTURE(Fixture, "the summary counts errors, parameters and dropped biases") {
  const Outcome trained = run_tare(train);
  CHECK(contains(trained.out, "out of 100"));
  CHECK(contains(trained.out, "64 - 16 - 10: 1,226 parameters, 16 biases dropped"));
  CHECK_FALSE(contains(run_tare(train + " --bias keep").out, "dropped"));
  CHECK(contains(run_tare(train + " --bias keep").out, "1,242 parameters"));
  CHECK(contains(run_tare(train + " --norm none").out, "1,210 parameters"));
  CHECK(contains(run_tare(train + " --norm layer").out, "1,242 parameters"));
}

TEST_CASE_FIXTURE(Fixture, "quiet prints no progress, and a pipe gets plain lines") {
  CHECK(run_tare(train + " --quiet").err.empty());
  const Outcome trained = run_tare(train);
  CHECK_FALSE(contains(trained.err, "\r"));
  CHECK_FALSE(contains(trained.err, "\x1b"));
  CHECK(contains(trained.err, "\n    3/3  "));
}

TEST_CASE_FIXTURE(Fixture, "the same seed gives the same log and model for any number of threads") {
  // Wide enough that products and reductions are split.
  const std::string command = fmt::format(
      "train --data '{}' --hidden 512,256 --batch 100 --epochs 4 --dropout 0.2 --log-every 1 --quiet", data);
  std::set<std::string> logs, models;
  for (int threads : {1, 2, 3, 4, 7, 2}) {
    const std::string log = path("log.csv"), model = path("model.safetensors");
    const Outcome done = run_tare(fmt::format("{} --threads {} --log '{}' --save '{}'", command, threads, log, model));
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    logs.insert(read_file(log));
    models.insert(read_file(model));
  }
  CHECK(logs.size() == 1);
  CHECK(models.size() == 1);
  const std::string other = path("other.csv");
  run_tare(fmt::format("{} --seed 2 --log '{}'", command, other));
  CHECK_FALSE(logs.contains(read_file(other)));
}

TEST_CASE_FIXTURE(Fixture, "log rows stand at every multiple of K, at the ends of epochs and at the last step") {
  const std::string log = path("log.csv");
  const auto steps_of = [&](const std::string& words) {
    const Outcome done = run_tare(fmt::format("{} {} --quiet --log '{}'", train, words, log));
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    std::string steps, evaluated;
    for (const auto& row : read_csv(log, kLogHeader)) {
      steps += row[0] + ' ';
      if (!row[5].empty()) evaluated += row[0] + ' ';
    }
    return steps + "evaluated " + evaluated;
  };
  CHECK(steps_of("--log-every 4 --epochs 2") == "4 8 10 12 16 20 evaluated 10 20 ");
  CHECK(steps_of("--log-every 4 --eval-every 8 --epochs 2") == "4 8 10 12 16 20 evaluated 8 10 16 20 ");
  CHECK(steps_of("--log-every 100 --epochs 9 --steps 13") == "10 13 evaluated 10 13 ");
  CHECK(run_tare(fmt::format("train --data '{}' --hidden 8 --batch 32 --steps 70 --json", data))
            .out.find("\"steps\":70") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "schedules are per step and stand in the log") {
  const std::string log = path("log.csv");
  const auto rate_at = [&](const std::string& schedule, std::size_t step) {
    run_tare(fmt::format("{} --quiet --lr 0.1 --log-every 1 --schedule {} --log '{}'", train, schedule, log));
    return std::stod(read_csv(log, kLogHeader).at(step - 1)[2]);
  };
  CHECK(rate_at("constant", 30) == 0.1);
  CHECK(rate_at("step:1,0.5", 10) == 0.1);
  CHECK(rate_at("step:1,0.5", 11) == 0.05);
  CHECK(rate_at("cosine", 1) == 0.1);
  CHECK(rate_at("cosine", 16) == doctest::Approx(0.05));
  CHECK(rate_at("cosine:5", 1) == doctest::Approx(0.02));
  CHECK(rate_at("cosine:5", 6) == 0.1);
}

TEST_CASE_FIXTURE(Fixture, "init starts from a saved model and names a tensor that does not fit") {
  const std::string model = path("model.safetensors");
  REQUIRE(run_tare(fmt::format("{} --save '{}' --json", train, model)).exit_code == 0);
  const std::string again = fmt::format("{} --init '{}' --lr 0 --epochs 1 --json", train, model);
  const Outcome same = run_tare(again);
  REQUIRE_MESSAGE(same.exit_code == 0, same.err);
  CHECK(json::parse(same.out)["train_accuracy"] > 0.9);
  const Outcome wider = run_tare(fmt::format("{} --hidden 17 --init '{}'", train, model));
  CHECK(wider.exit_code == 1);
  CHECK(contains(wider.err, "0.weight"));
  CHECK(contains(run_tare(fmt::format("{} --bias keep --init '{}'", train, model)).err, "0.bias"));
  CHECK(contains(run_tare(fmt::format("{} --norm none --init '{}'", train, model)).err, "model"));
}

TEST_CASE_FIXTURE(Fixture, "init brings its activation and pixels along, and contradicts others") {
  const std::string model = path("model.safetensors"), next = path("next.safetensors");
  REQUIRE(run_tare(fmt::format("{} --activation tanh --pixels unit --save '{}'", train, model)).exit_code == 0);
  const std::string init = fmt::format("{} --init '{}' --epochs 1 --save '{}'", train, model, next);
  for (const char* words : {"", " --activation tanh --pixels unit"}) {
    const Outcome done = run_tare(init + words);
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    const Safetensors saved = read_safetensors(next);
    CHECK(saved.metadata.at("activation") == "tanh");
    CHECK(saved.metadata.at("pixels") == "unit");
  }
  const Outcome other = run_tare(init + " --activation relu");
  CHECK(other.exit_code == 2);
  CHECK(contains(other.err, "--activation: " + model + " was trained with tanh, found relu"));
  CHECK(run_tare(init + " --pixels binary").exit_code == 2);

  // A file that says nothing changes nothing.
  Safetensors silent = read_safetensors(model);
  silent.metadata.clear();
  write_safetensors(model, silent);
  REQUIRE(run_tare(init).exit_code == 0);
  CHECK(read_safetensors(next).metadata.at("activation") == "relu");
  CHECK(read_safetensors(next).metadata.at("pixels") == "standard");
  silent.metadata["activation"] = "gelu";
  write_safetensors(model, silent);
  CHECK(
      contains(run_tare(init).err, model + ": metadata \"activation\": expected relu, sigmoid, tanh, found \"gelu\""));
}

TEST_CASE_FIXTURE(Fixture, "what a normalization without running statistics is, somebody must say") {
  const std::string whole = path("whole"), model = path("model"),
                    eval = fmt::format("eval '{}' --data '{}'", model, data);
  REQUIRE(run_tare(fmt::format("{} --save '{}'", train, whole)).exit_code == 0);
  // As PyTorch saves it with track_running_stats=False, behind a Flatten, in a module that calls it net.
  const Safetensors saved = read_safetensors(whole);
  Safetensors contents;
  for (const auto& [name, tensor] : saved.tensors) {
    const bool statistic = contains(name, "running_") || contains(name, "tracked");
    if (!statistic) contents.tensors[fmt::format("net.{}{}", name[0] - '0' + 1, name.substr(1))] = tensor;
  }
  write_safetensors(model, contents);
  const std::string pixels = path("seven.pgm");
  write_file(pixels, "P5 8 8 255\n" + std::string(64, '7'));
  const std::string predict = fmt::format("predict '{}' '{}' --as-is", model, pixels);

  const struct {
    std::string words;
    int exit_code;
    const char* message;
  } cases[] = {
      {eval, 1, "net.2.weight: of a LayerNorm, or of a BatchNorm without running statistics"},
      {eval + " --json --quiet", 1, "take --norm layer or --norm batch"},
      {predict, 1, "take --norm layer or --norm batch"},
      {eval + " --norm batch", 2, "its BatchNorm has no running statistics: only tare eval --statistics batch"},
      {predict + " --norm batch", 2, "its BatchNorm has no running statistics"},
      {fmt::format("eval '{}' --data '{}' --norm layer", whole, data), 2, "--norm: expected a model with LayerNorm"},
      {eval + " --norm none", 2, "--norm: expected layer, batch, found \"none\""}};
  for (const auto& c : cases) {
    CAPTURE(c.words);
    const Outcome done = run_tare(c.words);
    CHECK(done.exit_code == c.exit_code);
    CHECK_MESSAGE(contains(done.err, c.message), done.err);
    CHECK(one_line(done.err));
    CHECK(done.out.empty());
  }
  const auto loss = [&](const std::string& words) {
    const Outcome done = run_tare(words + " --json");
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    return json::parse(done.out)["test_loss"].get<double>();
  };
  for (const char* how : {"batch --batch 100", "again"}) {
    CHECK(loss(fmt::format("{} --norm batch --statistics {}", eval, how)) ==
          loss(fmt::format("eval '{}' --data '{}' --statistics {}", whole, data, how)));
  }
  CHECK(loss(eval + " --norm layer") > loss(eval + " --norm batch --statistics again"));
  CHECK(run_tare(predict + " --norm layer").exit_code == 0);
  CHECK(contains(run_tare(fmt::format("fold '{}' '{}'", model, path("out"))).err, "net.2.weight: of a LayerNorm, or"));
}

TEST_CASE_FIXTURE(Fixture, "a file that is no model says what it is") {
  const std::string text = path("README.md");
  write_file(text, "# A heading\n\nAnd some text, longer than eight bytes.\n");
  for (const std::string& words :
       {fmt::format("eval '{}'", text), fmt::format("predict '{}' x.png", text),
        fmt::format("fold '{}' '{}'", text, path("out")), fmt::format("{} --init '{}'", train, text),
        fmt::format("train --resume '{}'", text)}) {
    CAPTURE(words);
    const Outcome done = run_tare(words);
    CHECK(done.exit_code == 1);
    CHECK_MESSAGE(contains(done.err, text + ": expected a safetensors file, found text"), done.err);
    CHECK(one_line(done.err));
  }
}

TEST_CASE_FIXTURE(Fixture, "double agrees with float, and is another computation") {
  const auto loss = [&](const char* precision) {
    return json::parse(run_tare(fmt::format("{} --json --epochs 1 --precision {}", train, precision)).out)["train_loss"]
        .get<double>();
  };
  const double single = loss("float"), twice = loss("double");
  CHECK(single != twice);
  CHECK(single == doctest::Approx(twice).epsilon(1e-4));
}

TEST_CASE_FIXTURE(Fixture, "every optimizer, activation and BatchNorm variant learns") {
  for (const char* words : {"--optimizer sgd --momentum 0", "--optimizer adam --lr 0.01", "--optimizer adamw --lr 0.01",
                            "--activation sigmoid", "--activation tanh", "--batchnorm composed", "--norm layer",
                            "--dropout 0.1", "--clip 1", "--init-scale normal:0.1", "--pixels unit",
                            "--weight-decay 1e-4", "--noise 0.2", "--augment elastic:0.2,shift:0.2"}) {
    CAPTURE(words);
    const Outcome done = run_tare(fmt::format("{} --epochs 6 --json {}", train, words));
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    CHECK(json::parse(done.out)["test_accuracy"] > 0.8);
  }
}

TEST_CASE_FIXTURE(Fixture, "a diverged run ends with 3, null for what is not finite, and no model") {
  const std::string model = path("model.safetensors");
  const Outcome done =
      run_tare(fmt::format("{} --norm none --lr 1e30 --json --save '{}' --log '{}'", train, model, path("log.csv")));
  CHECK(done.exit_code == 3);
  CHECK(json::parse(done.out)["train_loss"].is_null());
  CHECK(contains(done.err, "the loss is nan in step"));  // without the sign that some processors give it
  CHECK(contains(read_file(path("log.csv")), ",nan,"));
  CHECK_FALSE(fs::exists(model));
}

TEST_CASE_FIXTURE(Fixture, "bad usage is one line that names the option, and exit 2") {
  const struct {
    const char *words, *named;
  } cases[] = {{"--lr abc", "--lr"},
               {"--lr -1", "--lr"},
               {"--lr nan", "--lr"},
               {"--lr 1e999", "--lr"},
               {"--lr 0.1x", "--lr"},
               {"--lr", "--lr"},
               {"--hidden 0", "--hidden"},
               {"--hidden 16,,8", "--hidden"},
               {"--hidden 16,x", "--hidden"},
               {"--hidden 99999999999999999999", "--hidden"},
               {"--batch 0", "--batch"},
               {"--batch 1", "--batch"},
               {"--batch 1.5", "--batch"},
               {"--epochs 0", "--epochs"},
               {"--steps -3", "--steps"},
               {"--dropout 1", "--dropout"},
               {"--dropout -0.1", "--dropout"},
               {"--momentum 1", "--momentum"},
               {"--optimizer adam --momentum 0.5", "--momentum"},
               {"--optimizer rmsprop", "--optimizer"},
               {"--norm group", "--norm"},
               {"--activation gelu", "--activation"},
               {"--bias no", "--bias"},
               {"--schedule step", "--schedule"},
               {"--schedule step:0,0.1", "--schedule"},
               {"--schedule cosine:x", "--schedule"},
               {"--clip 0", "--clip"},
               {"--weight-decay -1", "--weight-decay"},
               {"--noise -0.1", "--noise"},
               {"--augment ''", "--augment"},
               {"--augment shift", "--augment: shift"},
               {"--augment shift:-1", "--augment: shift"},
               {"--augment rotate:181", "--augment: rotate"},
               {"--augment shift:1,", "--augment"},
               {"--augment shift:1,shift:2", "--augment"},
               {"--augment shear:1", "--augment"},
               {"--init-scale normal", "--init-scale"},
               {"--pixels grey", "--pixels"},
               {"--threads 0", "--threads"},
               {"--seed -1", "--seed"},
               {"--log-every 0", "--log-every"},
               {"--batchnorm other", "--batchnorm"},
               {"--frobnicate", "--frobnicate"},
               {"stray", "stray"}};
  for (const auto& c : cases) {
    const std::string words = c.words, named = c.named;  // clang 14 cannot capture a structured binding
    CAPTURE(words);
    const Outcome done = run_tare(fmt::format("{} {}", train, words));
    CHECK(done.exit_code == 2);
    CHECK(contains(done.err, named));
    CHECK(one_line(done.err));
    CHECK(done.out.empty());
  }
  CHECK(run_tare("").exit_code == 2);
  const Outcome misspelt = run_tare("trian --epochs 3");
  CHECK(misspelt.exit_code == 2);
  CHECK(contains(misspelt.err, "expected train, eval, "));
  CHECK(contains(misspelt.err, "found \"trian\"; did you mean train?"));
  CHECK(contains(run_tare("data mak").err,
                 "expected make, fetch, show, found \"mak\"; did you mean make?; tare data --help"));
  CHECK(run_tare("eval").exit_code == 2);
  // In the order in which they were given.
  CHECK(contains(run_tare("train --quiet=false").err, "--quiet: takes no value; tare train --help"));
  CHECK(contains(run_tare("train --epoch 3 second").err, "not expected: --epoch 3 second; did you mean --epochs?"));
  CHECK(contains(run_tare("train --leraning-rte 3").err, "not expected: --leraning-rte 3; tare train --help"));
  CHECK(contains(run_tare("predict model -x.png").err, "not expected: -x.png; tare predict --help"));
  write_file(path("-x.png"), "");
  CHECK(contains(run_tare("predict model -x.png", fmt::format("cd '{}' &&", path(""))).err,
                 "not expected: -x.png; did you mean the file ./-x.png?"));
}

TEST_CASE_FIXTURE(Fixture, "what can hardly be meant is done, and said") {
  const std::pair<const char*, const char*> cases[] = {
      {"--lr 0", "\n--lr 0: nothing is learned\n"},
      {"--schedule step:1,0", "\n--schedule step:1,0: nothing is learned after epoch 1\n"},
      {"--schedule cosine:31",
       "\n--schedule cosine:31: the warm-up is longer than the run of 30 steps; --lr is never "}};
  for (const auto& [words, notice] : cases) {
    const Outcome done = run_tare(fmt::format("{} {}", train, words));
    CHECK(done.exit_code == 0);
    CHECK_MESSAGE(contains(done.err, notice), done.err);
  }
  for (const char* words : {"--schedule step:3,0", "--schedule cosine:30", "--schedule step:1,0.1"}) {
    CHECK_FALSE(contains(run_tare(fmt::format("{} {}", train, words)).err, "--schedule"));
  }
  CHECK(run_tare(train + " --lr 0 --quiet").err.empty());
  const Outcome compared = run_tare(fmt::format(
      "compare --data '{}' --out '{}' --steps 2 --seeds 1 --lrs 0,0.1 --variant a:--hidden=4", data, path("out")));
  CHECK(compared.exit_code == 0);
  CHECK(contains(compared.err, "\n--lr 0: nothing is learned\n"));
}

TEST_CASE_FIXTURE(Fixture, "images that cannot be distorted so far are an error before training") {
  const Outcome far = run_tare(train + " --augment rotate:9,shift:5");
  CHECK(far.exit_code == 1);
  CHECK(contains(far.err, "--augment: shift: expected a number from 0 to 4, found 5"));
  const Outcome points = run_tare("train --data moons --augment rotate:9");
  CHECK(points.exit_code == 1);
  CHECK(contains(points.err, "--augment: expected images of at least 4 x 4 pixels, found 1 x 2"));
  CHECK(one_line(points.err));
}

// Runs `tare`, its standard streams as `streams` says: "2>&-" closes standard error.
int exit_code_with(const std::string& words, const std::string& streams) {
  const int status = std::system(fmt::format("'{}' {} {}", TARE_PROGRAM, words, streams).c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE_FIXTURE(Fixture, "a closed or full standard stream changes no file; only standard output's is an error") {
  const std::string words = fmt::format("{} --log '{}' --save '{}'", train, path("log"), path("model"));
  REQUIRE(exit_code_with(words, ">/dev/null 2>&1") == 0);
  const std::string log = read_file(path("log")), model = read_file(path("model"));
  const struct {
    const char* streams;
    int exit_code;
  } cases[] = {
      {">/dev/null 2>&-", 0}, {">/dev/null 2>/dev/full", 0}, {">&- 2>/dev/null", 1}, {">/dev/full 2>/dev/null", 1}};
  for (const auto& c : cases) {
    CAPTURE(c.streams);
    fs::remove(path("model"));
    CHECK(exit_code_with(words, c.streams) == c.exit_code);
    CHECK(read_file(path("log")) == log);
    CHECK(read_file(path("model")) == model);
    CHECK(exit_code_with("train --lr x", c.streams) == 2);
    CHECK(exit_code_with("eval none", c.streams) == 1);
  }
}

// Runs `tare` in a folder whose file `all` its output goes to, behind a line that is there: "{} >>all" says how.
std::string appended(const fs::path& folder, const std::string& words, const char* streams, int expected) {
  write_file(folder / "all", "precious\n");
  const std::string command =
      fmt::format("cd '{}' && {{ echo header; '{}' {}; }} {}", folder.string(), TARE_PROGRAM, words, streams);
  const int status = std::system(command.c_str());
  CHECK_MESSAGE(WEXITSTATUS(status) == expected, words);
  return read_file(folder / "all");
}

TEST_CASE_FIXTURE(Fixture, "an output that is a standard stream, or the file behind one, overwrites nothing") {
  const std::string header = std::string(kLogHeader) + "\n", words = train + " --quiet --json";
  fs::create_symlink("/dev/stdout", path("link"));
  for (const char* name : {"/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1", "link"}) {
    for (const char* streams : {">>all 2>/dev/null", ">all 2>/dev/null"}) {
      CAPTURE(name);
      const std::string text = appended(folder.path(), fmt::format("{} --log {}", words, name), streams, 0);
      const bool kept = std::string(streams).starts_with(">>");
      CHECK(text.starts_with((kept ? "precious\nheader\n" : "header\n") + header + "10,1,0.05,"));
      CHECK(contains(text, "\n{\"test_accuracy\":"));
      CHECK(std::ranges::count(text, '\n') == (kept ? 1 : 0) + 1 + 1 + 3 + 1);
    }
  }
  CHECK(
      appended(folder.path(), words + " --log /dev/stderr", "2>>all >/dev/null", 0).starts_with("precious\n" + header));
  CHECK(appended(folder.path(), words + " --log /dev/fd/7", "7>>all >/dev/null", 0).starts_with("precious\n" + header));
  CHECK(appended(folder.path(), words + " --log /dev/fd/93", ">>all 2>&1", 1) ==
        "precious\nheader\ntare: /dev/fd/93: cannot be written: Bad file descriptor\n");

  // What is replaced as a whole needs a name; and no name may be that of the file behind a stream.
  REQUIRE(run_tare(fmt::format("{} --save '{}'", train, path("model"))).exit_code == 0);
  const std::string plane = "train --data moons --steps 2 --quiet --picture", show = "data show data --png",
                    eval = "eval model --data data --quiet --worst", fold = "fold model";
  for (const std::string& writes :
       {words + " --save", words + " --checkpoint", words + " --plot", plane, show, eval, fold, words + " --log"}) {
    CAPTURE(writes);
    if (!writes.ends_with("--log")) {
      CHECK(contains(appended(folder.path(), writes + " /dev/stdout", ">>all 2>&1", 1),
                     "precious\nheader\ntare: /dev/stdout: cannot be written: expected the name of a file"));
    }
    CHECK(contains(appended(folder.path(), writes + " ./all", ">>all 2>&1", 2),
                   ": expected another file than standard output, found ./all\n"));
    CHECK(appended(folder.path(), writes + " all", "2>>all >/dev/null", 2).starts_with("precious\ntare: "));
  }
}

TEST_CASE_FIXTURE(Fixture, "notices and summaries are one line each, whatever a name contains") {
  const std::string odd = path("a\x1b[31m\nb\xe2\x80\xae");
  fs::copy(data, odd);
  const Outcome done = run_tare(fmt::format("train --data '{}' --hidden 4 --steps 2 --save '{}'", odd, odd + ".model"));
  CHECK(done.exit_code == 0);
  CHECK(contains(done.err, "a?[31m?b?: 330 training"));
  CHECK(contains(done.out, "a?[31m?b?.model\n"));
  const Outcome shown = run_tare(fmt::format("data show '{}'", odd));
  CHECK(contains(shown.out, "a?[31m?b?\n"));
  for (const std::string& text : {done.err, done.out, shown.out}) CHECK_FALSE(contains(text, "\x1b"));
}

TEST_CASE_FIXTURE(Fixture, "no output takes the place of an input or of another output, whatever it is called") {
  REQUIRE(run_tare(fmt::format("{} --save '{}' --checkpoint '{}'", train, path("model"), path("run"))).exit_code == 0);
  fs::create_symlink("later", path("link"));
  fs::create_directory_symlink(folder.path(), path("here"));
  const std::map<std::string, std::string> before{{"model", read_file(path("model"))}, {"run", read_file(path("run"))}};
  const std::string images = "train-images-idx3-ubyte", pixels = read_file(path("data/" + images));
  const struct {
    std::string words, message;
  } cases[] = {{train + " --init model --log model", "--log: expected another file than --init, found model"},
               {train + " --save new --log ./new", "--log: expected another file than --save"},
               {train + " --save new --checkpoint here/new", "--checkpoint: expected another file than --save"},
               {train + " --save link --log later", "--log: expected another file than --save"},
               {train + " --log data/" + images, "--log: expected another file than --data"},
               {"train --resume run --epochs 4 --log here/run", "--log: expected another file than --resume"},
               {"eval model --data data --worst model", "--worst: expected another file than MODEL"},
               {"data show data --png data/" + images, "--png: expected another file than the data"}};
  for (const auto& c : cases) {
    CAPTURE(c.words);
    const Outcome done = run_tare(c.words, fmt::format("cd '{}' &&", folder.path().string()));
    CHECK(done.exit_code == 2);
    CHECK(contains(done.err, c.message));
  }
  for (const auto& [name, bytes] : before) CHECK(read_file(path(name)) == bytes);
  CHECK(read_file(path("data/" + images)) == pixels);
  CHECK_FALSE(fs::exists(path("new")));
  CHECK_FALSE(fs::exists(path("later")));
  // What has been read may be replaced.
  CHECK(run_tare(fmt::format("{0} --init '{1}' --save '{1}'", train, path("model"))).exit_code == 0);
  CHECK(run_tare("train --resume run --checkpoint run --epochs 4", fmt::format("cd '{}' &&", path(""))).exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "batch 1 trains without BatchNorm") {
  CHECK(run_tare(train + " --norm none --batch 1 --steps 5").exit_code == 0);
  CHECK(run_tare(train + " --norm layer --batch 1 --steps 5").exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "bad data and paths are one line that names the file, exit 1, and nothing is written") {
  const std::string log = path("log.csv"), model = path("model.safetensors");
  const auto fails = [&](const std::string& words, const std::string& named) {
    CAPTURE(words);
    const Outcome done = run_tare(words);
    CHECK(done.exit_code == 1);
    CHECK_MESSAGE(contains(done.err, named), done.err);
    CHECK(one_line(done.err));
    CHECK(done.out.empty());
  };
  const std::string both = fmt::format("{} --log '{}' --save '{}'", train, log, model);
  const std::string images = data + "/train-images-idx3-ubyte", labels = data + "/train-labels-idx1-ubyte";
  const std::string good_images = read_file(images), good_labels = read_file(labels);

  write_file(images, good_images.substr(0, 1000));
  fails(both, "train-images-idx3-ubyte: truncated");
  write_file(images, "<!DOCTYPE html><html>not found</html>");
  fails(both, "HTML");
  write_file(images, good_labels);
  write_file(labels, good_images);
  fails(both, "swapped");
  write_file(images, good_images);
  write_file(labels, good_labels.substr(0, 4) + std::string("\0\0\0\5", 4) + "01234");
  fails(both, "one label for each");
  fs::remove(labels);
  fails(both, "train-labels");
  write_file(labels, good_labels);

  fails(fmt::format("train --data '{}/nowhere'", data), "nowhere");
  fails(both + " --batch 331", "--batch");
  fails(fmt::format("{} --save '{}/no/model'", train, data), "no/model");
  fails(fmt::format("{} --save '{}'", train, data), data);
  REQUIRE(mkfifo(path("fifo").c_str(), 0600) == 0);
  fails(fmt::format("{} --save '{}'", train, path("fifo")), "fifo: cannot be written: not a regular file");
  fails(fmt::format("{} --log '{}/no/log.csv'", train, data), "no/log.csv");
  fails(fmt::format("{} --log '{}'", train, data), data);
  fails(fmt::format("{} --log /dev/full", train), "/dev/full");
  fails(fmt::format("{} --log '{}'", train, path("fifo")), "fifo: cannot be written: nobody reads this pipe");
  fails(fmt::format("{} --init '{}/none.safetensors'", train, data), "none.safetensors");
  fails(fmt::format("{} --init '{}'", both, labels), "train-labels");
  fails(fmt::format("eval '{}' --data '{}'", labels, data), "train-labels");
  fails(fmt::format("eval '{}/none' --data '{}'", data, data), "none");
  fails(both + " --hidden 900000,900000", "--hidden");
  CHECK_FALSE(fs::exists(log));
  CHECK_FALSE(fs::exists(model));
  const Outcome no_mnist = run_tare("train --data mnist", fmt::format("cd '{}' && TARE_DATA=", data));
  CHECK(no_mnist.exit_code == 1);
  CHECK(contains(no_mnist.err, "--data DIR"));
  CHECK(run_tare("train --epochs 1 --hidden 8 --batch 32", fmt::format("cd / && TARE_DATA='{}'", data)).exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "without MNIST, training and evaluation use the built-in digits and say so") {
  const std::string nowhere = fmt::format("cd '{}' && TARE_DATA=", data);
  const Outcome trained = run_tare(fmt::format("train --steps 20 --hidden 16 --save '{}'", path("model")), nowhere);
  CHECK(trained.exit_code == 0);
  CHECK(contains(trained.err,
                 "Data: the built-in digits, as MNIST is neither in $TARE_DATA nor in data/mnist: 60,000 "
                 "training and 10,000 test images of 28 x 28, 10 classes\n"));
  const Outcome scored = run_tare(fmt::format("eval '{}' --data digits", path("model")));
  CHECK(scored.exit_code == 0);
  CHECK(contains(scored.err, "Data: the built-in digits: 10,000 test images"));
  CHECK(scored.out.substr(0, scored.out.find('\n')) == trained.out.substr(0, trained.out.find('\n')));
}

TEST_CASE_FIXTURE(Fixture, "a toy set is learned and its regions are drawn") {
  const Outcome run = run_tare(fmt::format("train --data spirals --picture '{}'", path("regions.png")));
  CHECK(run.exit_code == 0);
  CHECK(contains(run.out, "Test accuracy  100.00 %") + contains(run.out, "Test accuracy  99.") == 1);
  std::istringstream lines(run.out.substr(run.out.find("regions, and test samples") + 1));
  int rows = 0;
  for (std::string line; std::getline(lines, line);) rows += contains(line, "░") || contains(line, "0");
  CHECK(rows >= 25);
  const GrayImage picture = read_image(path("regions.png"));
  CHECK(picture.rows == 512);
  CHECK(picture.cols == 512);

  const Outcome json = run_tare("train --data moons --steps 5 --json --quiet");
  CHECK(std::ranges::count(json.out, '\n') == 1);
  const Outcome images = run_tare(fmt::format("{} --picture '{}'", train, path("none.png")));
  CHECK(images.exit_code == 1);
  CHECK(contains(images.err, "--picture: expected data of 2 numbers a sample"));
  CHECK_FALSE(fs::exists(path("none.png")));
}

TEST_CASE_FIXTURE(Fixture, "a failing run leaves an older log and model as they were") {
  const std::string log = path("log.csv"), model = path("model.safetensors");
  write_file(log, "old log");
  write_file(model, "old model");
  run_tare(fmt::format("{} --batch 1000 --log '{}' --save '{}'", train, log, model));
  CHECK(read_file(log) == "old log");
  CHECK(read_file(model) == "old model");
}

TEST_CASE_FIXTURE(Fixture, "eval refuses a model that contradicts the options or the data") {
  const std::string two = path("two");
  REQUIRE(run_tare(fmt::format("train --data moons --hidden 3 --steps 2 --save '{}'", two)).exit_code == 0);
  const Outcome fewer = run_tare(fmt::format("eval '{}' --data blobs", two));
  CHECK(fewer.exit_code == 1);
  CHECK(contains(fewer.err, two + ": the model knows 2 classes, but a label in blobs is 2"));
  const std::string model = path("model.safetensors");
  REQUIRE(run_tare(fmt::format("{} --activation tanh --save '{}'", train, model)).exit_code == 0);
  CHECK(run_tare(fmt::format("eval '{}' --data '{}' --activation relu", model, data)).exit_code == 2);
  CHECK(run_tare(fmt::format("eval '{}' --data '{}' --activation tanh", model, data)).exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "eval normalizes by running statistics, by each batch's own, or by ones made again") {
  const std::string model = path("model"), plain = path("plain"),
                    eval = fmt::format("eval '{}' --data '{}'", model, data);
  // Of three steps the running statistics are a poor average.
  REQUIRE(run_tare(fmt::format("{} --dropout 0.2 --steps 3 --save '{}'", train, model)).exit_code == 0);
  REQUIRE(run_tare(fmt::format("{} --norm layer --steps 3 --save '{}'", train, plain)).exit_code == 0);
  const auto scores = [&](const std::string& words) {
    const Outcome done = run_tare(eval + " --json " + words);
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    json result = json::parse(done.out);
    result.erase("seconds");
    return result;
  };
  const json running = scores(""), by_batch = scores("--statistics batch --batch 99"),
             again = scores("--statistics again");
  CHECK(scores("--statistics running") == running);
  CHECK_FALSE(running.contains("statistics"));
  CHECK_FALSE(running.contains("batch"));
  CHECK(by_batch["statistics"] == "batch");
  CHECK(by_batch["batch"] == 99);
  CHECK(by_batch["samples"] == 100);
  CHECK(again["statistics"] == "again");
  CHECK(again["batch"] == 128);
  CHECK(by_batch["test_loss"] < running["test_loss"]);
  CHECK(again["test_loss"] < running["test_loss"]);
  CHECK(again["test_loss"] != by_batch["test_loss"]);
  CHECK(scores("--statistics again --threads 3") == again);
  // The single sample behind 99 is taken with them; the two behind 98 are a batch.
  CHECK(scores("--statistics batch --batch 100")["test_loss"] == by_batch["test_loss"]);
  CHECK(scores("--statistics batch --batch 98")["test_loss"] != by_batch["test_loss"]);
  CHECK(
      contains(run_tare(eval + " --statistics batch --batch 50").out, "each batch's own statistics, 50 test samples"));
  CHECK(contains(run_tare(eval + " --statistics again --batch 50").out, "new statistics, from batches of 50 training"));
  CHECK_FALSE(contains(run_tare(eval).out, "statistics"));

  const struct {
    std::string words;
    int exit_code;
    const char* message;
  } cases[] = {
      {eval + " --batch 50", 2, "--batch: expected only with --statistics batch or again, found running"},
      {eval + " --statistics batch --batch 1", 2, "--batch: expected a whole number from 2 "},
      {eval + " --statistics none", 2, "--statistics: expected running, batch, again"},
      {fmt::format("eval '{}' --data '{}' --statistics batch", plain, data), 2, "a model with BatchNorm, found"},
      {fmt::format("eval '{}' --data '{}' --statistics again", plain, data), 2, "a model with BatchNorm, found"},
      {eval + " --statistics batch", 1, "--batch: expected 2 to 100 test samples, found 128"},
      {eval + " --statistics again --batch 331", 1, "--batch: expected 2 to 330 training samples, found 331"}};
  for (const auto& c : cases) {
    CAPTURE(c.words);
    const Outcome done = run_tare(c.words);
    CHECK(done.exit_code == c.exit_code);
    CHECK_MESSAGE(contains(done.err, c.message), done.err);
    CHECK(one_line(done.err));
    CHECK(done.out.empty());
  }
}

TEST_CASE("help has defaults, an example and exit codes, and fits in 80 columns") {
  const std::string all = run_tare("help").out;
  CHECK(all == run_tare("--help").out);
  std::vector<std::string> commands{"", "data make", "data fetch", "data show"};
  const std::regex row("\n  ([a-z]+) ");
  const std::string listed = all.substr(all.find("\nCommands"), all.find("\nHelp") - all.find("\nCommands"));
  for (std::sregex_iterator i(listed.begin(), listed.end(), row), end; i != end; ++i) commands.push_back((*i)[1]);
  REQUIRE(commands.size() >= 15);
  for (const std::string& command : commands) {
    const Outcome help = run_tare("help " + command);
    CAPTURE(command);
    CHECK(help.exit_code == 0);
    CHECK(help.out == run_tare(command + " --help").out);
    CHECK(contains(help.out, "\nExample\n  tare"));
    CHECK(contains(help.out, "usage: an unknown option"));
    std::istringstream lines(help.out);
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= 80, line);
  }
  const std::string train = run_tare("train --help").out;
  CHECK(contains(train, "[256,128]"));
  CHECK(contains(train, "--norm batch|layer|none"));
  std::size_t at = 0;
  for (const char* group : {"\nData\n", "\nNetwork\n", "\nOptimizer\n", "\nRun\n", "\nOutput\n", "\nHelp\n"}) {
    CAPTURE(group);
    CHECK(train.find(group) > at);
    at = train.find(group);
  }
  CHECK(at != train.npos);
  CHECK(contains(run_tare("help dta").err, "found \"dta\"; did you mean data?"));
}

// tests/parity/reference.py made the weights, the data and PyTorch's losses and scores.
TEST_CASE("losses agree with PyTorch's step by step") {
  const TemporaryFolder folder;
  const std::string parity = TARE_PARITY_FOLDER, log = (folder / "log.csv").string(),
                    model = (folder / "model").string();
  std::map<std::string, std::vector<double>> expected_losses;
  for (const auto& row : read_csv(parity + "/losses.csv", "case,precision,step,loss")) {
    expected_losses[row[0] + "," + row[1]].push_back(std::stod(row[3]));
  }
  std::map<std::string, std::pair<double, double>> expected_scores;
  for (const auto& row : read_csv(parity + "/final.csv", "case,precision,test_loss,test_accuracy")) {
    expected_scores[row[0] + "," + row[1]] = {std::stod(row[2]), std::stod(row[3])};
  }
  const auto cases = read_csv(parity + "/cases.csv", "case,options");
  REQUIRE(cases.size() >= 36);
  for (const auto& row : cases) {
    for (const std::string& precision : {std::string("float"), std::string("double")}) {
      const std::string& name = row[0];
      const std::string key = name + (precision == "float" ? ",float32" : ",float64");
      CAPTURE(key);
      const Outcome done = run_tare(fmt::format(
          "train --data '{0}/data' --init '{0}/init-{1}.safetensors' --hidden 24,16 --batch 32 --steps 60 --no-shuffle "
          "--log-every 1 --json --precision {2} --log '{3}' --save '{4}' {5}",
          parity, name.substr(0, name.find('-')), precision, log, model, row[1]));
      REQUIRE_MESSAGE(done.exit_code == 0, done.err);
      const auto rows = read_csv(log, kLogHeader);
      const std::vector<double>& expected = expected_losses.at(key);
      REQUIRE(rows.size() == 60);
      REQUIRE(expected.size() == 60);
      for (std::size_t i = 0; i < rows.size(); ++i) {
        const double bound = precision == "double" ? 1e-9 : i < 10 ? 2e-5 : 1e-3;
        CAPTURE(i);
        CHECK(std::abs(std::stod(rows[i][3]) - expected[i]) <= bound * expected[i]);
      }
      const json result = json::parse(done.out);
      CHECK(result["test_accuracy"].get<double>() == doctest::Approx(expected_scores.at(key).second).epsilon(1e-12));
      CHECK(result["test_loss"].get<double>() ==
            doctest::Approx(expected_scores.at(key).first).epsilon(precision == "double" ? 1e-9 : 1e-4));
    }
  }
}

TEST_CASE("on MNIST one epoch reaches 96 %") {
  const char* folder = std::getenv("TARE_DATA");
  if (folder == nullptr || !fs::exists(folder)) {
    MESSAGE("skipped: TARE_DATA names no folder with MNIST");
    return;
  }
  for (const auto& [bias, parameters] : {std::pair("auto", 235530), std::pair("keep", 235914)}) {
    const Outcome done = run_tare(fmt::format("train --data '{}' --epochs 1 --json --bias {}", folder, bias));
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    const json result = json::parse(done.out);
    CHECK(result["test_accuracy"] > 0.96);
    CHECK(result["parameters"] == parameters);
  }
}

}  // namespace
}  // namespace tare::testing
