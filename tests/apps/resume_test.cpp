// A run that goes on from a checkpoint is the run that was never stopped, to the last bit of its weights and its log.
#include <tare/apps/cli/options.h>
#include <tare/layers/linear.h>
#include <tare/optim/training/checkpoint.h>
#include "tests/apps/log_header.h"
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

namespace tare {
namespace {

namespace fs = std::filesystem;
using testing::Outcome;
using testing::read_file;
using testing::run_tare;
using testing::TemporaryFolder;
using testing::write_file;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// ---- In one process: from every step, for every part of the state ---------------------------------------------------

DataSet noise_data() {
  Random random(3, Random::Stream{4});
  auto set = [&](std::int64_t count) {
    ImageSet images{.count = count, .rows = 4, .cols = 4, .pixels = {}, .labels = {}};
    for (std::int64_t i = 0; i < count * 16; ++i) images.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
    for (std::int64_t i = 0; i < count; ++i) images.labels.push_back(static_cast<int>(random.below(4)));
    return images;
  };
  return {.train = set(53), .test = set(20), .classes = 4};
}

bool same(const Safetensors& a, const Safetensors& b) {
  return std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.shape == y.second.shape && x.second.bytes == y.second.bytes;
  });
}

struct Run {
  Run(const DataSet& data, const TrainOptions& options, std::uint64_t seed)
      : data(data), options(options), model(make_mlp(options.network, seed)), state(model, options) {}

  // Trains until `end` steps are done and returns what was seen of each.
  std::string go_on(std::int64_t end) {
    std::string seen;
    Workers workers(options.threads);
    TrainingHooks hooks;
    hooks.should_stop = [&] { return state.step == end; };
    hooks.after_step = [&](const StepRecord& s) {
      CHECK(state.step == s.step);
      seen += fmt::format("{} {} {} {} {} {} {} {} {}\n", s.step, s.epoch, s.lr, s.loss, s.accuracy, s.epoch_loss,
                          s.epoch_accuracy, s.evaluation == nullptr ? 0 : s.evaluation->loss,
                          s.validation == nullptr ? 0 : s.validation->loss);
    };
    TrainingData samples = training_data(data, options.pixels);
    if (options.keep == Keep::best) samples.validation.emplace(*samples.test);
    const TrainingResult result = train(model, state, samples, options, workers, hooks);
    CHECK(result.stopped == (end < plan_training(options, data.train.count).steps));
    CHECK(result.last.step == end);
    return seen;
  }

  const DataSet& data;
  TrainOptions options;
  Sequential model;
  RunState state;
};

