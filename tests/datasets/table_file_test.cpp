// Somebody's own data: tables as CSV files and pictures in folders, and every way in which they can be wrong that we
// could think of.
#include <tare/datasets/batches.h>
#include <tare/datasets/csv.h>
#include <tare/datasets/load_table.h>
#include <tare/datasets/picture_folder.h>
#include <tare/datasets/pictures/png.h>
#include <tare/optim/training/saved_model.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::TemporaryFolder;

// Three kinds of flowers that nobody has measured: row i is of kind i % 3.
std::string flowers(int rows) {
  static constexpr const char* kKinds[] = {"rose", "aster", "iris"};
  std::string text = "petal,sepal,height,kind\n";
  Random random(1);
  for (int i = 0; i < rows; ++i) {
    const int kind = i % 3;
    text += fmt::format("{:.2f},{:.2f},{:.1f},{}\n", 2 + kind + 0.2 * random.normal(), 5 - kind + 0.2 * random.normal(),
                        30 + 10 * random.uniform(), kKinds[kind]);
  }
  return text;
}

CsvTable decode(const std::string& text) { return decode_csv(text, "t.csv"); }

TEST_CASE("a table is numbers, and a class in the column label or else in the last") {
  const CsvTable last = decode("a,b,kind\n1,2.5,x\n-3e2,+.5,b\n0,1e-3,x\n");
  CHECK(last.columns == std::vector<std::string>{"a", "b"});
  CHECK(last.label == "kind");
  CHECK(last.numbers == std::vector<double>{1, 2.5, -300, 0.5, 0, 0.001});
  CHECK(last.classes == std::vector<std::string>{"b", "x"});
  CHECK(last.labels == std::vector<int>{1, 0, 1});
  CHECK(last.lines == std::vector<std::int64_t>{2, 3, 4});
  const CsvTable named = decode("a,label,b\n1,7,2\n3,10,4\n");
  CHECK(named.columns == std::vector<std::string>{"a", "b"});
  CHECK(named.numbers == std::vector<double>{1, 2, 3, 4});
  CHECK(named.classes == std::vector<std::string>{"7", "10"});  // by size, not as text
}

TEST_CASE("numbers too small for a double are 0, however they are written") {
  const CsvTable table = decode("a,b,kind\n1e-400,-2.5E-9999999999999999999999,x\n1e-310,1000e-330,y\n0." +
                                std::string(400, '0') + "1,0.0001e-320,x\n");
  CHECK(table.numbers == std::vector<double>{0, 0, 1e-310, 0, 0, 0});
  const std::string large[] = {"1e400", "-1e+99999999999999999999", "0.0001e330", std::string(400, '9')};
  for (const std::string& cell : large) {
    CAPTURE(cell);
    CHECK(contains(error_of([&] { decode("a,b,kind\n1," + cell + ",x\n"); }), "expected a finite number"));
  }
}

TEST_CASE("tables as spreadsheets and other programs write them") {
  const CsvTable expected = decode("a b,c\n1,x\n2.5,y\n");
  const std::string tables[] = {"a b,c\r\n1,x\r\n2.5,y\r\n",
                                "a b,c\n1,x\n2.5,y",
                                "a b,c\r1,x\r2.5,y\r",
                                "\xef\xbb\xbf"
                                "a b,c\n1,x\n2.5,y\n",
                                "a b;c\n1;x\n2.5;y\n",
                                "a b;c\n1;x\n2,5;y\n",
                                "sep=;\r\na b;c\r\n1;x\r\n2,5;y\r\n",
                                "a b\tc\n1\tx\n2.5\ty\n",
                                "\"a b\",\"c\"\n\"1\",\"x\"\n\"2.5\",y\n",
                                "a b , c\n 1 ,x \n2.5,\t\"y\" \n",
                                "\n  \na b,c\n\n1,x\n\n2.5,y\n\n\n"};
  for (const std::string& text : tables) {
    CAPTURE(text);
    const CsvTable table = decode(text);
    CHECK(table.columns == expected.columns);
    CHECK(table.numbers == expected.numbers);
    CHECK(table.classes == expected.classes);
    CHECK(table.labels == expected.labels);
  }
  CHECK(decode("a,b\n1,\"x, \"\"y\"\"\"\n").classes == std::vector<std::string>{"x, \"y\""});
  CHECK(decode("0,1,2\n5,6,x\n").columns == std::vector<std::string>{"0", "1"});  // columns may be counted
  CHECK(decode("400.5,401,label\n5,6,x\n").columns.size() == 2);
  CHECK(decode("größe,art\n1,süß\n").classes == std::vector<std::string>{"süß"});
}

