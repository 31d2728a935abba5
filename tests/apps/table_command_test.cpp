// The program with somebody's own data: tables, folders of pictures, IDX files without some of the classes.
#include <tare/core/machine/file.h>
#include <tare/core/machine/random.h>
#include <tare/datasets/pictures/png.h>
#include "tests/apps/program_testing.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tare::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// Two columns that tell two kinds of stones apart, and one that does not.
std::string stones(int rows, std::uint64_t seed) {
  Random random(seed);
  std::string text = "weight;kind;\"length, cm\";label\n";
  for (int i = 0; i < rows; ++i) {
    const bool flint = i % 2 == 0;
    text += fmt::format("{:.1f};{};{:.2f};{}\n", 400 + (flint ? 50 : -50) + 30 * random.normal(), i % 7,
                        3 + (flint ? 1 : -1) + 0.4 * random.normal(), flint ? "flint" : "basalt");
  }
  return text;
}

// Runs in a folder; a name in `words` is one in there.
struct Place {
  TemporaryFolder folder;

  Outcome run(const std::string& words) const {
    return run_tare(words, fmt::format("cd '{}' &&", folder.path().string()));
  }
  json object(const std::string& words) const {
    const Outcome outcome = run(words);
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    return json::parse(outcome.out);
  }
  void fails(int code, const std::string& words, const std::string& message) const {
    const Outcome outcome = run(words);
    CAPTURE(words);
    CAPTURE(outcome.err);
    CHECK(outcome.exit_code == code);
    CHECK(contains(outcome.err, message));
  }
};

TEST_CASE("a table is trained on, saved, evaluated on the same rows, and predicted") {
  const Place place;
  write_file(place.folder / "stones.csv", stones(200, 1));
  write_file(place.folder / "new.csv", stones(50, 2));
  const json trained =
      place.object("train --data stones.csv --hidden 8 --batch 16 --epochs 20 --seed 9 --save m --noise 0.1 --json");
  CHECK(trained["test_accuracy"] >= 0.9);
  const json scored = place.object("eval m --data stones.csv --json");
  CHECK(scored["samples"] == 40);
  CHECK(scored["test_accuracy"] == trained["test_accuracy"]);
  CHECK(scored["test_loss"].get<double>() == doctest::Approx(trained["test_loss"].get<double>()).epsilon(1e-5));
  CHECK(scored["class_names"] == json{"basalt", "flint"});
  const Outcome text = place.run("eval m --data stones.csv");
  CHECK(contains(text.out, "basalt"));
  CHECK(contains(text.err, "40 test rows of 3 numbers"));
  CHECK(place.object("eval m --test new.csv --json")["samples"] == 50);
  CHECK(place.object("eval m --data stones.csv --statistics again --batch 16 --json")["samples"] == 40);
  const Outcome other = place.run("eval m --data new.csv");
  CHECK(contains(other.err, "new.csv is not what the model was trained on"));

  // Columns by their names, in any order, and without the class.
  write_file(place.folder / "rows.csv", "kind,\"length, cm\",note 2,weight\n0,4,5,450\n0,2,5,350\n");
  const Outcome rows = place.run("predict m rows.csv");
  CHECK(rows.out.starts_with("rows.csv:2: flint "));
  CHECK(contains(rows.out, "rows.csv:3: basalt "));
  CHECK(place.object("predict m rows.csv --json")["predictions"][1]["class_name"] == "basalt");
  place.fails(1, "predict m stones.csv none.csv", "none.csv: no such file");

  write_file(place.folder / "narrow.csv", "weight,label\n1,flint\n2,basalt\n3,flint\n4,basalt\n5,flint\n6,basalt\n");
  place.fails(1, "eval m --data narrow.csv", "column 2 is \"kind\" there, none here");
  std::string renamed = stones(200, 1);
  renamed.replace(0, 6, "Weight");
  write_file(place.folder / "renamed.csv", renamed);
  place.fails(1, "eval m --data renamed.csv", "column 1 is \"weight\" there, \"Weight\" here");
  place.fails(1, "eval m --data moons", "the model takes a table with the columns weight, kind, length, cm");
  place.fails(2, "eval m --data stones.csv --pixels unit", "--pixels: expected only with a model of images");
}

TEST_CASE("training on a table goes on from a checkpoint, and is the same for any number of threads") {
  const Place place;
  write_file(place.folder / "stones.csv", stones(200, 1));
  const std::string train = "train --data stones.csv --hidden 8 --batch 16 --seed 9 --quiet ";
  place.run(train + "--epochs 4 --save whole --threads 3");
  place.run(train + "--epochs 2 --checkpoint half");
  CHECK(place.run("train --resume half --epochs 4 --save resumed --quiet").exit_code == 0);
  CHECK(read_file(place.folder / "whole") == read_file(place.folder / "resumed"));
  CHECK(place.run(train + "--epochs 1 --init whole").exit_code == 0);
  write_file(place.folder / "stones.csv", stones(200, 2));
  place.fails(1, "train --resume half --epochs 4", "--data: expected the samples that half was trained on");
}