TEST_CASE("from every step, for every optimizer, schedule and layer") {
  using Schedule = ScheduleOptions;
  const std::map<std::string, std::function<void(TrainOptions&)>> variants{
      {"sgd", [](TrainOptions& o) { o.momentum = 0; }},
      {"momentum", [](TrainOptions&) {}},
      {"decay, clipping", [](TrainOptions& o) { o.weight_decay = 0.01, o.clip = 0.5; }},
      {"adam", [](TrainOptions& o) { o.optimizer = OptimizerKind::adam; }},
      {"adamw", [](TrainOptions& o) { o.optimizer = OptimizerKind::adamw, o.weight_decay = 0.1; }},
      {"step", [](TrainOptions& o) { o.schedule = {.kind = Schedule::Kind::step, .period = 1, .gamma = 0.5}; }},
      {"cosine", [](TrainOptions& o) { o.schedule = {.kind = Schedule::Kind::cosine}; }},
      {"warm-up", [](TrainOptions& o) { o.schedule = {.kind = Schedule::Kind::cosine, .warmup = 7}; }},
      {"no normalization", [](TrainOptions& o) { o.network.norm = Norm::none; }},
      {"layer normalization", [](TrainOptions& o) { o.network.norm = Norm::layer; }},
      {"dropout", [](TrainOptions& o) { o.network.dropout = 0.3; }},
      {"dropout, adam", [](TrainOptions& o) { o.network.dropout = 0.5, o.optimizer = OptimizerKind::adam; }},
      {"the best", [](TrainOptions& o) { o.keep = Keep::best, o.eval_every = 2, o.lr = 0.5; }},
      {"no shuffle, tanh", [](TrainOptions& o) { o.shuffle = false, o.network.activation = Activation::tanh; }},
      {"noise", [](TrainOptions& o) { o.noise = 0.5; }},
      {"distorted", [](TrainOptions& o) { o.augment = {.shift = 1, .rotate = 30, .elastic = 1}; }},
      {"kept biases, sigmoid",
       [](TrainOptions& o) { o.network.bias = BiasRule::keep, o.network.activation = Activation::sigmoid; }}};
  const DataSet data = noise_data();
  for (const auto& [name, change] : variants) {
    const std::string variant = name;  // clang 14 cannot capture a structured binding
    INFO(variant);
    TrainOptions options;
    options.network = {.in = 16, .hidden = {6, 5}, .out = 4};
    options.lr = 0.05;
    options.batch = 8;  // six steps an epoch, five samples left over
    options.steps = 21;
    change(options);

    Run whole(data, options, 1);
    const std::string expected = whole.go_on(21);
    const Safetensors expected_state = make_checkpoint(whole.model, whole.state, {});
    for (std::int64_t step = 0; step <= 21; ++step) {
      CAPTURE(step);
      Run first(data, options, 1), second(data, options, 2);  // the second has other weights and another dropout
      const std::string before = first.go_on(step);
      load_checkpoint(make_checkpoint(first.model, first.state, {}), "file", second.model, second.state);
      CHECK(before + second.go_on(21) == expected);
      CHECK(same(make_checkpoint(second.model, second.state, {}), expected_state));
    }
  }
}

TEST_CASE("a checkpoint that does not fit changes nothing") {
  const DataSet data = noise_data();
  TrainOptions options;
  options.network = {.in = 16, .hidden = {6}, .out = 4, .dropout = 0.5};
  options.batch = 8;
  options.epochs = 1;
  Run run(data, options, 1);
  run.go_on(3);
  const Safetensors good = make_checkpoint(run.model, run.state, {});

  auto refused = [&](const std::string& tensor, const auto& change) {
    Safetensors changed = good;
    change(changed.tensors);
    CAPTURE(tensor);
    try {
      load_checkpoint(changed, "some/file", run.model, run.state);
      FAIL("was loaded");
    } catch (const Error& error) {
      CHECK(contains(error.what(), "some/file: " + tensor));
    }
    CHECK(same(make_checkpoint(run.model, run.state, {}), good));
  };
  using Tensors = std::map<std::string, TensorData>;
  for (const auto& [key, tensor] : good.tensors) {
    const std::string name = key;
    refused(name, [&](Tensors& t) { t.erase(name); });
    refused(name, [&](Tensors& t) { t[name].shape.push_back(2); });
  }
  refused("run.generator.1", [](Tensors& t) { t["run.generator.1"] = t["run.generator.0"]; });
  refused("optimizer.t", [](Tensors& t) { t["optimizer.t"] = t["run.step"]; });
  // Counts and numbers that a file may say and nothing can have, beside others that would fit.
  Run other(data, options, 2);
  other.go_on(5);
  const Tensors fits = make_checkpoint(other.model, other.state, {}).tensors;
  const std::vector<std::byte> minus_one(8, std::byte{0xff});
  for (const char* name : {"run.step", "run.epoch_correct", "model.1.num_batches_tracked"}) {
    refused(name, [&](Tensors& t) { (t = fits)[name].bytes = minus_one; });
  }
  for (const char* name : {"model.0.weight", "model.1.running_var", "model.4.bias"}) {
    refused(name, [&](Tensors& t) { (t = fits)[name].bytes.assign(t[name].bytes.size(), std::byte{0xff}); });
  }
}

