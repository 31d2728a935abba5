// tare predict, and what tare eval says about errors, from end to end.
#include <tare/core/machine/random.h>
#include <tare/datasets/images.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/mnist_form.h>
#include <tare/datasets/pictures/png.h>
#include "tests/apps/program_testing.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>

namespace tare::testing {
namespace {

using nlohmann::json;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A model of 8 x 8 images that was hardly trained, and a folder of pictures.
struct Fixture {
  TemporaryFolder folder;
  std::string data = (folder / "data").string(), model = (folder / "model.safetensors").string();
  std::string pictures = (folder / "pictures").string();

  Fixture() {
    write_digits(data);
    const Outcome trained =
        run_tare(fmt::format("train --data '{}' --hidden 16 --batch 32 --steps 5 --quiet --save '{}'", data, model));
    REQUIRE_MESSAGE(trained.exit_code == 0, trained.err);
    std::filesystem::create_directory(pictures);
    write_png(folder / "pictures/b.png", cross(40));
    write_png(folder / "pictures/a.PNG", cross(90));
    write_file(folder / "pictures/c.pgm", "P2 5 5 1 1 1 1 1 1 1 1 0 1 1 1 0 0 0 1 1 1 0 1 1 1 1 1 1 1");
    write_file(folder / "pictures/readme.txt", "not a picture");
    write_file(folder / "pictures/._b.png", "what macOS notes about b.png");
  }

