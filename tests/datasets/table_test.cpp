// Rows of numbers with labels or targets: batches, parts and scaling, alike for them and for images.
#include <tare/datasets/batches.h>
#include <tare/datasets/table.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <type_traits>

namespace tare {
namespace {

static_assert(!std::is_constructible_v<Samples, Table&&>, "it would borrow what is gone at once");
static_assert(!std::is_constructible_v<Samples, ImageSet&&, Pixels>);

// Row i holds i and -i; its label is i % 7, its target 10 i.
Table numbered(Index count) {
  Table table{Buffer(count, 2), {}};
  table.targets.emplace(count, 1);
  for (Index i = 0; i < count; ++i) {
    table.x.row(i) << static_cast<real>(i), static_cast<real>(-i);
    table.labels.push_back(static_cast<int>(i % 7));
    (*table.targets)(i, 0) = static_cast<real>(10 * i);
  }
  return table;
}

// Image i holds i as its only pixel.
ImageSet images(std::int64_t count) {
  ImageSet set{.count = count, .rows = 1, .cols = 1, .pixels = {}, .labels = {}};
  for (std::int64_t i = 0; i < count; ++i) {
    set.pixels.push_back(static_cast<std::uint8_t>(i));
    set.labels.push_back(static_cast<int>(i % 7));
  }
  return set;
}

TEST_CASE("a seed's order is the same for images, rows with labels and rows with targets") {
  const Table table = numbered(100);
  const ImageSet set = images(100);
  Batches of_images(set, Pixels::unit, 8, 5), of_labels({table.x, std::span(table.labels)}, 8, 5),
      of_targets({table.x, View(*table.targets)}, 8, 5);
  CHECK(of_labels.per_epoch() == 12);
  for (const Index step : {0, 11, 12, 30, 3}) {
    Tape tape;
    const Batch a = of_images.at(step, tape), b = of_labels.at(step, tape), c = of_targets.at(step, tape);
    REQUIRE(b.x.shape() == Shape{8, 2});
    REQUIRE(c.targets.has_value());
    CHECK(!b.targets.has_value());
    CHECK(c.labels.empty());
    CHECK(std::ranges::equal(a.labels, b.labels));
    for (Index i = 0; i < 8; ++i) {
      const auto number = static_cast<real>(std::lround(a.x.value()(i, 0) * 255));
      CHECK(b.x.value()(i, 0) == number);
      CHECK(b.x.value()(i, 1) == -number);
      CHECK(c.x.value()(i, 0) == number);
      CHECK(c.targets->value()(i, 0) == 10 * number);
      CHECK(b.labels[static_cast<std::size_t>(i)] == static_cast<int>(number) % 7);
    }
  }
}

TEST_CASE("a seed holds out the same rows as images, and nothing is lost") {
  const Split<Table> rows = split(numbered(100), 20, 3);
  const Split<ImageSet> pictures = split(images(100), 20, 3);
  REQUIRE(rows.test.x.rows() == 20);
  REQUIRE(rows.train.x.rows() == 80);
  std::set<int> seen;
  for (const auto& [table, set] : {std::pair(rows.train, pictures.train), std::pair(rows.test, pictures.test)}) {
    REQUIRE(set.count == table.x.rows());
    CHECK(set.labels == table.labels);
    for (Index i = 0; i < set.count; ++i) {
      const int number = set.pixels[static_cast<std::size_t>(i)];
      CHECK(table.x(i, 0) == static_cast<real>(number));
      CHECK((*table.targets)(i, 0) == static_cast<real>(10 * number));
      seen.insert(number);
    }
  }
  CHECK(seen.size() == 100);
  const Split<Table> other = split(numbered(100), 20, 4);
  CHECK(!same_bits(other.test.x, rows.test.x));
  for (const Index test : {Index{0}, Index{100}, Index{-1}}) {
    CHECK(error_of([&] { split(numbered(100), test, 1); }) ==
          fmt::format("split: expected 1 to 99 samples to hold out, found {}", test));
  }
}

TEST_CASE("columns are brought to mean 0 and deviation 1, and back") {
  Matrix x(4, 3);
  x << 1, 7, 1000, 2, 7, 1100, 3, 7, 900, 4, 7, 1000;
  const Standardization scaling(x);
  CHECK(scaling.mean(0, 0) == 2.5f);
  CHECK(scaling.deviation(0, 0) == doctest::Approx(std::sqrt(1.25)));
  CHECK(scaling.deviation(0, 1) == 1);
  Buffer scaled(x);
  scaling.apply(scaled);
  for (Index c = 0; c < 3; ++c) {
    CAPTURE(c);
    CHECK(std::abs(scaled.col(c).mean()) <= 1e-6f);
    CHECK(scaled.col(c).squaredNorm() / 4 == doctest::Approx(c == 1 ? 0 : 1));
  }
  scaling.undo(scaled);
  CHECK(max_difference(scaled, x) <= 1e-3);
  Buffer narrow(4, 2);
  CHECK(error_of([&] { scaling.apply(narrow); }) == "standardization: columns: expected 3, found 2");
  CHECK(contains(error_of([&] { Standardization(Matrix(0, 3)); }), "at least 1, found 0"));
}

TEST_CASE("a column of one number stays in its place, whatever the number and however many rows") {
  for (const double number : {14.62, 0.1, -7.7, 100000.1}) {
    for (const Index n : {3, 10, 1000}) {
      CAPTURE(number);
      CAPTURE(n);
      Buffer x(n, 1);
      x.setConstant(static_cast<real>(number));
      const Standardization scaling(x);
      CHECK(scaling.deviation(0, 0) == 1);
      scaling.apply(x);
      CHECK(x.cwiseAbs().maxCoeff() == 0);
    }
  }
}

TEST_CASE("what does not belong together is an Error that says so") {
  const Table table = numbered(10);
  const std::vector<int> few(9);
  const Buffer short_targets(9, 1);
  CHECK(error_of([&] { Samples(table.x, std::span(few)); }) == "samples: expected 10 labels, found 9");
  CHECK(error_of([&] { Samples(table.x, short_targets); }) == "samples: expected 10 rows of targets, found 9");
  CHECK(error_of([&] { Batches(Samples(table.x), 2, 1); }) ==
        "batch: expected a label or targets for each of 10 samples, found none");
  CHECK(error_of([&] { Batches(Samples(table), 11, 1); }) == "batch: expected 1 to 10 training samples, found 11");
  Tape tape;
  CHECK(error_of([&] { gather(Samples(table), 5, 6, tape); }) ==
        "gather: expected a part of 10 samples, found 6 from 5 on");
  Table wrong = table;
  wrong.labels.pop_back();
  CHECK(error_of([&] { split(wrong, 2, 1); }) == "split: expected 10 labels, found 9");
}

}  // namespace
}  // namespace tare
