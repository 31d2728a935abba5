// `tare train`: samples held out for validation, the best model and patience; what of that and of the rest is logged,
// shown and drawn.
#include <tare/apps/cli/gnuplot.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/train/curves.h>
#include <tare/apps/train/epoch_table.h>
#include "tests/apps/log_header.h"
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
#include <sstream>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// A folder with the small data set, in which commands run.
struct Fixture {
  TemporaryFolder folder;
  const std::string train = "train --data data --hidden 16 --batch 20";

  Fixture() { write_digits(folder / "data"); }
  std::string contents(const std::string& name) const { return read_file(folder / name); }
  Outcome tare(const std::string& words, const std::string& before = "") const {
    return run_tare(words, fmt::format("cd '{}' && {}", folder.path().string(), before));
  }
  json result_of(const std::string& words) const {
    const Outcome done = tare(train + " --json " + words);
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    return json::parse(done.out);
  }
  void fails(int code, const std::string& words, const std::string& part, const std::string& before = "") const {
    CAPTURE(words);
    const Outcome done = tare(words, before);
    CHECK(done.exit_code == code);
    CHECK_MESSAGE(contains(done.err, part), done.err);
    CHECK(lines_of(done.err).size() == 1);
    CHECK(done.out.empty());
  }
};

TEST_CASE_FIXTURE(Fixture, "the log says of each step what its batch, the epoch so far and the evaluations say") {
  const json result = result_of("--validation 50 --epochs 3 --log-every 1 --eval-every 6 --log log.csv");
  const auto rows = read_csv(folder / "log.csv", kLogHeader);
  REQUIRE(rows.size() == 3 * 14);  // (330 - 50) / 20 steps an epoch
  double loss = 0, accuracy = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<std::string>& row = rows[i];
    CAPTURE(i);
    if (i % 14 == 0) loss = accuracy = 0;
    loss += std::stod(row[3]);
    accuracy += std::stod(row[6]);
    const auto steps = static_cast<double>(i % 14 + 1);
    CHECK(std::stod(row[7]) == doctest::Approx(loss / steps));
    CHECK(std::stod(row[8]) == doctest::Approx(accuracy / steps));
    CHECK(std::abs(std::remainder(std::stod(row[6]) * 20, 1)) < 1e-9);
    const bool evaluated = (i + 1) % 6 == 0 || (i + 1) % 14 == 0;
    for (const std::size_t column : {4, 5, 9, 10}) CHECK(row[column].empty() != evaluated);
  }
  for (const auto& [column, name] : {std::pair(4, "test_loss"),
                                     {5, "test_accuracy"},
                                     {7, "train_loss"},
                                     {8, "train_accuracy"},
                                     {9, "validation_loss"},
                                     {10, "validation_accuracy"}}) {
    CHECK(std::stod(rows.back()[static_cast<std::size_t>(column)]) == result[name].get<double>());
  }
  CHECK(result["validation_loss"] != result["test_loss"]);
  CHECK_FALSE(result.contains("best_step"));
  CHECK(result_of("--epochs 1")["validation_loss"].is_null());

  const std::string help = std::regex_replace(tare("train --help").out, std::regex("\\s+"), " ");
  for (const char* part : {"train_loss, train_accuracy", "this batch", "before its update", "epoch_loss,",
                           "epoch_accuracy", "validation_accuracy"}) {
    CHECK_MESSAGE(contains(help, part), part);
  }
}

TEST_CASE_FIXTURE(Fixture, "the seed draws what is held out; the options need one another") {
  const auto loss = [&](const std::string& words) { return result_of("--steps 1 --lr 0 " + words)["validation_loss"]; };
  CHECK(loss("--validation 50") == loss("--validation 50 --lr 0.1 --threads 3 --lr 0"));
  CHECK(loss("--validation 50 --seed 2") != loss("--validation 51 --seed 2"));
  fails(2, train + " --keep best", "--keep best: expected together with --validation");
  fails(2, train + " --patience 2", "--patience: expected together with --validation");
  fails(2, train + " --validation 9 --patience 0", "--patience");
  fails(2, train + " --validation -1", "--validation");
  fails(2, train + " --validation 9 --keep first", "--keep");
  fails(1, train + " --validation 330", "--validation: expected fewer than the 330 training samples, found 330");
  fails(1, train + " --validation 320", "--batch: expected at most the 10 training images");
  fails(2, "compare --data data --out out --variant 'a:--validation 50'", "--validation");
  CHECK(contains(tare(train + " --validation 30 --steps 1").err,
                 "data: 300 training, 30 validation and 100 test images of 8 x 8"));
}