TEST_CASE("a checkpoint keeps the generators of layers inside of layers") {
  const auto nested = [](std::uint64_t seed) {
    Sequential block, model;
    block.add(Dropout(0.5, Random(seed, Random::Stream{4})));
    model.add(Linear({.in = 16, .out = 4}));
    model.add(std::move(block));
    return model;
  };
  const TrainOptions options;
  Sequential first = nested(1), second = nested(2);
  RunState state(first, options), other_state(second, options);
  first.generators().at(0)->bits();
  const Safetensors checkpoint = make_checkpoint(first, state, {});
  CHECK(checkpoint.tensors.contains("run.generator.0"));
  load_checkpoint(checkpoint, "file", second, other_state);
  CHECK(second.generators().at(0)->state() == first.generators().at(0)->state());
}

// ---- The program ----------------------------------------------------------------------------------------------------

// A folder with the small data set; commands run in it and name their files without a path.
struct Fixture {
  TemporaryFolder folder;

  Fixture() { testing::write_digits(folder / "data"); }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string contents(const std::string& name) const { return read_file(folder / name); }
  Outcome tare(const std::string& words) const { return run_tare(words, fmt::format("cd '{}' &&", path(""))); }
  void succeeds(const std::string& words) const {
    const Outcome done = tare(words);
    REQUIRE_MESSAGE(done.exit_code == 0, words << ": " << done.err);
  }
  // One line that contains `part`.
  void fails(int code, const std::string& words, const std::string& part) const {
    CAPTURE(words);
    const Outcome done = tare(words);
    CHECK(done.exit_code == code);
    CHECK_MESSAGE(contains(done.err, part), done.err);
    CHECK(std::ranges::count(done.err, '\n') == 1);
    CHECK(done.out.empty());
  }

  // Ten steps an epoch. The first 25 leave a checkpoint at step 25, in the middle of the third epoch, whose run ends
  // there.
  const std::string options = "train --data data --hidden 16 --batch 32 --dropout 0.1 --log-every 4 --quiet";
  const std::string part = options + " --steps 25 --log log.csv --checkpoint run.ckpt --save model";
};

TEST_CASE_FIXTURE(Fixture, "resume needs no other option, and gives the log and the model of the whole run") {
  succeeds(options + " --steps 48 --log whole.csv --save whole.model");
  succeeds(part);
  const std::string early = contents("run.ckpt");
  for (const char* threads : {"1", "3"}) {
    write_file(folder / "run.ckpt", early);
    succeeds(fmt::format("train --resume run.ckpt --steps 48 --threads {} --quiet", threads));
    CHECK(contents("model") == contents("whole.model"));
    // The shorter run has a row for its last step.
    CHECK(std::regex_replace(contents("log.csv"), std::regex("\n25,[^\n]*"), "") == contents("whole.csv"));
  }
}