  static GrayImage cross(std::int64_t size) {
    GrayImage image(size, size, 255);
    for (std::int64_t i = size / 5; i < size * 4 / 5; ++i) {
      for (std::int64_t j = size * 2 / 5; j < size * 3 / 5; ++j) image(i, j) = image(j, i) = 0;
    }
    return image;
  }
};

TEST_CASE_FIXTURE(Fixture, "predict shows each picture of a folder, in the order of their names, with three classes") {
  const Outcome done = run_tare(fmt::format("predict '{}' '{}'", model, pictures));
  REQUIRE_MESSAGE(done.exit_code == 0, done.err);
  CHECK(done.err.empty());
  const std::size_t a = done.out.find("a.PNG: "), b = done.out.find("b.png: "), c = done.out.find("c.pgm: ");
  CHECK(a < b);
  CHECK(b < c);
  CHECK(c != done.out.npos);
  CHECK_FALSE(contains(done.out, "readme"));
  CHECK(contains(done.out, "█"));
  CHECK(contains(done.out, " %\n"));

  const json result = json::parse(run_tare(fmt::format("predict '{}' '{}' --json", model, pictures)).out);
  REQUIRE(result["predictions"].size() == 3);
  const json first = result["predictions"][0];
  CHECK(contains(first["file"], "a.PNG"));
  CHECK(first["probabilities"].size() == 10);
  REQUIRE(first["top"].size() == 3);
  CHECK(first["top"][0]["class"] == first["prediction"]);
  CHECK(first["top"][0]["probability"] == first["probability"]);
  CHECK(first["top"][0]["probability"] >= first["top"][1]["probability"]);
  CHECK(first["probabilities"][first["prediction"].get<std::size_t>()] == first["probability"]);
  // The same cross in another size.
  CHECK(std::abs(first["probability"].get<double>() - result["predictions"][1]["probability"].get<double>()) < 0.01);

  const Outcome brief = run_tare(fmt::format("predict '{}' '{}' --brief", model, pictures));
  CHECK(std::count(brief.out.begin(), brief.out.end(), '\n') == 3);
}

TEST_CASE_FIXTURE(Fixture, "predict reads standard input and pipes") {
  const std::string file = pictures + "/b.png";
  const std::string pipe = fmt::format("sh -c 'cat \"{}\" | \"$0\" \"$@\"'", file);
  const Outcome piped = run_tare(fmt::format("predict '{}' --brief -", model), pipe);
  CHECK_MESSAGE(piped.exit_code == 0, piped.err);
  const Outcome named = run_tare(fmt::format("predict '{}' --brief '{}'", model, file));
  CHECK(piped.out.substr(1) == named.out.substr(file.size()));
  CHECK(run_tare(fmt::format("predict '{}' --brief /dev/stdin", model), pipe).exit_code == 0);
}

TEST_CASE_FIXTURE(Fixture, "predict takes names as they are") {
  const char* names[] = {"[scans]", "[1,2]", "[]", "{}", "{a,b}", "%%", "a%%b", "[half", "-x.png"};
  std::string words;
  for (const std::string name : names) {
    write_png(folder / name, cross(40));
    if (name != "-x.png") words += fmt::format(" '{}'", name);
  }
  const std::string before = fmt::format("cd '{}' &&", folder.path().string());
  const Outcome all = run_tare("predict model.safetensors --brief" + words + " -- -x.png", before);
  CHECK_MESSAGE(all.exit_code == 0, all.err);
  std::size_t last = 0;
  for (const std::string name : names) {
    CAPTURE(name);
    const std::size_t place = all.out.find(name + ": ", last);
    CHECK(place != all.out.npos);
    last = place;
    CHECK(run_tare(fmt::format("predict model.safetensors -- '{}'", name), before).exit_code == 0);
  }
  CHECK(std::ranges::count(all.out, '\n') == std::ssize(names));
  for (const std::string name : {"[model]", "{}"}) {
    std::filesystem::copy(model, folder / name, std::filesystem::copy_options::overwrite_existing);
    CHECK(run_tare(fmt::format("predict '{}' '[scans]'", name), before).exit_code == 0);
    CHECK(
        contains(run_tare(fmt::format("train --init '{}' --data data --hidden 9", name), before).err, "tare: " + name));
  }
  CHECK(contains(run_tare("predict model.safetensors '[x]' ''", before).err, "tare: [x]: no such file"));
  CHECK(contains(run_tare("fold a b '[c]' -- --d", before).err, "not expected: [c] --d; "));
}

TEST_CASE_FIXTURE(Fixture, "predict names a bad file, goes on with the others and fails in the end") {
  write_file(folder / "bad.png", "<html>");
  write_file(folder / "cut.png", encode_png(8, 8, 1, std::vector<std::uint8_t>(64)).substr(0, 40));
  write_png(folder / "blank.png", GrayImage(50, 50, 240));
  const std::filesystem::path empty = folder / "empty";
  std::filesystem::create_directory(empty);
  REQUIRE(mkfifo((empty / "pipe.png").c_str(), 0600) == 0);  // which nobody will ever write to
  const std::string files = fmt::format("'{0}/bad.png' '{0}/none.png' '{0}/cut.png' '{0}/blank.png' '{0}/empty' '{1}'",
                                        folder.path().string(), pictures);
  const Outcome done = run_tare(fmt::format("predict '{}' {} --json", model, files));
  CHECK(done.exit_code == 1);
  CHECK(std::count(done.err.begin(), done.err.end(), '\n') == 5);
  CHECK(contains(done.err, "bad.png: expected PNG or PGM, found HTML, XML or SVG\n"));
  CHECK(contains(done.err, "none.png: no such file\n"));
  CHECK(contains(done.err, "cut.png: truncated: the PNG ends too soon\n"));
  CHECK(contains(done.err, "blank.png: expected something drawn or written, found blank paper\n"));
  CHECK(contains(done.err, "empty: expected a folder with PNG or PGM files, found none\n"));
  const json result = json::parse(done.out);
  CHECK(result["predictions"].size() == 3);
  CHECK(result["failures"].size() == 5);
}

TEST_CASE_FIXTURE(Fixture, "predict --as-is reads the pictures of a data set as eval does") {
  const ImageSet test = load_test_data(data);
  const TemporaryFolder images;
  for (std::int64_t i = 0; i < test.count; ++i) write_png(images / fmt::format("{:03}.png", i), picture_of(test, i));
  const Outcome done = run_tare(fmt::format("predict '{}' '{}' --as-is --json", model, images.path().string()));
  REQUIRE_MESSAGE(done.exit_code == 0, done.err);
  const json predictions = json::parse(done.out)["predictions"];
  REQUIRE(predictions.size() == test.labels.size());
  double correct = 0;
  for (std::size_t i = 0; i < test.labels.size(); ++i) {
    correct += predictions[i]["prediction"] == static_cast<int>(test.labels[i]) ? 1 : 0;
  }
  const json scores = json::parse(run_tare(fmt::format("eval '{}' --data '{}' --json", model, data)).out);
  CHECK(correct / static_cast<double>(test.count) == scores["test_accuracy"].get<double>());
}

TEST_CASE_FIXTURE(Fixture, "predict says that a picture is too small, also as it is") {
  write_file(folder / "small.pgm", "P2 2 2 1 1 0 1 0");
  for (const char* more : {"", " --as-is"}) {
    const Outcome done = run_tare(fmt::format("predict '{}' '{}'{}", model, (folder / "small.pgm").string(), more));
    CHECK(done.exit_code == 0);
    CHECK(contains(done.err, "small.pgm: only 2 x 2 pixels, which show little of a digit\n"));
  }
}

TEST_CASE_FIXTURE(Fixture, "predict fails before it reads a picture if the model does not fit") {
  CHECK(run_tare(fmt::format("predict '{}' '{}'", pictures + "/b.png", pictures)).exit_code == 1);
  CHECK(run_tare(fmt::format("predict '{}'", model)).exit_code == 2);
  CHECK(contains(run_tare(fmt::format("predict '{}' /dev/zero", model)).err, "/dev/zero: expected PNG or PGM, found"));
  CHECK(run_tare(fmt::format("predict '{}' '{}' --pixels unit", model, pictures)).exit_code == 2);
  const std::string odd = (folder / "odd").string(), odd_model = (folder / "odd.safetensors").string();
  std::filesystem::create_directory(odd);
  for (const char* set : {"train", "t10k"}) {
    write_file(odd + "/" + set + "-images-idx3-ubyte",
               std::string("\0\0\x08\x03\0\0\0\2\0\0\0\2\0\0\0\3abcdefghijkl", 28));
    write_file(odd + "/" + set + "-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\2\0\1", 10));
  }
  REQUIRE(
      run_tare(fmt::format("train --data '{}' --hidden 4 --batch 2 --steps 1 --save '{}'", odd, odd_model)).exit_code ==
      0);
  const Outcome done = run_tare(fmt::format("predict '{}' '{}'", odd_model, pictures));
  CHECK(done.exit_code == 1);
  CHECK(contains(done.err, "expected a model of square pictures, of 4 x 4 = 16 inputs or more, found one of 6 inputs"));
}

// The characters of the longest line of a text in UTF-8.
std::int64_t width_of(const std::string& text) {
  std::int64_t width = 0, widest = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;  // the rest of a character
    width = c == '\n' ? 0 : width + 1;
    widest = std::max(widest, width);
  }
  return widest;
}