TEST_CASE("what tables have no use for is said before training") {
  const Place place;
  write_file(place.folder / "stones.csv", stones(200, 1));
  write_file(place.folder / "x y.csv", "x,y,k\n1,1,a\n2,1,b\n1,2,a\n2,3,b\n2,2,b\n0,1,a\n3,3,b\n0,0,a\n5,4,b\n1,0,a\n");
  fs::create_directory(place.folder / "folder.csv");
  place.fails(2, "train --data stones.csv --augment shift:2", "--augment: expected images to distort, found a table");
  place.fails(2, "train --data stones.csv --pixels binary", "--pixels: expected only with images, found binary");
  place.fails(1, "train --data stones.csv --batch 161", "--batch: expected at most the 160 training rows, found 161");
  place.fails(1, "train --data stones.csv --batch 8 --picture p.png", "--picture: expected data of 2 numbers a sample");
  place.fails(2, "train --data moons --test stones.csv", "--test: expected only with --data FILE.csv");
  place.fails(2, "train --data stones.csv --batch 8 --save stones.csv", "--save: expected another file than --data");
  place.fails(1, "train --data none.csv", "--data none.csv: expected auto, mnist,");
  place.fails(1, "train --data folder.csv", "folder.csv: expected a file train-images");
  place.fails(1, "data show stones.csv --png p.png", "--png: expected images");
  CHECK(!fs::exists(place.folder / "p.png"));
  const Outcome plane = place.run("train --data 'x y.csv' --batch 4 --epochs 2 --picture p.png");
  CHECK(plane.exit_code == 0);
  CHECK(contains(plane.out, "The model's regions"));
  CHECK(fs::file_size(place.folder / "p.png") > 100);
}

TEST_CASE("a table is shown and compared") {
  const Place place;
  write_file(place.folder / "my stones.csv", stones(100, 1));
  const json shown = place.object("data show --data 'my stones.csv' --json");
  CHECK(shown["class_names"] == json{"basalt", "flint"});
  CHECK(shown["train"]["samples"] == 80);
  CHECK(shown["columns"][2]["name"] == "length, cm");
  CHECK(contains(place.run("data show 'my stones.csv'").out, "length, cm"));
  const Outcome compared = place.run("compare --data 'my stones.csv' --out o --seeds 1 --steps 5 --lrs 0.1 --batch 8");
  CHECK(compared.exit_code == 0);
  CHECK(contains(compared.err, "80 training and 20 test rows"));
  CHECK(contains(read_file(place.folder / "o/report.html"), "tare train --data 'my stones.csv' --"));
}

TEST_CASE("folders of pictures are trained on and predicted as they are") {
  const Place place;
  for (int i = 0; i < 40; ++i) {
    GrayImage picture(4, 6, static_cast<std::uint8_t>(i % 2 == 0 ? 40 + i : 200 - i));
    const fs::path folder = place.folder / "shades" / (i % 2 == 0 ? "dark" : "light");
    fs::create_directories(folder);
    write_png(folder / fmt::format("{}.png", i), picture);
  }
  const json trained = place.object("train --data shades --hidden 8 --batch 8 --epochs 20 --norm none --save m --json");
  CHECK(trained["test_accuracy"] == 1.0);
  CHECK(place.object("eval m --data shades --json")["test_accuracy"] == 1.0);
  CHECK(contains(place.run("predict m --brief shades/light/1.png").out, "shades/light/1.png: light "));
  CHECK(place.object("data show shades --json")["class_names"] == json{"dark", "light"});
  place.fails(2, "data show shades --png shades/light/1.png", "--png: expected another file than the data");
}

TEST_CASE("a set without some of its classes is renumbered, and says so") {
  const Place place;
  std::string pixels;
  std::vector<int> labels;
  for (int i = 0; i < 40; ++i) {
    labels.push_back(i % 2 == 0 ? 3 : 7);
    pixels += std::string(16, i % 2 == 0 ? '\0' : '\x7f');
  }
  fs::create_directory(place.folder / "two");
  for (const char* part : {"train", "t10k"}) {
    write_file(place.folder / "two" / fmt::format("{}-images-idx3-ubyte", part), image_header(40, 4, 4) + pixels);
    write_file(place.folder / "two" / fmt::format("{}-labels-idx1-ubyte", part), labels_file(labels));
  }
  const Outcome run = place.run("train --data two --hidden 4 --batch 8 --epochs 10 --norm none --save m");
  CHECK(run.exit_code == 0);
  CHECK(contains(run.err, "labels 3, 7 became 0, 1"));
  const json scored = place.object("eval m --data two --json");
  CHECK(scored["class_names"] == json{"3", "7"});
  CHECK(scored["test_accuracy"] == 1.0);
}

TEST_CASE("commands that are printed can be typed again") {
  const Place place;
  CHECK(contains(place.run("data make spirals --data moons").err, "tare train --data ./spirals\n"));
  CHECK(contains(place.run("data make 'my data;x' --data moons").err, "tare train --data 'my data;x'\n"));
  CHECK(contains(place.run("data make \"it's\" --data moons").err, "tare train --data 'it'\\''s'\n"));
  CHECK(contains(place.run("data make \"$(printf 'a\\033b')\" --data moons").err, "tare train --data $'a\\033b'\n"));
}

}  // namespace
}  // namespace tare::testing