TEST_CASE_FIXTURE(Fixture, "the best model and the patience go on, too") {
  const std::string uneven =
      "train --data data --batch 20 --hidden 16 --norm none --lr 0.3 --epochs 30 --eval-every 5 --validation 50 "
      "--keep best --patience 2 --log-every 1";
  auto without_time = [](const std::string& text) {
    return std::regex_replace(text, std::regex("\"seconds\":[^,]*"), "");
  };
  const Outcome whole = tare(uneven + " --json --log whole.csv --save whole.model --checkpoint whole.ckpt");
  REQUIRE_MESSAGE(whole.exit_code == 0, whole.err);
  std::smatch found;
  REQUIRE(std::regex_search(whole.out, found, std::regex("\"best_step\":([0-9]+).*\"steps\":([0-9]+)")));
  const int best = std::stoi(found[1]), last = std::stoi(found[2]);
  REQUIRE(best > 5);
  REQUIRE(last < 30 * 14);
  const auto without_row = [](const std::string& log, int step) {
    return std::regex_replace(log, std::regex(fmt::format("\n{},[^\n]*", step)), "");
  };
  for (const int step : {3, best - 1, best, best + 1, last - 14, last - 1, last}) {
    CAPTURE(step);
    succeeds(fmt::format("{} --steps {} --quiet --log log.csv --save model --checkpoint run.ckpt", uneven, step));
    const Outcome on = tare("train --resume run.ckpt --steps 999 --json");
    CHECK(without_time(on.out) == without_time(whole.out));
    // The shorter run was evaluated at its last step.
    CHECK(without_row(contents("log.csv"), step) == without_row(contents("whole.csv"), step));
    CHECK(contents("model") == contents("whole.model"));
    const Safetensors a = read_safetensors(folder / "run.ckpt"), b = read_safetensors(folder / "whole.ckpt");
    CHECK(same(a, b));
    CHECK(a.tensors.contains("best.0.weight"));
  }
  const Outcome finished = tare("train --resume run.ckpt --steps 999");
  CHECK_MESSAGE(contains(finished.err, "the run is finished; a larger --patience would go on"), finished.err);
  CHECK(contents("model") == contents("whole.model"));
  succeeds("train --resume run.ckpt --steps 999 --patience 3 --quiet");
  CHECK(contents("log.csv").size() > contents("whole.csv").size());
}

TEST_CASE_FIXTURE(Fixture, "the log is brought back to the step of the model") {
  succeeds(part);
  const std::string log = contents("log.csv"), checkpoint = contents("run.ckpt");
  const std::size_t last_line = log.rfind('\n', log.size() - 2) + 1;
  for (const std::string& found :
       {log, log + "28,3,0.05,", log + "28,3,0.05,0.5,,\n32,4,0.05,0.5,,\n", log.substr(0, log.size() - 1),
        log.substr(0, log.size() - 9), log + std::string(9, '\0'), log.substr(0, last_line + 1),
        log.substr(0, last_line)}) {
    CAPTURE(found);
    write_file(folder / "log.csv", found);
    succeeds("train --resume run.ckpt --quiet");
    CHECK(contents("log.csv") == log);
  }
  for (const std::string& found : {std::string(), log.substr(0, last_line - 1), "x" + log.substr(1),
                                   std::string("mine\n"), "20" + log.substr(2)}) {
    CAPTURE(found);
    write_file(folder / "log.csv", found);
    write_file(folder / "model", "of a run{");
    fails(1, "train --resume run.ckpt --steps 30 --quiet", "log.csv: ");
    CHECK(contents("log.csv") == found);
    CHECK(contents("model") == "of a run{");
    CHECK(contents("run.ckpt") == checkpoint);
  }
  write_file(folder / "log.csv", log);

  // A log that is not there, or another one, begins anew.
  const std::string header = log.substr(0, log.find('\n') + 1);
  const Outcome other = tare("train --resume run.ckpt --steps 28 --log other.csv");
  CHECK(contains(other.err, "other.csv is new: its rows begin after step 25"));
  CHECK(contents("other.csv").starts_with(header + "28,"));
  CHECK(contents("log.csv") == log);
  // The checkpoint now belongs to that one.
  succeeds("train --resume run.ckpt --steps 30 --quiet");
  CHECK(contents("log.csv") == log);
  CHECK(contains(contents("other.csv"), "\n30,"));
}