// Large steps: the validation loss rises and falls.
const std::string kUneven =
    " --validation 50 --norm none --lr 0.3 --epochs 30 --eval-every 5 --log-every 1 --log log.csv";

TEST_CASE_FIXTURE(Fixture, "the best model is saved and scored, and patience ends training at the end of an epoch") {
  const json best = result_of(kUneven + " --keep best --patience 2 --save best");
  double lowest = INFINITY;
  std::int64_t step = 0;
  const auto rows = read_csv(folder / "log.csv", kLogHeader);
  std::vector<std::string> best_row;
  for (const auto& row : rows) {
    if (row[9].empty() || std::stod(row[9]) >= lowest) continue;
    lowest = std::stod(row[9]);
    step = std::stol(row[0]);
    best_row = row;
  }
  CHECK(best["best_step"] == step);
  CHECK(best["validation_loss"] == lowest);
  CHECK(best["test_loss"] == std::stod(best_row[4]));
  CHECK(best["test_accuracy"] == std::stod(best_row[5]));
  const std::int64_t last = best["steps"].get<std::int64_t>(), epoch_of_best = (step + 13) / 14;
  CHECK(last % 14 == 0);
  CHECK(last / 14 == epoch_of_best + 2);
  REQUIRE(last < 30 * 14);
  CHECK(rows.back()[0] == fmt::format("{}", last));

  // The same as the run that ends with the best step.
  result_of(fmt::format("{} --steps {} --save then --log other.csv", kUneven, step));
  CHECK(contents("best") == contents("then"));
  const json scored = json::parse(tare("eval best --data data --json").out);
  CHECK(scored["test_loss"] == best["test_loss"]);
  // And what is trained does not depend on what is kept.
  result_of(fmt::format("{} --steps {} --save last", kUneven, last));
  result_of(fmt::format("{} --patience 2 --save last-too", kUneven));
  CHECK(contents("last") == contents("last-too"));
  CHECK(contents("last") != contents("best"));

  const Outcome told = tare(train + kUneven + " --keep best --patience 2 --save best");
  CHECK(contains(told.err, fmt::format("Stopped after epoch {}: 2 epochs without a lower validation loss than that of "
                                       "step {}\n",
                                       last / 14, step)));
  CHECK(contains(told.out, fmt::format("Best           step {}, where the validation loss was", step)));
  CHECK(contains(told.out, "\nValidation     "));
}

TEST_CASE_FIXTURE(Fixture, "of equal validation losses the first is the best") {
  const json result =
      result_of("--lr 0 --norm none --validation 50 --keep best --patience 3 --epochs 9 --eval-every 4");
  CHECK(result["best_step"] == 4);
  CHECK(result["epochs"] == 4);
}

TEST_CASE_FIXTURE(Fixture, "of a run that diverges the best model is saved, if there is one") {
  const std::string words =
      train + " --norm none --activation tanh --weight-decay 300 --momentum 0 --epochs 50 --validation 50 --save model";
  const Outcome best = tare(words + " --keep best");
  CHECK(best.exit_code == 3);
  CHECK_MESSAGE(contains(best.err, "training has diverged, the best model was saved; a lower"), best.err);
  CHECK(tare("eval model --data data").exit_code == 0);
  fs::remove(folder / "model");
  CHECK(contains(tare(words).err, "nothing was saved"));
  CHECK_FALSE(fs::exists(folder / "model"));
}

TEST_CASE_FIXTURE(Fixture, "the model is shown as a table before it is trained, wherever it has layers") {
  const Outcome plain = tare("train --data data --hidden 16,16 --batch 20 --steps 1");
  for (const char* row :
       {"\n   layer                    output    parameters\n",
        "\n0  Linear(64, 16, no bias)  [N x 16]       1,024  bias dropped: 16\n",
        "\n1  BatchNorm(16)            [N x 16]          32\n", "\n6  Linear(16, 10)           [N x 10]         170\n",
        "\n   all layers                              1,514  32 dropped\n"}) {
    CHECK_MESSAGE(contains(plain.err, row), plain.err);
  }
  const Outcome block =
      tare("train --data data --hidden 16,16 --batch 20 --steps 1 --residual --dropout 0.1 --train norm");
  CHECK_MESSAGE(contains(block.err, "x + its 4 layers"), block.err);
  CHECK(contains(block.err, "frozen: 256, bias dropped: 16\n"));
  CHECK(contains(block.err, " 64  32 dropped\n"));
  const Outcome wide =
      tare("train --data data --hidden 1000,1000 --batch 20 --steps 1 --ghost 10 --bn-parts mean --residual");
  for (const std::string& text : {plain.err, block.err, wide.err}) {
    for (const std::string& line : lines_of(text)) CHECK_MESSAGE(line.size() <= 80 + 20 * contains(line, ":"), line);
  }
  CHECK(tare(train + " --steps 1 --quiet").err.empty());
}