TEST_CASE("every malformed table has an error of its own, which says where") {
  const std::string head = "a,b,kind\n1,2,x\n";
  const struct {
    std::string text, message;
  } malformed[] = {
      {"", "the file is empty"},
      {"\xef\xbb\xbf", "found only blank lines"},
      {"\n \r\n\n", "found only blank lines"},
      {"\xff\xfe"
       "a\0,\0"s,
       "expected text in UTF-8, found UTF-16"},
      {"<!DOCTYPE html><html>", "expected a table (CSV), found HTML or XML"},
      {"a,b\n1,\0"s, "line 2: expected text (CSV), found a zero byte"},
      {"a,b\n1,x\n2,\xe9t\xe9\n", "line 3: expected text in UTF-8, found the byte 0xe9"},
      {"a,b\n1,\xed\xa0\x80\n", "line 2: expected text in UTF-8, found the byte 0xed"},
      {"a,b\n1,\xc0\xaf\n", "line 2: expected text in UTF-8, found the byte 0xc0"},
      {"a,b\n1,x\xf0\x9f", "line 2: expected text in UTF-8, found the byte 0xf0"},
      {"a\n1\n", "line 1: expected at least two columns"},
      {"a b kind\n1 2 x\n", "line 1: expected at least two columns, numbers and a class, between commas"},
      {"a|b\n1|x\n", "found \"a|b\""},
      {std::string(1'000'000, ','), "line 1: expected at most 1000000 cells, found more"},
      {"sep=|\na|b\n", "expected a comma, a semicolon or a tab as separator, found \"|\""},
      {"5.1,3.5,rose\n4.9,3.0,iris\n", "line 1: expected the columns' names, found the numbers of a row"},
      {"a,,kind\n1,2,x\n", "line 1: the name of column 2: expected a name, found nothing"},
      {"a,b,kind,\n1,2,x,\n", "line 1: the name of column 4: expected a name, found nothing"},
      {"a,a,kind\n1,2,x\n", "line 1: expected every name once, found \"a\" in columns 1 and 2"},
      {"label,a,label\n1,2,x\n", "found \"label\" in columns 1 and 3"},
      {"a\x1b[2J,b\n1,x\n", "line 1: the name of column 1: expected no control characters, found one"},
      {"a,b,kind\n", "expected rows behind the header, found none"},
      {"a,b,kind\n\n\n", "expected rows behind the header, found none"},
      {head + "1,2\n", "line 3: expected 3 cells, as the header has, found 2"},
      {head + "1,2,x,\n", "line 3: expected 3 cells, as the header has, found 4"},
      {head + "\n1,5,2,x\n", "line 4: expected 3 cells, as the header has, found 4"},
      {head + "1,,x\n", "line 3: column \"b\": expected a finite number, found nothing"},
      {head + "1, \"\" ,x\n", "line 3: column \"b\": expected a finite number, found nothing"},
      {head + ",,\n", "line 3: column \"a\": expected a finite number, found nothing"},
      {head + "1,two,x\n", "line 3: column \"b\": expected a finite number, found \"two\""},
      {head + "1,2 3,x\n", "found \"2 3\""},
      {head + "1,2.5.1,x\n", "found \"2.5.1\""},
      {head + "1,0x10,x\n", "found \"0x10\""},
      {head + "1,nan,x\n", "column \"b\": expected a finite number, found \"nan\""},
      {head + "-inf,1,x\n", "column \"a\": expected a finite number, found \"-inf\""},
      {head + "1e999,1,x\n", "column \"a\": expected a finite number, found \"1e999\""},
      {head + "1,+-2,x\n", "found \"+-2\""},
      {head + "1," + std::string(100'000, '9') + "z,x\n", "found \"9999999999999999999999999999999999999999...\""},
      {head + "1,2,\n", "line 3: column \"kind\": expected a name, found nothing"},
      {head + "1,2,x\x07\n", "line 3: column \"kind\": expected no control characters, found one"},
      {head + "1,2,x\xc2\x9b\n", "expected no control characters, found one"},
      {head + "1,\"2,x\n", "line 3: expected a closing quote for \"\"2,x\", found none"},
      {head + "1,2,\"x\ny\"\n", "line 3: expected a closing quote"},
      {head + "1,\"2\"5,x\n", "line 3: expected a comma behind a quoted cell, found \"5,x\""},
      {"a,b\n1,7\n2,7.0\n", "column \"b\": expected one spelling of each class, found \"7\" and \"7.0\""},
      {"a\tb\n1,5\tx\n", "column \"a\": expected a finite number, found \"1,5\""},
      {"a;b\n1.234,5;x\n", "column \"a\": expected a finite number, found \"1.234,5\""},
  };
  for (const auto& [bytes, message] : malformed) {
    const std::string& text = bytes;
    CAPTURE(text);
    const std::string error = error_of([&] { decode(text); });
    CAPTURE(error);
    CHECK(error.starts_with("t.csv: "));
    CHECK(contains(error, message));
    CHECK(error.size() < 250);
  }
}

TEST_CASE("a fifth of the rows is drawn for testing, and the training rows give the scale") {
  const TemporaryFolder folder;
  testing::write_file(folder / "flowers.csv", flowers(90));
  const DataSet data = load_data(folder / "flowers.csv", {.seed = 3});
  CHECK(data.classes == 3);
  CHECK(data.form.class_names == std::vector<std::string>{"aster", "iris", "rose"});
  CHECK(data.train.count == 72);
  CHECK(data.test.count == 18);
  CHECK(data.train.features() == 3);
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = c; i < data.train.numbers.size(); i += 3) {
      sum += data.train.numbers[i];
      squares += data.train.numbers[i] * data.train.numbers[i];
    }
    CHECK(std::abs(sum) <= 1e-10);
    CHECK(squares == doctest::Approx(72));
  }
  // What is scaled back is what stands in the file, each row once.
  const CsvTable table = read_csv(folder / "flowers.csv");
  std::vector<double> heights, found;
  for (std::size_t i = 2; i < table.numbers.size(); i += 3) heights.push_back(table.numbers[i]);
  const Column& height = data.form.columns[2];
  CHECK(height.name == "height");
  for (const ImageSet* set : {&data.train, &data.test}) {
    for (std::size_t i = 2; i < set->numbers.size(); i += 3) {
      found.push_back(std::round(10 * (set->numbers[i] * height.deviation + height.mean)) / 10);
    }
  }
  std::ranges::sort(heights);
  std::ranges::sort(found);
  CHECK(found == heights);
  CHECK(load_data(folder / "flowers.csv", {.seed = 3}).test.numbers == data.test.numbers);
  CHECK(load_data(folder / "flowers.csv", {.seed = 4}).test.numbers != data.test.numbers);
}