TEST_CASE_FIXTURE(Fixture, "options that contradict the saved run are an error that names them, others are taken") {
  succeeds(part);
  const std::map<std::string, std::string> contradictions{{"--activation", "tanh"},
                                                          {"--augment", "rotate:9"},
                                                          {"--batch", "16"},
                                                          {"--batchnorm", "composed"},
                                                          {"--bias", "keep"},
                                                          {"--bn-momentum", "0.2"},
                                                          {"--bn-parts", "mean,variance"},
                                                          {"--clip", "1"},
                                                          {"--decay", "weights"},
                                                          {"--dropout", "0.2"},
                                                          {"--eval-every", "3"},
                                                          {"--ghost", "8"},
                                                          {"--hidden", "16,16"},
                                                          {"--init-scale", "xavier"},
                                                          {"--log-every", "3"},
                                                          {"--keep", "best"},
                                                          {"--lr", "0.1"},
                                                          {"--momentum", "0.8"},
                                                          {"--no-shuffle", ""},
                                                          {"--noise", "0.1"},
                                                          {"--norm", "none"},
                                                          {"--norm-place", "after"},
                                                          {"--optimizer", "adam"},
                                                          {"--pixels", "unit"},
                                                          {"--precision", "double"},
                                                          {"--residual", ""},
                                                          {"--schedule", "step:1,0.1"},
                                                          {"--seed", "2"},
                                                          {"--train", "norm"},
                                                          {"--validation", "30"},
                                                          {"--weight-decay", "0.1"}};
  for (const auto& [option, value] : contradictions) {
    fails(2, fmt::format("train --resume run.ckpt {} {}", option, value), option);
  }
  fails(2, "train --resume run.ckpt --lr 0.1 --batch 16 --epochs 9",
        "expected --batch 32, --lr 0.05, as in the run that was saved, found --batch 16, --lr 0.1");
  fails(2, "train --resume run.ckpt --clip 1", "expected no --clip");
  fails(2, "train --resume run.ckpt --steps 24", "which it has done, found 24");
  fails(2, "train --resume run.ckpt --init model", "--init");
  fails(1, "train --resume run.ckpt --data nowhere", "--data nowhere");
  succeeds("train --resume run.ckpt --lr 0.0500 --hidden 16 --optimizer sgd --quiet");  // the same in other words

  // Every option of `tare train` is known here, so that a new one is either kept in the checkpoint or may change.
  std::set<std::string> known{"--checkpoint", "--checkpoint-every",
                              "--data",       "--detect-anomaly",
                              "--epochs",     "--help",
                              "--init",       "--json",
                              "--layers",     "--log",
                              "--patience",   "--picture",
                              "--plot",       "--quiet",
                              "--resume",     "--save",
                              "--steps",      "--test",
                              "--threads"};
  for (const auto& [option, value] : contradictions) known.insert(option);
  const std::string help = tare("train --help").out;
  const std::regex option("\n +(?:-h,)?(--[a-z-]+)");
  std::set<std::string> all;
  for (std::sregex_iterator i(help.begin(), help.end(), option), end; i != end; ++i) all.insert((*i)[1]);
  CHECK(all == known);

  succeeds(options + " --schedule cosine --epochs 2 --checkpoint cosine.ckpt");
  fails(2, "train --resume cosine.ckpt --epochs 3", "--epochs 2, as in the run that was saved, found --epochs 3");
}

TEST_CASE_FIXTURE(Fixture, "a finished run says so and is evaluated and saved again") {
  succeeds(part + " --json");
  const std::string model = contents("model"), checkpoint = contents("run.ckpt");
  fs::remove(folder / "model");
  const Outcome again = tare("train --resume run.ckpt");
  CHECK(again.exit_code == 0);
  CHECK(contains(again.err, "run.ckpt stands at step 25 of 25: the run is finished"));
  CHECK(contains(again.out, "Test accuracy"));
  CHECK(contents("model") == model);
  CHECK(contents("run.ckpt") == checkpoint);
  const Outcome whole = tare(part + " --json"), finished = tare("train --resume run.ckpt --json");
  auto without_time = [](const std::string& text) {
    return std::regex_replace(text, std::regex("\"seconds\":[^,]*"), "");
  };
  CHECK(without_time(finished.out) == without_time(whole.out));
}