TEST_CASE_FIXTURE(Fixture, "progress is a table with one header, whose columns stand below one another") {
  const auto table_of = [&](const std::string& words) {
    std::vector<std::string> lines = lines_of(tare(train + words).err);
    const auto header = std::ranges::find_if(lines, [](const auto& line) { return contains(line, "train loss"); });
    REQUIRE(header != lines.end());
    lines.erase(lines.begin(), header);
    for (const std::string& line : lines) CHECK(line.size() == lines[0].size());
    CHECK(lines[0].size() <= 80);
    return lines;
  };
  const auto epochs = table_of(" --epochs 3");
  REQUIRE(epochs.size() == 4);
  CHECK(epochs[0] == "  epoch  train loss  accuracy  test loss  accuracy     time");
  CHECK(epochs[3].starts_with("    3/3  "));
  const auto steps = table_of(" --epochs 2 --eval-every 10 --validation 50");
  REQUIRE(steps.size() == 5);
  CHECK(steps[0] == "   step  train loss  accuracy  test loss  accuracy  val loss  accuracy     time");
  CHECK(steps[2].starts_with("     14  "));
}

TEST_CASE("the table stays aligned for long runs and large losses") {
  const EpochTable table(1'000'000, false, true, true);
  const StepScores scores{.step = 7,
                          .epoch = 999'999,
                          .batch = {1, 0},
                          .epoch_mean = {123456.7, 1},
                          .test = Scores{999.9, 0.1},
                          .validation = std::nullopt};
  CHECK(table.row(scores, 3665).size() <= 80);
  CHECK(table.row(scores, 12.3) == " 999999    1.23e+05  100.00 %   999.9000   10.00 %         -         -     12 s");
  CHECK(table.header().size() == table.row(scores, 1.5).size());
}

TEST_CASE("the line that is redrawn says what has passed and what is left, in 80 columns") {
  TrainingState state{.step = 468,
                      .steps = 2340,
                      .epoch = 1,
                      .epochs = 5,
                      .loss = 0.27607,
                      .accuracy = 0.9132,
                      .seconds = 12.3,
                      .steps_timed = 468,
                      .batch = 128};
  CHECK(progress_text(state) == "epoch 1/5  step 468/2,340  loss 0.2761  91.32 %  12 s, 49 s left");
  state.steps = 936;
  CHECK(progress_text(state) == "epoch 1/5  step 468/936  loss 0.2761  91.32 %  12 s, 12 s left  4,870 samples/s");
  state.steps = 46'800;
  CHECK(progress_text(state) == "epoch 1/5  step 468/46,800  loss 0.2761  91.32 %  12 s, 20:18 left");
  state.epoch = state.epochs = 1'000, state.step = state.steps = 1'234'567, state.loss = 1e30;
  CHECK(progress_text(state).size() < 80);
}

// ---- Curves ---------------------------------------------------------------------------------------------------------