TEST_CASE_FIXTURE(Fixture, "predict reads several digits of a picture in their order, and says what it doubts") {
  const GrayImage one = cross(60);
  GrayImage row(60, 240, 255);
  for (std::int64_t i = 0; i < 60; ++i) {
    for (std::int64_t j = 0; j < 180; ++j) row(i, j) = one(i, j % 60);
  }
  write_png(folder / "row.png", row);
  const std::string file = (folder / "row.png").string();
  const json predictions =
      json::parse(run_tare(fmt::format("predict '{}' '{}' --json", model, file)).out)["predictions"];
  REQUIRE(predictions.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(predictions[i]["file"] == file);
    CHECK(predictions[i]["digit"] == i + 1);
    CHECK(predictions[i]["notices"].empty());
  }
  const std::string digit = predictions[0]["prediction"].dump();
  const Outcome text = run_tare(fmt::format("predict '{}' '{}'", model, file));
  CHECK(text.err.empty());
  CHECK(contains(text.out, fmt::format("row.png: {0}{0}{0}\n", digit)));
  CHECK(width_of(text.out.substr(text.out.find('\n') + 1)) <= 80);
  const Outcome brief = run_tare(fmt::format("predict '{}' '{}' --brief", model, file));
  CHECK(contains(brief.out, fmt::format("row.png: {0}{0}{0} ({0} ", digit)));

  write_file(folder / "small.pgm", "P2 3 3 1 1 0 1 0 0 0 1 0 1");
  const Outcome small = run_tare(fmt::format("predict '{}' '{}/small.pgm'", model, folder.path().string()));
  CHECK(contains(small.err, "small.pgm: only 3 x 3 pixels, which show little of a digit\n"));
}