TEST_CASE_FIXTURE(Fixture, "what is no checkpoint of this data is refused before anything is written") {
  succeeds(part);
  const std::string log = contents("log.csv");
  fails(1, "train --resume none", "none: no such file");
  fails(1, "train --resume data", "data: not a regular file");
  fails(1, "train --resume log.csv", "log.csv: ");
  fails(1, "train --resume model", "model: expected a checkpoint");
  fails(1, "eval run.ckpt --data data", "run.ckpt: ");
  const std::string images = contents("data/train-images-idx3-ubyte");
  std::string other = images;
  other.back() = static_cast<char>(other.back() ^ 1);
  write_file(folder / "data/train-images-idx3-ubyte", other);
  fails(1, "train --resume run.ckpt --steps 30", "--data: expected the samples that run.ckpt was trained on");
  write_file(folder / "data/train-images-idx3-ubyte", images);
  fs::rename(folder / "data", folder / "moved");
  fails(1, "train --resume run.ckpt --steps 30", "--data data");
  CHECK(contents("log.csv") == log);
  succeeds("train --resume run.ckpt --steps 30 --data moved --quiet");

  const std::string checkpoint = contents("run.ckpt");
  auto damaged = [&](const std::string& from, const std::string& to, const std::string& message) {
    REQUIRE(from.size() == to.size());
    std::string bytes = checkpoint;
    const std::size_t at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    bytes.replace(at, from.size(), to);
    write_file(folder / "bad.ckpt", bytes);
    fails(1, "train --resume bad.ckpt --data moved", message);
  };
  damaged(R"(\"--hidden\":\"16\")", R"(\"--hidden\":\"17\")",
          "bad.ckpt: model.0.weight: expected the shape [17, 64], found [16, 64]");
  damaged(R"(\"--hidden\":\"16\")", R"(\"--hidden\":\"1x\")", "bad.ckpt: its options cannot be read: --hidden");
  damaged(R"(\"--hidden\":\"16\")", R"(\"--hiddem\":\"16\")", "bad.ckpt: its options cannot be read: ");
  damaged(R"(\"--hidden\":\"16\")", R"(\"--help\":\"\"    )", "bad.ckpt: its options cannot be read: ");
  damaged(R"(\"--hidden\":\"16\")", R"(\"--hidden\":16    )", "bad.ckpt: its description of the run is damaged");
  damaged(R"(\"options\":)", R"(\"opinion\":)", "bad.ckpt: its description of the run is damaged");
  damaged(R"("checkpoint":)", R"("chequerint":)", "bad.ckpt: expected a checkpoint");
}

// A stranger's: a checkpoint whose description of the run was changed.
struct Stranger : Fixture {
  Stranger() {
    succeeds(options + " --steps 25 --checkpoint run.ckpt");
    fs::create_directory(folder / "inside");
  }

  void forge(const std::function<void(nlohmann::json&)>& change) const {
    Safetensors contents = read_safetensors(folder / "run.ckpt");
    nlohmann::json run = nlohmann::json::parse(contents.metadata.at("checkpoint"));
    run["options"]["--steps"] = "26";
    run["options"].erase("--checkpoint");
    change(run);
    contents.metadata["checkpoint"] = run.dump();
    write_safetensors(folder / "evil.ckpt", contents);
  }
  void forge(const std::string& option, const std::string& value) const {
    forge([&](nlohmann::json& run) { run["options"][option] = value; });
  }
};