TEST_CASE("of a long curve every 2nd, 4th ... point is kept, evenly, and none that is not finite") {
  Curve curve;
  for (std::int64_t step = 1; step <= 100'000; ++step) curve.add(step, 1, {1.0, 0.5});
  CHECK(curve.points.size() >= 500);
  CHECK(curve.points.size() <= 1000);
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    CHECK(curve.points[i][0] - curve.points[i - 1][0] == static_cast<double>(curve.every));
  }
  const std::size_t count = curve.points.size();
  for (int i = 0; i < 200; ++i) curve.add(200'000 + i, 1, {NAN, 0.5});
  CHECK(curve.points.size() == count);
}

bool has_gnuplot() { return can_plot(); }

TEST_CASE_FIXTURE(Fixture, "--plot draws the curves, also of a run that went on, whatever the user's gnuplot does") {
  if (!has_gnuplot()) {
    MESSAGE("skipped: gnuplot is not installed");
    return;
  }
  write_file(folder / ".gnuplot", "set terminal png\nset output 'mine.png'\n");
  const std::string users = "HOME=. TMPDIR=/nonexistent GNUTERM=png";
  REQUIRE(tare(train + " --epochs 3 --quiet --validation 50 --plot whole.svg", users).exit_code == 0);
  const std::string svg = contents("whole.svg");
  CHECK(svg.starts_with("<?xml"));
  for (const char* word :
       {"training batch", "training, epoch so far", "test", "validation", "loss", "accuracy (%)", "step"}) {
    CHECK_MESSAGE(contains(svg, fmt::format(">{}</text>", word)), word);
  }
  CHECK_FALSE(fs::exists(folder / "mine.png"));
  REQUIRE(tare(train + " --epochs 3 --quiet --plot plain.svg").exit_code == 0);
  CHECK_FALSE(contains(contents("plain.svg"), ">validation</text>"));

  REQUIRE(tare(train + " --epochs 1 --quiet --validation 50 --plot part.svg --checkpoint run.ckpt").exit_code == 0);
  CHECK(contents("part.svg") != svg);
  REQUIRE(tare("train --resume run.ckpt --epochs 3 --quiet").exit_code == 0);
  CHECK(contents("part.svg") == svg);

  fails(1, train + " --plot none/plot.svg", "none/plot.svg: cannot be written");
  fails(2, train + " --plot data.svg --log data.svg", "--plot: expected another file than --log");
}

TEST_CASE_FIXTURE(Fixture, "a plot that fails is an error before training or leaves all else as it is") {
  fails(1, train + " --plot plot.svg --save model",
        "--plot: expected gnuplot to draw with, found none; on Debian: "
        "apt-get install gnuplot-nox",
        "PATH=/nonexistent");
  CHECK_FALSE(fs::exists(folder / "model"));
  CHECK_FALSE(fs::exists(folder / "plot.svg"));
  // One that cannot draw.
  fs::create_directory(folder / "bin");
  write_file(folder / "bin/gnuplot", "#!/bin/sh\necho 'line 1'  >&2\nprintf '   no SVG here \\n\\n' >&2\nexit 1\n");
  fs::permissions(folder / "bin/gnuplot", fs::perms::owner_all);
  const Outcome done = tare(train + " --epochs 1 --quiet --plot plot.svg --save model", "PATH=\"$PWD/bin:$PATH\"");
  CHECK(done.exit_code == 1);
  CHECK(done.err == "tare: --plot: gnuplot failed: no SVG here\n");
  CHECK(contains(done.out, "Test accuracy"));
  CHECK(fs::exists(folder / "model"));
  CHECK_FALSE(fs::exists(folder / "plot.svg"));
}

// What a person sees who runs it on a terminal.
TEST_CASE_FIXTURE(Fixture, "on a terminal the summary ends with the loss as a curve, in 80 columns") {
  if (!has_gnuplot() || std::system("command -v script >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: gnuplot or script is not installed");
    return;
  }
  const auto on_terminal = [&](const std::string& words, const std::string& before) {
    return run_program(fmt::format("cd '{}' && {} script -qec \"'{}' {}\" /dev/null", folder.path().string(), before,
                                   TARE_PROGRAM, words))
        .out;
  };
  const std::string seen = on_terminal(train + " --epochs 4 --quiet", "");
  const std::size_t begin = seen.find("loss over steps");
  REQUIRE_MESSAGE(begin != seen.npos, seen);
  CHECK(begin > seen.find("Test accuracy"));
  const std::vector<std::string> lines = lines_of(seen.substr(seen.rfind('\n', begin) + 1));
  CHECK(lines.size() >= 8);
  CHECK(lines.size() <= 12);
  for (const std::string& line : lines) CHECK(line.size() <= 81);  // with the terminal's carriage return
  CHECK(contains(seen, "training, epoch so far ***"));
  CHECK(contains(seen, "test ###"));

  CHECK_FALSE(contains(on_terminal(train + " --epochs 2 --json --quiet", ""), "loss over steps"));
  CHECK_FALSE(contains(tare(train + " --epochs 2").out, "loss over steps"));
  CHECK_FALSE(contains(on_terminal("train --data data --steps 1 --batch 20 --quiet", ""), "loss over steps"));
}

}  // namespace
}  // namespace tare::testing