TEST_CASE_FIXTURE(Fixture, "predict scores a folder whose names are labels, and claims nothing of another") {
  const auto picture_at = [&](const std::string& name) {
    std::filesystem::create_directories((folder / name).parent_path());
    write_png(folder / name, cross(40));
  };
  const auto run = [&](const std::string& name, const char* more) {
    return run_tare(fmt::format("predict '{}' '{}/{}' --brief {}", model, folder.path().string(), name, more)).out;
  };
  picture_at("one/x.png");
  const json first = json::parse(run("one", "--json"));
  CHECK_FALSE(first.contains("accuracy"));
  CHECK_FALSE(first["predictions"][0].contains("label"));
  CHECK_FALSE(contains(run("one", ""), "Accuracy"));
  const int right = first["predictions"][0]["prediction"], wrong = (right + 1) % 10;

  for (const char* end : {"", "_a", "-b", ".c"}) picture_at(fmt::format("names/{}{}.png", right, end));
  picture_at(fmt::format("names/{}.png", wrong));
  CHECK(contains(run("names", ""), "Accuracy 4 of 5 (80 %)\n"));
  const json named = json::parse(run("names", "--json"));
  CHECK(named["accuracy"] == 0.8);
  CHECK(named["correct"] == 4);
  CHECK(named["labelled"] == 5);
  picture_at(fmt::format("names/{}b.png", right));
  CHECK_FALSE(contains(run("names", ""), "Accuracy"));

  for (const char* name : {"a", "b"}) picture_at(fmt::format("folders/{}/{}.png", right, name));
  picture_at(fmt::format("folders/{}/0.png", wrong));
  const json folders = json::parse(run("folders", "--json"));
  CHECK(folders["labelled"] == 3);
  CHECK(folders["correct"] == 2);
  for (const json& p : folders["predictions"]) CHECK((p["prediction"] == p["label"]) == (p["label"] == right));
  picture_at("folders/y.png");
  CHECK_FALSE(json::parse(run("folders", "--json")).contains("labelled"));
}

TEST_CASE_FIXTURE(Fixture, "predict prints names so that they cannot upset a terminal") {
  // ESC, a line break, CSI as one character, a turn of direction, and a byte that is no UTF-8; an umlaut is harmless.
  const std::string name = "\x1b[31m\n\xc2\x9b\xe2\x80\xae\xff\xc3\xa4.png";
  std::filesystem::create_directory(folder / "odd");
  write_png(folder / ("odd/" + name), cross(40));
  write_file(folder / ("odd/x" + name), "no picture");
  const std::string words = fmt::format("predict '{}' '{}/odd'", model, folder.path().string());
  for (const char* more : {"", " --brief"}) {
    const Outcome done = run_tare(words + more);
    CHECK(contains(done.out, "/?[31m????\xc3\xa4.png: "));
    CHECK(contains(done.err, "/x?[31m????\xc3\xa4.png: expected PNG or PGM"));
    CHECK(std::count(done.err.begin(), done.err.end(), '\n') == 1);
  }
  const json result = json::parse(run_tare(words + " --json").out);
  CHECK(result["predictions"].size() == 1);
  CHECK(result["failures"].size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a model whose output is not finite is an error of eval and of predict") {
  std::string tensors, header = R"({"0.weight":{"dtype":"F32","shape":[10,64],"data_offsets":[0,2560]},)"
                                R"("0.bias":{"dtype":"F32","shape":[10],"data_offsets":[2560,2600]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string broken = (folder / "broken.safetensors").string();
  for (int i = 0; i < 650; ++i) tensors += "\xff\xff\x7f\x7f";  // the largest finite number, but not its sums
  write_file(broken, std::string{static_cast<char>(header.size())} + std::string(7, '\0') + header + tensors);
  for (const char* more : {"", " --json"}) {
    const Outcome scored = run_tare(fmt::format("eval '{}' --data '{}'{}", broken, data, more));
    CHECK(scored.exit_code == 1);
    CHECK(scored.out.empty());
    CHECK(contains(scored.err, "the model's output for test image 0 is not finite\n"));
  }
  const Outcome read = run_tare(fmt::format("predict '{}' '{}/b.png'", broken, pictures));
  CHECK(read.exit_code == 1);
  CHECK(contains(read.err, "the model's output for it is not finite\n"));
}

TEST_CASE_FIXTURE(Fixture, "eval gives precision and recall of every class, the loss of the worst, in 80 columns") {
  const std::string command = fmt::format("eval '{}' --data '{}'", model, data);
  const json result = json::parse(run_tare(command + " --json").out);
  REQUIRE(result["precision"].size() == 10);
  REQUIRE(result["recall"].size() == 10);
  for (std::size_t k = 0; k < 10; ++k) {
    double samples = 0, read = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      samples += result["confusion_matrix"][k][i].get<double>();
      read += result["confusion_matrix"][i][k].get<double>();
    }
    const double right = result["confusion_matrix"][k][k];
    CHECK(result["recall"][k] == right / samples);
    if (read == 0) {
      CHECK(result["precision"][k].is_null());
    } else {
      CHECK(result["precision"][k] == right / read);
    }
  }
  double last = 1e9, sum = 0;
  for (const json& image : result["worst"]) {
    const double loss = image["loss"], p = image["label_probability"];
    CHECK(loss == doctest::Approx(-std::log(p)).epsilon(1e-6));
    CHECK(loss <= last);
    last = loss;
    sum += loss;
  }
  CHECK(sum / 50 >= result["test_loss"].get<double>());

  const Outcome text = run_tare(command);
  CHECK(width_of(text.out) <= 80);
  CHECK(contains(text.out, "precision    recall\n"));
  CHECK(contains(text.out, fmt::format("{:>9.4f}\n", result["worst"][9]["loss"].get<double>())));
  // Where a matrix does not fit, the worst classes.
  std::string many = (folder / "many").string(), labels = read_file(data + "/t10k-labels-idx1-ubyte");
  std::filesystem::copy(data, many);
  for (std::size_t i = 0; i < 100; ++i) labels[8 + i] = static_cast<char>(i);
  write_file(many + "/t10k-labels-idx1-ubyte", labels);
  std::string training = read_file(data + "/train-labels-idx1-ubyte");
  for (std::size_t i = 0; i < 330; ++i) training[8 + i] = static_cast<char>(i % 110);
  write_file(many + "/train-labels-idx1-ubyte", training);
  const std::string of_many = (folder / "many.safetensors").string();
  REQUIRE(
      run_tare(fmt::format("train --data '{}' --hidden 4 --batch 32 --steps 1 --save '{}'", many, of_many)).exit_code ==
      0);
  const Outcome wide = run_tare(fmt::format("eval '{}' --data '{}'", of_many, many));
  CHECK(wide.exit_code == 0);
  CHECK(contains(wide.out, "Of 110 classes, those with the lowest recall"));
  CHECK(width_of(wide.out) <= 80);
}