TEST_CASE("another table may be the test set, and the samples may be held out again") {
  const TemporaryFolder folder;
  testing::write_file(folder / "train.csv", "a,b,kind\n1,5,x\n3,5,y\n");
  testing::write_file(folder / "test.csv", "a,b,kind\n5,6,y\n2,5,x\n1,4,y\n");
  const DataSet data = load_data(folder / "train.csv", {.test = folder / "test.csv"});
  CHECK(data.train.numbers == std::vector<double>{-1, 0, 1, 0});  // one number only keeps its scale
  CHECK(data.test.numbers == std::vector<double>{3, 1, 0, 0, -1, -1});
  CHECK(data.test.labels == std::vector<int>{1, 0, 1});
  CHECK(data.form.own_test);
  const Split<ImageSet> parts = split(data.test, 1, 1);
  CHECK(parts.train.count == 2);
  CHECK(parts.train.numbers.size() == 4);
  CHECK(parts.test.is_table());

  Tape tape;
  const Batch batch = gather(Samples(data.test, Pixels::unit), 0, 3, tape);
  CHECK(batch.x.value()(0, 0) == 3);
  CHECK(batch.x.value()(2, 1) == -1);
  CHECK(batch.labels[0] == 1);
}

TEST_CASE("tables that cannot be trained on") {
  const TemporaryFolder folder;
  const std::string train = (folder / "train.csv").string(), test = (folder / "test.csv").string();
  const auto error = [&](const std::string& text, const std::string& other = "") {
    testing::write_file(train, text);
    if (!other.empty()) testing::write_file(test, other);
    return error_of([&] { load_data(train, {.test = other.empty() ? "" : test}); });
  };
  CHECK(error("a,kind\n1,x\n2,x\n") == train + ": column \"kind\": expected at least two classes, found only \"x\"");
  CHECK(contains(error("a,b\n1,x\n"), "expected at least two classes"));
  std::string measured = "a,b\n";
  for (int i = 0; i < 50; ++i) measured += fmt::format("{},{}\n", i, 0.5 * i);
  CHECK(contains(error(measured), "column \"b\": expected classes, found 50 different values in 50 rows"));
  CHECK(contains(error("a,b\n1e308,x\n-1e308,y\n1e308,x\n1,y\n1,x\n"),
                 "column \"a\": expected numbers that have a mean"));
  CHECK(contains(error("a,b\n1,x\n2,y\n"), "has drawn all rows for testing"));

  const std::string good = "a,b,kind\n1,5,x\n3,5,y\n";
  CHECK(contains(error(good, "a,b,kind\n1,2,x\n1,2,z\n"),
                 test + ": line 3: expected a class that training has, too, found \"z\""));
  CHECK(error(good, "a,c,kind\n1,2,x\n") ==
        test + ": expected the 2 columns of the training rows, found 2: column 2 is \"b\" there, \"c\" here");
  CHECK(contains(error(good, "b,a,kind\n1,2,x\n"), "column 1 is \"a\" there, \"b\" here"));
  CHECK(contains(error(good, "a,kind\n1,x\n"), "column 2 is \"b\" there, none here"));
  CHECK(contains(error(good, "a,b,c,kind\n1,2,3,x\n"), "column 3 is none there, \"c\" here"));
  CHECK(
      contains(error(good, "a,b,kind\n1e300,5,x\n"), "line 2: column \"a\": expected a number near those of training"));
  fs::remove(test);
  CHECK(contains(error_of([&] { load_data(train, {.test = test}); }), test + ": no such file"));
  CHECK(contains(error_of([&] { load_data(folder / "none.csv"); }), "none.csv: no such file"));
  CHECK(contains(error_of([&] { load_data("moons", {.test = test}); }), "expected with a table"));
}

