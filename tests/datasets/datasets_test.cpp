// Reading IDX files, well-formed and not; finding data sets; shuffled batches and their pixels. In float.
#include <tare/core/machine/error.h>
#include <tare/datasets/batches.h>
#include <tare/datasets/idx.h>
#include <tare/datasets/images.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"
#include "tests/datasets/format_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

namespace tare {
namespace {

namespace fs = std::filesystem;
using testing::gzip;
using testing::image_header;
using testing::images_file;
using testing::labels_file;
using testing::TemporaryFolder;
using testing::write_file;

const std::string kTrainImages = "train-images-idx3-ubyte", kTrainLabels = "train-labels-idx1-ubyte";
const std::string kTestImages = "t10k-images-idx3-ubyte", kTestLabels = "t10k-labels-idx1-ubyte";

// Four images for training, three for testing, of 2 x 3 pixels and three classes.
void write_data(const TemporaryFolder& folder) {
  write_file(folder / kTrainImages, images_file(4));
  write_file(folder / kTrainLabels, labels_file({2, 0, 1, 2}));
  write_file(folder / kTestImages, images_file(3));
  write_file(folder / kTestLabels, labels_file({1, 2, 0}));
}

bool holds(const std::vector<std::uint8_t>& bytes, const std::string& file, std::size_t header) {
  return std::equal(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(header), file.end(),
                    [](std::uint8_t a, char b) { return a == static_cast<std::uint8_t>(b); });
}

// ---- Well-formed files ----------------------------------------------------------------------------------------------

TEST_CASE("IDX images and labels, raw and compressed") {
  const TemporaryFolder folder;
  const std::string images = images_file(5, 4, 7), labels = labels_file({3, 1, 4, 1, 255});
  for (const bool compressed : {false, true}) {
    const fs::path image_file = folder / (compressed ? "images.gz" : "images");
    const fs::path label_file = folder / (compressed ? "labels.gz" : "labels");
    write_file(image_file, compressed ? gzip(images) : images);
    write_file(label_file, compressed ? gzip(labels) : labels);
    const IdxImages read = read_idx_images(image_file);
    CHECK(read.count == 5);
    CHECK(read.rows == 4);
    CHECK(read.cols == 7);
    CHECK(holds(read.pixels, images, 16));
    CHECK(read_idx_labels(label_file) == std::vector<std::uint8_t>{3, 1, 4, 1, 255});
  }
  write_file(folder / "parts.gz", gzip(images.substr(0, 20)) + gzip("") + gzip(images.substr(20)));
  CHECK(holds(read_idx_images(folder / "parts.gz").pixels, images, 16));
}

TEST_CASE("a compressed file may be much smaller than what it holds") {
  const TemporaryFolder folder;
  write_file(folder / "images.gz", gzip(image_header(1000, 30, 40) + std::string(1000 * 30 * 40, '\7')));
  const IdxImages read = read_idx_images(folder / "images.gz");
  CHECK(std::ranges::all_of(read.pixels, [](int p) { return p == 7; }));
  CHECK(read.pixels.size() == 1000 * 30 * 40);
}

TEST_CASE("a folder is read under both styles of names, raw or compressed") {
  for (const std::string separator : {"-", "."}) {
    for (const std::string ending : {"", ".gz"}) {
      const TemporaryFolder folder;
      CAPTURE(separator);
      CAPTURE(ending);
      auto write = [&](const std::string& stem, const std::string& type, const std::string& bytes) {
        write_file(folder / (stem + separator + type + "-ubyte" + ending), ending.empty() ? bytes : gzip(bytes));
      };
      write("train-images", "idx3", images_file(4));
      write("train-labels", "idx1", labels_file({2, 0, 1, 2}));
      write("t10k-images", "idx3", images_file(3));
      write("t10k-labels", "idx1", labels_file({1, 2, 0}));
      const DataSet data = load_data(folder.path());
      CHECK(data.classes == 3);
      CHECK(data.train.count == 4);
      CHECK(data.train.rows == 2);
      CHECK(data.train.cols == 3);
      CHECK(data.train.features() == 6);
      CHECK(holds(data.train.pixels, images_file(4), 16));
      CHECK(data.train.labels == std::vector<int>{2, 0, 1, 2});
      CHECK(data.test.count == 3);
      CHECK(holds(data.test.pixels, images_file(3), 16));
      CHECK(data.test.labels == std::vector<int>{1, 2, 0});
    }
  }
}

TEST_CASE("a raw file is preferred over a compressed one, of either style of name") {
  const TemporaryFolder folder;
  write_data(folder);
  write_file(folder / (kTestLabels + ".gz"), gzip(labels_file({0, 0, 0})));
  CHECK(load_test_data(folder.path()).labels == std::vector<int>{1, 2, 0});
  fs::rename(folder / kTestLabels, folder / "t10k-labels.idx1-ubyte");
  CHECK(load_test_data(folder.path()).labels == std::vector<int>{1, 2, 0});
  fs::remove(folder / "t10k-labels.idx1-ubyte");
  CHECK(load_test_data(folder.path()).labels == std::vector<int>{0, 0, 0});
}

TEST_CASE("a folder that has a file's name does not stand for it") {
  const TemporaryFolder folder;
  write_data(folder);
  fs::remove(folder / kTestLabels);
  fs::create_directory(folder / kTestLabels);
  CHECK(contains(error_of([&] { load_data(folder.path()); }), "t10k-labels-idx1-ubyte: not a regular file"));
  write_file(folder / (kTestLabels + ".gz"), gzip(labels_file({0, 1, 0})));
  CHECK(load_data(folder.path()).test.labels == std::vector<int>{0, 1, 0});
}

TEST_CASE("the test set alone needs no training files") {
  const TemporaryFolder folder;
  write_data(folder);
  fs::remove(folder / kTrainImages);
  fs::remove(folder / kTrainLabels);
  CHECK(load_test_data(folder.path()).count == 3);
  CHECK(contains(error_of([&] { load_data(folder.path()); }), "expected a file train-images-idx3-ubyte"));
}

// ---- Malformed folders; malformed files have a table in malformed_test.cpp -----------------------------------------

#define CHECK_CONTAINS(text, part)  \
  do {                              \
    const std::string text_ = text; \
    CAPTURE(text_);                 \
    CHECK(contains(text_, part));   \
  } while (false)

TEST_CASE("an error about what is in a file begins with its name") {
  const TemporaryFolder folder;
  write_file(folder / "images.gz", images_file(1));
  write_file(folder / "labels", "");
  CHECK(error_of([&] { read_idx_images(folder / "images.gz"); }) ==
        (folder / "images.gz").string() + ": expected gzip data, found something else");
  CHECK(error_of([&] { read_idx_labels(folder / "labels"); }) == (folder / "labels").string() + ": the file is empty");
}

TEST_CASE("files that are not there, or not files") {
  const TemporaryFolder folder;
  CHECK(error_of([&] { read_idx_images(folder / "none"); }) == (folder / "none").string() + ": no such file");
  CHECK(error_of([&] { read_idx_labels(folder.path()); }) == folder.path().string() + ": not a regular file");

  for (const std::string& missing : {kTrainImages, kTrainLabels, kTestImages, kTestLabels}) {
    write_data(folder);
    fs::remove(folder / missing);
    const std::string message = error_of([&] { load_data(folder.path()); });
    CHECK_CONTAINS(message, folder.path().string() + ": expected a file " + missing + " or " + missing + ".gz");
    fs::create_directory(folder / missing);
    CHECK(error_of([&] { load_data(folder.path()); }) == (folder / missing).string() + ": not a regular file");
    fs::remove(folder / missing);
  }
  CHECK_CONTAINS(error_of([&] { load_data(folder / "none"); }), (folder / "none").string() + ": expected a file ");
}

TEST_CASE("files that do not agree with each other") {
  // The message after one file has been replaced.
  auto error = [](const std::string& file, const std::string& bytes) {
    const TemporaryFolder folder;
    write_data(folder);
    write_file(folder / file, bytes);
    const std::string message = error_of([&] { load_data(folder.path()); });
    REQUIRE_MESSAGE(message.starts_with(folder.path().string()), message);
    return message;
  };
  CHECK_CONTAINS(error(kTrainLabels, labels_file({0, 1, 2})),
                 kTrainLabels + ": expected one label for each of the 4 images, found 3");
  CHECK_CONTAINS(error(kTestLabels, labels_file({0, 1, 2, 0})),
                 kTestLabels + ": expected one label for each of the 3 images, found 4");
  CHECK_CONTAINS(error(kTestImages, images_file(3, 3, 2)), "training images are 2 x 3, test images 3 x 2");
  CHECK_CONTAINS(error(kTestImages, images_file(3, 2, 4)), "training images are 2 x 3, test images 2 x 4");
  CHECK_CONTAINS(error(kTestLabels, labels_file({0, 3, 1})),
                 "expected test labels from 0 to 2, as in training, found 3");
  CHECK_CONTAINS(error(kTrainImages, labels_file({0, 1, 2, 3})), kTrainImages + ": expected the magic number");
}

TEST_CASE("which training labels are believable") {
  const TemporaryFolder folder;
  write_data(folder);
  write_file(folder / kTestLabels, labels_file({1, 1, 1}));
  auto classes = [&](const std::vector<int>& labels) {
    write_file(folder / kTrainImages, images_file(static_cast<std::uint32_t>(labels.size())));
    write_file(folder / kTrainLabels, labels_file(labels));
    return load_data(folder.path()).classes;
  };
  auto error = [&](const std::vector<int>& labels) { return error_of([&] { classes(labels); }); };
  std::vector<int> digits;
  for (int i = 0; i < 200; ++i) digits.push_back(i % 10);
  CHECK(classes(digits) == 10);
  // As some sets of letters do: from 1 on.
  std::vector<int> from_one;
  for (int i = 0; i < 520; ++i) from_one.push_back(1 + i % 26);
  CHECK(classes(from_one) == 27);
  // A class without an example may happen in a small set, but not in a large one.
  CHECK(classes({0, 1, 3}) == 4);
  std::vector<int> gap = digits;
  std::ranges::replace(gap, 5, 4);
  CHECK(classes(gap) == 9);  // renumbered
  // One damaged byte far above the others.
  std::vector<int> outlier = digits;
  outlier[77] = 255;
  CHECK_CONTAINS(error(outlier),
                 "training labels go up to 255, but 245 of the classes below have no example, and 255 has only one");
  CHECK_CONTAINS(error({0, 1, 255}), "training labels go up to 255");

  write_file(folder / kTestLabels, labels_file({0, 0, 0}));
  CHECK(classes({0, 0, 0, 0, 0}) == 1);
}

// ---- Finding data ---------------------------------------------------------------------------------------------------

TEST_CASE("MNIST itself, where $TARE_DATA has it") {
  const char* folder = std::getenv("TARE_DATA");
  if (folder == nullptr || !fs::is_directory(folder)) {
    MESSAGE("skipped: $TARE_DATA is not set to a folder");
    return;
  }
  const DataSet data = load_data(folder);
  CHECK(data.classes == 10);
  CHECK(data.train.count == 60000);
  CHECK(data.test.count == 10000);
  CHECK(data.train.rows == 28);
  CHECK(data.train.cols == 28);
  CHECK(data.train.labels[0] == 5);
  CHECK(data.test.labels[0] == 7);
  std::uint64_t total = 0;
  for (const std::uint8_t pixel : data.train.pixels) total += pixel;
  const double mean = static_cast<double>(total) / static_cast<double>(data.train.pixels.size());
  CHECK(std::abs(mean - 33.318) <= 0.01);
}

// ---- Batches --------------------------------------------------------------------------------------------------------

// Image i has the pixels i / 256 and i % 256, and the label i % 10.
ImageSet numbered(std::int64_t count) {
  ImageSet set{.count = count, .rows = 1, .cols = 2, .pixels = {}, .labels = {}};
  for (std::int64_t i = 0; i < count; ++i) {
    set.pixels.push_back(static_cast<std::uint8_t>(i / 256));
    set.pixels.push_back(static_cast<std::uint8_t>(i % 256));
    set.labels.push_back(static_cast<int>(i % 10));
  }
  return set;
}

// The numbers of the images in a batch; their labels must be theirs.
std::vector<int> numbers(const Batch& batch) {
  std::vector<int> found;
  const View x = batch.x.value();
  REQUIRE(std::ssize(batch.labels) == x.rows());
  for (Index i = 0; i < x.rows(); ++i) {
    const long number = std::lround(x(i, 0) * 255) * 256 + std::lround(x(i, 1) * 255);
    found.push_back(static_cast<int>(number));
    CHECK(batch.labels[static_cast<std::size_t>(i)] == number % 10);
  }
  return found;
}

std::vector<int> epoch_order(Batches& batches, Index epoch, int threads = 1) {
  std::vector<int> order;
  for (Index step = epoch * batches.per_epoch(); step < (epoch + 1) * batches.per_epoch(); ++step) {
    Workers workers(threads);
    Tape tape(workers);
    const std::vector<int> batch = numbers(batches.at(step, tape));
    order.insert(order.end(), batch.begin(), batch.end());
  }
  return order;
}

TEST_CASE("an epoch has every image once, except for the partial batch that is dropped") {
  const ImageSet set = numbered(1000);
  for (const Index size : {1, 64, 250, 1000}) {
    CAPTURE(size);
    Batches batches(set, Pixels::unit, size, 1, true);
    CHECK(batches.per_epoch() == 1000 / size);
    std::set<int> dropped;
    for (Index epoch = 0; epoch < 3; ++epoch) {
      const std::vector<int> order = epoch_order(batches, epoch);
      const std::set<int> distinct(order.begin(), order.end());
      CHECK(std::ssize(order) == 1000 / size * size);
      CHECK(distinct.size() == order.size());
      CHECK(*distinct.begin() >= 0);
      CHECK(*distinct.rbegin() < 1000);
      CHECK_FALSE(std::ranges::is_sorted(order));
      for (int i = 0; i < 1000; ++i) {
        if (!distinct.contains(i)) dropped.insert(i);
      }
    }
    // Not the same images every time.
    if (size == 64) CHECK(dropped.size() > 1000 % 64);
  }
}

TEST_CASE("the order depends on the seed and the epoch only") {
  const ImageSet set = numbered(300);
  Batches batches(set, Pixels::unit, 30, 5, true);
  const std::vector<int> first = epoch_order(batches, 0), second = epoch_order(batches, 1);
  CHECK(first != second);

  Batches again(set, Pixels::unit, 30, 5, true);
  CHECK(epoch_order(again, 1) == second);  // without the epoch before
  CHECK(epoch_order(again, 0) == first);   // and backwards
  Batches other_seed(set, Pixels::unit, 30, 6, true);
  CHECK(epoch_order(other_seed, 0) != first);
  Batches other_size(set, Pixels::unit, 100, 5, true);
  CHECK(epoch_order(other_size, 1, 3) == second);

  // Steps in any order, over the border of an epoch and back.
  for (const Index step : {19, 3, 10, 9, 0, 19}) {
    CAPTURE(step);
    const std::vector<int>& epoch = step < 10 ? first : second;
    Tape tape;
    const std::vector<int> batch = numbers(batches.at(step, tape));
    CHECK(std::equal(batch.begin(), batch.end(), epoch.begin() + step % 10 * 30));
  }
}

TEST_CASE("without shuffling, every epoch follows the file") {
  const ImageSet set = numbered(10);
  Batches batches(set, Pixels::unit, 3, 1, false);
  for (Index epoch = 0; epoch < 2; ++epoch) {
    CHECK(epoch_order(batches, epoch) == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  }
}

TEST_CASE("a batch cannot be larger than the data") {
  const ImageSet set = numbered(10);
  CHECK(Batches(set, Pixels::unit, 10, 1, true).per_epoch() == 1);
  CHECK(error_of([&] { Batches(set, Pixels::unit, 11, 1, true); }) ==
        "batch: expected 1 to 10 training samples, found 11");
}

TEST_CASE("the pixel scalings") {
  const ImageSet set{.count = 2, .rows = 1, .cols = 2, .pixels = {0, 127, 128, 255}, .labels = {0, 0}};
  const std::vector<std::pair<Pixels, std::vector<double>>> cases = {
      {Pixels::standard,
       {-0.1307 / 0.3081, (127 / 255.0 - 0.1307) / 0.3081, (128 / 255.0 - 0.1307) / 0.3081, (1 - 0.1307) / 0.3081}},
      {Pixels::unit, {0, 127 / 255.0, 128 / 255.0, 1}},
      {Pixels::binary, {0, 0, 1, 1}}};
  for (const auto& [pixels, expected] : cases) {
    Tape tape;
    const Var x = gather(set, pixels, 0, 2, tape);
    const View all = x.value(), batch = Batches(set, pixels, 2, 1, false).at(0, tape).x.value();
    REQUIRE(all.size() == 4);
    CHECK(x.value().background == all(0, 0));
    for (Index i = 0; i < 4; ++i) {
      CAPTURE(i);
      const double e = expected[static_cast<std::size_t>(i)];
      // A product and a sum, each rounded to float.
      CHECK(std::abs(static_cast<double>(all.data()[i]) - e) <= 2e-7 * std::abs(e) + (e == 0 ? 0 : 6e-8));
      CHECK(batch.data()[i] == all.data()[i]);
    }
  }
}

TEST_CASE("gather takes consecutive images, as a constant") {
  const ImageSet set = numbered(700);
  for (const int threads : {1, 3}) {
    Workers workers(threads);
    Tape tape(workers);
    const Var x = gather(set, Pixels::unit, 250, 300, tape);
    REQUIRE(x.rows() == 300);
    REQUIRE(x.cols() == 2);
    for (Index i = 0; i < 300; ++i) {
      CHECK(std::lround(x.value()(i, 0) * 255) * 256 + std::lround(x.value()(i, 1) * 255) == 250 + i);
    }
    CHECK(contains(error_of([&] { x.grad(); }), "needs no gradient"));
  }
}

TEST_CASE("batches of a set that somebody made are checked") {
  const ImageSet good{.count = 3, .rows = 1, .cols = 2, .pixels = {1, 2, 3, 4, 5, 6}, .labels = {0, 1, 0}};
  const auto of = [](const ImageSet& set, Index size) {
    return error_of([&] { Batches(set, Pixels::standard, size, 1, true); });
  };
  CHECK(of(good, 3) == "");
  for (const Index size : {0, -1, 4}) {
    CHECK(of(good, size) == fmt::format("batch: expected 1 to 3 training samples, found {}", size));
  }
  ImageSet few_pixels = good, few_labels = good, negative = good;
  few_pixels.pixels.pop_back();
  few_labels.labels.pop_back();
  negative.count = -1;
  CHECK(of(few_pixels, 2) == "images: expected 3 x 1 x 2 pixels, found 5");
  CHECK(of(few_labels, 2) == "images: expected a label for each of 3 images, found 2");
  CHECK(of(negative, 2).starts_with("images: "));

  Tape tape;
  Batches batches(good, Pixels::standard, 2, 1, true);
  CHECK(error_of([&] { batches.at(-1, tape); }) == "batch: step: expected at least 0, found -1");
  const auto gathered = [&](const ImageSet& set, Index begin, Index size) {
    return error_of([&] { gather(set, Pixels::unit, begin, size, tape); });
  };
  CHECK(gathered(good, 1, 2) == "");
  CHECK(gathered(good, 2, 2) == "gather: expected a part of 3 samples, found 2 from 2 on");
  CHECK(gathered(good, -1, 2) == "gather: expected a part of 3 samples, found 2 from -1 on");
  CHECK(gathered(good, 0, -1).starts_with("gather: "));
  CHECK(gathered(few_pixels, 0, 1).starts_with("images: "));
}

}  // namespace
}  // namespace tare