TEST_CASE_FIXTURE(Stranger, "a checkpoint may only name outputs in the current folder; what is named is said first") {
  const TemporaryFolder elsewhere;
  const std::string victim = (elsewhere / "victim").string();
  fs::create_symlink(elsewhere.path(), folder / "way");
  fs::create_symlink(victim, folder / "link");
  const std::string up = "inside/../../" + elsewhere.path().filename().string() + "/victim";
  for (const char* option : {"--save", "--checkpoint", "--log", "--layers", "--plot", "--picture"}) {
    CAPTURE(option);
    for (const std::string& target : {victim, std::string("way/victim"), std::string("link"), up}) {
      write_file(victim, "precious");
      forge(option, target);
      fails(
          2, "train --resume evil.ckpt --quiet",
          fmt::format("--resume evil.ckpt: would write {0} {1}, which is not in the current folder; if that is meant, "
                      "give {0} again",
                      option, target));
      CHECK(read_file(victim) == "precious");
    }
    write_file(folder / "mine", "precious");
    forge(option, "inside/../mine");
    fails(2, "train --resume evil.ckpt --quiet", "which is there already and something else");
    CHECK(contents("mine") == "precious");
  }
  forge("--log", "/dev/stdout");
  fails(2, "train --resume evil.ckpt", "would write --log /dev/stdout");

  forge([&](nlohmann::json& run) { run["options"]["--log"] = "new.csv", run["options"]["--save"] = "inside/m"; });
  const Outcome said = tare("train --resume evil.ckpt");
  CHECK(said.exit_code == 0);
  CHECK_MESSAGE(said.err.starts_with("evil.ckpt writes --save inside/m, --log new.csv\n"), said.err);
  // The user's own word.
  forge("--log", victim);
  succeeds(fmt::format("train --resume evil.ckpt --quiet --log '{}'", victim));
  CHECK(read_file(victim).starts_with("step,"));
}

TEST_CASE_FIXTURE(Stranger, "a checkpoint cannot write a log of its own words") {
  const auto forge_log = [&](int bytes, std::uint32_t crc, const std::string& last_line) {
    forge([&](nlohmann::json& run) {
      run["options"]["--log"] = "log.csv";
      run["log"] = {{"bytes", bytes}, {"crc32", crc}, {"last_line", last_line}};
    });
  };
  write_file(folder / "log.csv", "step,mine\n1,2\n");
  forge_log(0, 0, "rm -rf .\n");
  fails(1, "train --resume evil.ckpt --quiet", "log.csv: is not the log that the checkpoint belongs to");
  forge_log(0, 0, std::string(testing::kLogHeader) + "\n");
  fails(1, "train --resume evil.ckpt --quiet", "log.csv: is not the log that the checkpoint belongs to");
  CHECK(contents("log.csv") == "step,mine\n1,2\n");
}

TEST_CASE_FIXTURE(Fixture, "a run that writes elsewhere goes on from there, and is told how") {
  const TemporaryFolder elsewhere;
  const std::string there = elsewhere.path().string();
  // Its checkpoint may lie anywhere: the command line names it.
  succeeds(fmt::format("{} --steps 25 --checkpoint {}/run.ckpt", options, there));
  succeeds(fmt::format("train --resume {}/run.ckpt --steps 27 --quiet", there));
  testing::Process process(folder.path(), fmt::format("train --data data --hidden 16 --batch 32 --epochs 999999 --log "
                                                      "{0}/log.csv --checkpoint {0}/run.ckpt --save m",
                                                      there));
  process.wait_for(elsewhere / "log.csv");
  process.signal(SIGINT);
  const Outcome stopped = process.wait();
  CHECK(stopped.exit_code == 130);
  const std::string hint = fmt::format("tare train --resume {0}/run.ckpt --log {0}/log.csv\n", there);
  CHECK_MESSAGE(stopped.err.ends_with(hint), stopped.err);
}

TEST_CASE_FIXTURE(Fixture, "a checkpoint is checked before the training, and needs a file of its own") {
  fails(1, options + " --checkpoint none/run.ckpt", "none/run.ckpt: cannot be written");
  fails(1, options + " --checkpoint data", "data: cannot be written: not a regular file");
  fails(1, options + " --checkpoint /dev/full", "/dev/full: cannot be written: not a regular file");
  fails(2, options + " --checkpoint-every 3", "--checkpoint-every");
  fails(2, options + " --checkpoint a --save a", "--checkpoint: expected another file than --save");
  fails(2, options + " --checkpoint a --log a", "--checkpoint: expected another file than --log");
  fails(1, options + " --checkpoint a --log $(printf 'b\\377')", "--log: expected a name in UTF-8");
  fails(2, "compare --data data --out $(printf 'b\\377')", "compare: expected words in UTF-8");
  CHECK_FALSE(fs::exists(folder / "a"));
}

}  // namespace
}  // namespace tare