// ---- Folders of pictures --------------------------------------------------------------------------------------------

// A picture whose first pixel is `number`.
void write_picture(const fs::path& file, int number, std::int64_t rows = 3, std::int64_t cols = 5) {
  fs::create_directories(file.parent_path());
  GrayImage picture(rows, cols, 7);
  picture.pixels[0] = static_cast<std::uint8_t>(number);
  write_png(file, picture);
}

// Five cats, 0 to 4, and five dogs, 10 to 14.
void write_pets(const fs::path& folder) {
  for (int i = 0; i < 5; ++i) {
    write_picture(folder / fmt::format("dogs/{}.png", i), 10 + i);
    write_picture(folder / fmt::format("cats/{}.png", i), i);
  }
}

TEST_CASE("folders of pictures are classes, and a fifth of the pictures is drawn for testing") {
  const TemporaryFolder folder;
  write_pets(folder.path());
  testing::write_file(folder / "README.txt", "Pets");
  fs::create_directory(folder / ".git");
  fs::create_directories(folder / "__MACOSX/cats");
  for (const char* name : {"cats/.DS_Store", "cats/._0.png", "cats/Thumbs.db", "dogs/desktop.ini", "Thumbs.db"}) {
    testing::write_file(folder / name, "x");
  }
  const DataSet data = load_data(folder.path());
  CHECK(kind_of(folder.path()) == DataKind::pictures);
  CHECK(data.form.class_names == std::vector<std::string>{"cats", "dogs"});
  CHECK(data.classes == 2);
  CHECK(data.train.count == 8);
  CHECK(data.test.count == 2);
  CHECK(data.train.rows == 3);
  CHECK(data.train.cols == 5);
  CHECK(data.train.pixels[1] == 7);
  std::vector<int> firsts;
  for (const ImageSet* set : {&data.train, &data.test}) {
    for (std::size_t i = 0; i < set->labels.size(); ++i) {
      firsts.push_back(set->pixels[15 * i]);
      CHECK(set->labels[i] == (firsts.back() >= 10));
    }
  }
  std::ranges::sort(firsts);
  CHECK(firsts == std::vector<int>{0, 1, 2, 3, 4, 10, 11, 12, 13, 14});
}