TEST_CASE_FIXTURE(Fixture, "eval names what is confused, and shows what it is most wrong about") {
  const std::string worst = (folder / "worst.png").string();
  const std::string command = fmt::format("eval '{}' --data '{}'", model, data);
  const Outcome done = run_tare(fmt::format("{} --json --worst '{}'", command, worst));
  REQUIRE_MESSAGE(done.exit_code == 0, done.err);
  const json result = json::parse(done.out);
  std::int64_t total = 0, errors = 0, last = 1000;
  for (std::size_t i = 0; i < 10; ++i) {
    for (std::size_t j = 0; j < 10; ++j) {
      const auto n = result["confusion_matrix"][i][j].get<std::int64_t>();
      total += n;
      if (i != j) errors += n;
    }
  }
  CHECK(total == 100);
  CHECK(static_cast<double>(errors) / 100 == doctest::Approx(1 - result["test_accuracy"].get<double>()));
  REQUIRE(errors > 0);
  const json& confusions = result["confusions"];
  for (const json& c : confusions) {
    const auto n = c["count"].get<std::int64_t>();
    CHECK(result["confusion_matrix"][c["label"].get<std::size_t>()][c["prediction"].get<std::size_t>()] == n);
    CHECK(n <= last);
    last = n;
    errors -= n;
  }
  CHECK(errors == 0);
  const json& images = result["worst"];
  CHECK(images.size() == 50);
  CHECK(images[0]["label"] != images[0]["prediction"]);
  CHECK(images[0]["label"] == images[0]["image"].get<int>() % 10);
  CHECK(images[0]["label_probability"] <= images[49]["label_probability"]);
  CHECK(images[0]["probability"] >= images[0]["label_probability"]);
  CHECK(read_image(worst).cols > 10 * 28);

  const std::string text = run_tare(command).out;
  CHECK(contains(text, fmt::format("{} read as {}: {} time", confusions[0]["label"].get<int>(),
                                   confusions[0]["prediction"].get<int>(), confusions[0]["count"].get<int>())));
  CHECK(contains(text, fmt::format("{}>{} ", images[0]["label"].get<int>(), images[0]["prediction"].get<int>())));
  const Outcome nowhere = run_tare(command + " --worst /nowhere/worst.png");
  CHECK(nowhere.exit_code == 1);
  CHECK(nowhere.out.empty());
}

// ---- With MNIST -----------------------------------------------------------------------------------------------------