TEST_CASE("train and test may have folders of their own; classes that are numbers are in their order") {
  const TemporaryFolder folder;
  for (const int k : {2, 10, 1}) write_picture(folder / fmt::format("train/{}/a.png", k), k);
  write_picture(folder / "test/10/b.png", 110);
  const DataSet data = load_data(folder.path());
  CHECK(data.form.class_names == std::vector<std::string>{"1", "2", "10"});
  CHECK(data.train.labels == std::vector<int>{0, 1, 2});
  CHECK(data.test.labels == std::vector<int>{2});
  CHECK(data.test.pixels[0] == 110);
}

TEST_CASE("folders of pictures that cannot be trained on") {
  const auto error = [](const auto& spoil) {
    const TemporaryFolder folder;
    write_pets(folder.path());
    spoil(folder.path());
    const std::string message = error_of([&] { load_data(folder.path()); });
    REQUIRE_MESSAGE(message.starts_with(folder.path().string()), message);
    return message.substr(folder.path().string().size());
  };
  CHECK(error([](const fs::path& f) { fs::create_directory(f / "birds"); }) ==
        "/birds: expected pictures (PNG or PGM), found none");
  CHECK(contains(error([](const fs::path& f) { write_picture(f / "dogs/x.png", 1, 5, 3); }),
                 "/dogs/x.png: expected a picture of 3 x 5 pixels, as "));
  CHECK(error([](const fs::path& f) { testing::write_file(f / "cats/notes.txt", "?"); }) ==
        "/cats/notes.txt: expected PNG or PGM, found something else");
  CHECK(error([](const fs::path& f) { testing::write_file(f / "cats/x.jpg", "\xff\xd8\xff"); }) ==
        "/cats/x.jpg: expected PNG or PGM, found JPEG");
  CHECK(error([](const fs::path& f) { testing::write_file(f / "cats/x.png", ""); }) ==
        "/cats/x.png: the file is empty");
  CHECK(contains(error([](const fs::path& f) { fs::create_directory(f / "cats/more"); }), "found the folder more"));
  CHECK(error([](const fs::path& f) { write_picture(f / "lost.png", 1); }) ==
        "/lost.png: expected in the folder of its class, found beside it");
  CHECK(error([](const fs::path& f) { fs::remove_all(f / "dogs"); }) ==
        ": expected folders of at least two classes, found only cats");
  CHECK(contains(error([](const fs::path& f) { fs::create_directory(f / "b\x1b[2J"); }), "no control characters"));
  CHECK(contains(error([](const fs::path& f) { write_picture(f / "train/cats/1.png", 1); }),
                 ": expected the folders train and test"));
  const auto split = [](const fs::path& f) {
    fs::remove_all(f / "cats");
    fs::remove_all(f / "dogs");
    write_pets(f / "train");
    write_pets(f / "test");
  };
  CHECK(contains(error([&](const fs::path& f) {
                   split(f);
                   write_picture(f / "test/birds/1.png", 1);
                 }),
                 "/test/birds: expected a class that training has, too, found \"birds\""));
  CHECK(contains(error([&](const fs::path& f) {
                   split(f);
                   fs::remove_all(f / "test");
                   for (const char* k : {"cats", "dogs"}) write_picture(f / "test" / k / "1.png", 1, 2, 2);
                 }),
                 "/test/cats/1.png: expected a picture of 3 x 5 pixels, as "));
}

// ---- Gaps between labels --------------------------------------------------------------------------------------------

TEST_CASE("classes that were taken out of an IDX set leave no gaps") {
  const TemporaryFolder folder;
  testing::write_file(folder / "train-images-idx3-ubyte", testing::images_file(8));
  testing::write_file(folder / "train-labels-idx1-ubyte", testing::labels_file({3, 7, 7, 3, 3, 7, 3, 7}));
  testing::write_file(folder / "t10k-images-idx3-ubyte", testing::images_file(3));
  testing::write_file(folder / "t10k-labels-idx1-ubyte", testing::labels_file({7, 7, 3}));
  const DataSet data = load_data(folder.path());
  CHECK(data.classes == 2);
  CHECK(data.train.labels == std::vector<int>{0, 1, 1, 0, 0, 1, 0, 1});
  CHECK(data.test.labels == std::vector<int>{1, 1, 0});
  CHECK(data.form.class_names == std::vector<std::string>{"3", "7"});
  CHECK(data.notice == "labels 3, 7 became 0, 1");
  testing::write_file(folder / "t10k-labels-idx1-ubyte", testing::labels_file({7, 5, 3}));
  CHECK(contains(error_of([&] { load_data(folder.path()); }), "expected test labels as in training, 3, 7, found 5"));
}

// ---- Saved models ---------------------------------------------------------------------------------------------------

TEST_CASE("a saved model knows its columns and its classes, and has no other tensors") {
  const TemporaryFolder folder;
  testing::write_file(folder / "flowers.csv", flowers(30));
  const DataSet data = load_data(folder / "flowers.csv", {.seed = 5});
  Sequential model = make_mlp({.in = 3, .hidden = {4}, .out = 3}, 1);
  const fs::path file = folder / "model.safetensors";
  save_model(file, model, Activation::relu, Pixels::standard, data.form);
  const Safetensors contents = read_safetensors(file);
  CHECK(contents.tensors.size() == model.state().size());
  CHECK(!contents.metadata.contains("pixels"));
  const DataForm form = load_model(file).form;
  CHECK(form.class_names == data.form.class_names);
  CHECK(form.seed == 5);
  CHECK(form.digest == data.form.digest);
  CHECK(!form.own_test);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(form.columns[c].name == data.form.columns[c].name);
    CHECK(form.columns[c].mean == data.form.columns[c].mean);
    CHECK(form.columns[c].deviation == data.form.columns[c].deviation);
  }
  const auto error = [&](const std::string& text) {
    Safetensors changed = contents;
    changed.metadata["data"] = text;
    return error_of([&] { load_model(changed, "m"); });
  };
  CHECK(error("[").starts_with("m: metadata \"data\": "));
  CHECK(error("{\"classes\": [1]}").starts_with("m: metadata \"data\": "));
  CHECK(error("{\"classes\": [\"a\"]}") == "m: metadata \"data\": expected 3 classes, as the network has, found 1");
  CHECK(contains(error("{\"classes\": [], \"columns\": {\"name\": [\"a\", \"b\"], \"mean\": [1], \"deviation\": [1]}}"),
                 "m: metadata \"data\": "));
  CHECK(contains(error("{\"classes\": [], \"columns\": {\"name\": [\"a\"], \"mean\": [1], \"deviation\": [1]}}"),
                 "expected 3 columns, as the network has, found 1"));
  CHECK(contains(error("{\"classes\": [], \"columns\": {\"name\": [\"a\", \"b\", \"c\"], \"mean\": [1, 2, 3], "
                       "\"deviation\": [1, 0, 1]}}"),
                 "column \"b\": expected a mean and a deviation above 0"));
  CHECK(contains(error("{\"classes\": [], \"size\": [2, 2]}"), "expected 3 pixels, as the network has, found 4"));
}

}  // namespace
}  // namespace tare