// Ink of MNIST on paper: enlarged, on a page whose light falls off, with the noise of a scanner, dark on light.
GrayImage scanned(const GrayImage& ink, Random& random) {
  const GrayImage large = resize(ink, 168, 168);
  GrayImage page(260, 220);
  for (std::int64_t i = 0; i < page.rows; ++i) {
    for (std::int64_t j = 0; j < page.cols; ++j) {
      const bool inside = i >= 40 && i < 208 && j >= 20 && j < 188;
      const double light = 150 + 0.25 * static_cast<double>(i) + 0.1 * static_cast<double>(j) + 5 * random.normal();
      const double left = 1 - 0.65 * (inside ? large(i - 40, j - 20) : 0) / 255.0;
      page(i, j) = static_cast<std::uint8_t>(std::clamp(light * left, 0.0, 255.0));
    }
  }
  return page;
}

// With lines of a printer, or squares, every 31 pixels.
GrayImage with_lines(GrayImage page, bool squared) {
  for (std::int64_t i = 0; i < page.rows; ++i) {
    for (std::int64_t j = 0; j < page.cols; ++j) {
      if (i % 31 < 2 || (squared && j % 31 < 2)) page(i, j) = static_cast<std::uint8_t>(page(i, j) * 3 / 4);
    }
  }
  return page;
}

TEST_CASE("pictures of MNIST's digits, drawn and scanned, are read about as well as MNIST itself") {
  const char* mnist = std::getenv("TARE_DATA");
  if (mnist == nullptr || !std::filesystem::is_directory(mnist)) {
    MESSAGE("skipped: TARE_DATA does not name a folder with MNIST");
    return;
  }
  constexpr std::int64_t kImages = 100;
  const ImageSet test = load_test_data(mnist);
  const TemporaryFolder folder;
  const std::string model = (folder / "model.safetensors").string();
  REQUIRE(run_tare(fmt::format("train --data mnist --hidden 128 --epochs 1 --quiet --save '{}'", model)).exit_code ==
          0);

  Random random(3, Random::Stream{4});
  using Render = std::function<std::string(const GrayImage&)>;
  const auto png = [](const GrayImage& image) { return encode_png(image.rows, image.cols, 1, image.pixels); };
  const std::vector<std::pair<std::string, Render>> styles = {
      {"as it is", png},
      {"enlarged", [&](const GrayImage& ink) { return png(resize(ink, 252, 252)); }},
      {"dark blue on yellow",
       [&](const GrayImage& ink) {
         std::vector<std::uint8_t> rgb;
         for (const std::uint8_t p : resize(ink, 84, 84).pixels) {
           const auto mix = [&](int paper, int pen) {
             rgb.push_back(static_cast<std::uint8_t>((paper * (255 - p) + pen * p) / 255));
           };
           mix(250, 20), mix(240, 30), mix(120, 160);
         }
         return encode_png(84, 84, 3, rgb);
       }},
      {"scanned", [&](const GrayImage& ink) { return png(scanned(ink, random)); }},
      {"on ruled paper", [&](const GrayImage& ink) { return png(with_lines(scanned(ink, random), false)); }},
      {"on squared paper", [&](const GrayImage& ink) { return png(with_lines(scanned(ink, random), true)); }},
      {"PGM on a wide page", [&](const GrayImage& ink) {
         std::string file = "P5 200 90 255\n" + std::string(200 * 90, '\xfa');
         const GrayImage large = resize(ink, 56, 56);
         for (std::int64_t i = 0; i < 56; ++i) {
           for (std::int64_t j = 0; j < 56; ++j)
             file[static_cast<std::size_t>(14 + (i + 20) * 200 + j + 110)] =
                 static_cast<char>(250 - 200 * large(i, j) / 255);
         }
         return file;
       }}};
  for (const auto& [style, render] : styles) {
    const TemporaryFolder pictures;
    for (std::int64_t i = 0; i < kImages; ++i)
      write_file(pictures / fmt::format("{:03}.{}", i, style[0] == 'P' ? "pgm" : "png"), render(picture_of(test, i)));
    const Outcome done = run_tare(fmt::format("predict '{}' '{}' --json", model, pictures.path().string()));
    const std::string what = style;
    CAPTURE(what);
    REQUIRE_MESSAGE(done.exit_code == 0, done.err);
    const json predictions = json::parse(done.out)["predictions"];
    REQUIRE(std::ssize(predictions) == kImages);
    std::int64_t correct = 0;
    for (std::size_t i = 0; i < kImages; ++i)
      correct += predictions[i]["prediction"] == static_cast<int>(test.labels[i]);
    CHECK(correct >= kImages * 94 / 100);
  }
}

}  // namespace
}  // namespace tare::testing
