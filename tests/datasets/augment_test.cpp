// Images that training shifts, turns and bends, and the noise that it adds. In float.
#include <tare/datasets/augment.h>
#include <tare/datasets/batches.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

using Plane = std::vector<real>;
constexpr Index kRows = 9, kCols = 12;

// `count` images of any bytes, in a frame of empty pixels.
ImageSet images(Index count, Index rows = kRows, Index cols = kCols) {
  ImageSet set{.count = count, .rows = rows, .cols = cols, .pixels = {}, .labels = {}};
  Random random(11);
  for (Index p = 0; p < count * rows * cols; ++p) {
    const Index i = p / cols % rows, j = p % cols;
    const bool inside = i >= 2 && i < rows - 2 && j >= 2 && j < cols - 2;
    set.pixels.push_back(static_cast<std::uint8_t>(inside ? random.below(256) : 0));
  }
  set.labels.assign(static_cast<std::size_t>(count), 0);
  return set;
}

Plane plane(const real* numbers, Index size) { return {numbers, numbers + size}; }
Plane moved(const ImageSet& set, double right, double down, double degrees) {
  Distortion distortion(set.rows, set.cols);
  distortion.move(right, down, degrees);
  return plane(distortion.apply(set.pixels.data()), set.features());
}

double largest_difference(const Plane& a, const Plane& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t p = 0; p < a.size(); ++p) largest = std::max(largest, static_cast<double>(std::abs(a[p] - b[p])));
  return largest;
}

TEST_CASE("an image that is shifted by whole pixels is exactly that, and empty where nothing was") {
  const ImageSet set = images(1);
  for (const Index right : {0, 1, -3, 12, 100}) {
    for (const Index down : {0, 2, -1, -9}) {
      CAPTURE(right);
      CAPTURE(down);
      Plane expected;
      for (Index i = 0; i < kRows; ++i) {
        for (Index j = 0; j < kCols; ++j) {
          const Index y = i - down, x = j - right;
          const bool inside = y >= 0 && y < kRows && x >= 0 && x < kCols;
          expected.push_back(inside ? set.pixels[static_cast<std::size_t>(y * kCols + x)] : real{0});
        }
      }
      CHECK(moved(set, static_cast<double>(right), static_cast<double>(down), 0) == expected);
    }
  }
}

TEST_CASE("a shift between pixels mixes neighbours; a part outside counts as empty") {
  ImageSet set{.count = 1, .rows = 4, .cols = 4, .pixels = std::vector<std::uint8_t>(16), .labels = {0}};
  set.pixels[5] = 200;
  set.pixels[3] = 100;
  set.pixels[8] = 80;
  const Plane x = moved(set, 0.25, 0.5, 0);
  CHECK(x[5] == 75);  // 200 (1 - 0.25) (1 - 0.5)
  CHECK(x[6] == 25);  // 200 0.25 0.5
  CHECK(x[9] == 85);  // with 80 0.25 0.5
  CHECK(x[10] == 25);
  CHECK(x[8] == 30);  // 80 0.75 0.5: what comes from beyond the border is empty
  CHECK(x[12] == 30);
  CHECK(x[3] == 37.5);  // what goes beyond the border is lost
  CHECK(x[7] == 37.5);
}

TEST_CASE("a quarter turn about the centre is exact to rounding, and counterclockwise") {
  for (const Index side : {6, 7}) {
    CAPTURE(side);
    const ImageSet set = images(1, side, side);
    const auto turned = [&](const auto& from) {  // by 90 degrees
      Plane expected;
      for (Index i = 0; i < side; ++i) {
        for (Index j = 0; j < side; ++j) expected.push_back(set.pixels[static_cast<std::size_t>(from(i, j))]);
      }
      return expected;
    };
    const Plane left = turned([&](Index i, Index j) { return j * side + side - 1 - i; });
    const Plane right = turned([&](Index i, Index j) { return (side - 1 - j) * side + i; });
    const Plane half = turned([&](Index i, Index j) { return (side - 1 - i) * side + side - 1 - j; });
    CHECK(largest_difference(moved(set, 0, 0, 90), left) < 1e-3);
    CHECK(largest_difference(moved(set, 0, 0, -90), right) < 1e-3);
    CHECK(largest_difference(moved(set, 0, 0, 180), half) < 1e-3);
    CHECK(largest_difference(moved(set, 0, 0, 45), left) > 10);
    // Turned first, shifted then.
    CHECK(largest_difference(moved(set, 1, 0, 90), left) > 10);
    CHECK(moved(set, 1, 0, 90)[1] == doctest::Approx(left[0]).epsilon(1e-4));
  }
}

// The displacements of bend(), as they appear in an image of which every pixel is its column (or its row).
struct Bent {
  std::vector<double> dx, dy;
};
Bent bent(Index rows, Index cols, double pixels, std::uint64_t seed) {
  ImageSet columns{.count = 1, .rows = rows, .cols = cols, .pixels = {}, .labels = {}}, lines = columns;
  for (Index p = 0; p < rows * cols; ++p) {
    columns.pixels.push_back(static_cast<std::uint8_t>(4 * (p % cols)));
    lines.pixels.push_back(static_cast<std::uint8_t>(4 * (p / cols)));
  }
  Bent found;
  for (auto [set, to] : {std::pair(&columns, &found.dx), {&lines, &found.dy}}) {
    Distortion distortion(rows, cols);
    Random random(seed);
    distortion.move(0, 0, 0);
    distortion.bend(pixels, random);
    const real* seen = distortion.apply(set->pixels.data());
    for (Index p = 0; p < rows * cols; ++p) {
      to->push_back((static_cast<double>(seen[p]) - set->pixels[static_cast<std::size_t>(p)]) / 4);
    }
  }
  return found;
}

TEST_CASE("bending displaces by what was asked for, smoothly, and every time otherwise") {
  const Index rows = 40, cols = 50;
  const Bent field = bent(rows, cols, 0.5, 3), twice = bent(rows, cols, 1, 3), other = bent(rows, cols, 0.5, 4);
  double square = 0, largest_step = 0, difference = 0;
  Index inside = 0;
  for (Index i = 5; i < rows - 5; ++i) {  // where nothing from outside is seen
    for (Index j = 5; j < cols - 5; ++j) {
      const auto p = static_cast<std::size_t>(i * cols + j);
      CHECK(std::abs(twice.dx[p] - 2 * field.dx[p]) < 1e-4);
      square += field.dx[p] * field.dx[p] + field.dy[p] * field.dy[p];
      largest_step = std::max({largest_step, std::abs(field.dx[p + 1] - field.dx[p]),
                               std::abs(field.dy[p + static_cast<std::size_t>(cols)] - field.dy[p])});
      difference = std::max(difference, std::abs(field.dx[p] - other.dx[p]));
      ++inside;
    }
  }
  // Near the border there is less displacement than in here, so the root mean square is not exactly 0.5.
  CHECK(std::sqrt(square / static_cast<double>(inside)) == doctest::Approx(0.5).epsilon(0.2));
  CHECK(largest_step < 0.3);
  CHECK(difference > 0.2);
}

TEST_CASE("an elastic field has the Gaussian's correlation") {
  // Smoothing by deviation s leaves neighbours at a distance d the correlation exp(-d^2 / (4 s^2)).
  const Index side = 60;
  double own = 0, near = 0, across = 0;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Bent field = bent(side, side, 0.5, seed);
    for (Index i = 12; i < side - 12; ++i) {
      for (Index j = 12; j < side - 12; ++j) {
        const auto p = static_cast<std::size_t>(i * side + j);
        own += field.dx[p] * field.dx[p];
        near += field.dx[p] * field.dx[p + 4];
        across += field.dx[p] * field.dx[p + static_cast<std::size_t>(4 * side)];
      }
    }
  }
  CHECK(std::abs(near / own - std::exp(-0.25)) < 0.05);
  CHECK(std::abs(across / own - std::exp(-0.25)) < 0.05);
}

const AugmentOptions kAll{.shift = 2, .rotate = 20, .elastic = 1};

// The steps' inputs, one after the other.
std::vector<Matrix> inputs(const ImageSet& set, Pixels pixels, const AugmentOptions& augment, double noise,
                           const std::vector<Index>& steps, int threads = 1, std::uint64_t seed = 1) {
  Batches batches(Samples(set, pixels), 20, seed, false, augment, noise);
  Workers workers(threads);
  std::vector<Matrix> all;
  for (const Index step : steps) {
    Tape tape(workers);
    all.emplace_back(batches.at(step, tape).x.value());
  }
  return all;
}

TEST_CASE("draws depend on the seed and the step, not on threads or on the steps before") {
  const ImageSet set = images(40, 28, 28);  // two steps an epoch
  for (const auto& [augment, noise] : {std::pair(kAll, 0.0), {AugmentOptions{}, 0.5}, {kAll, 0.5}}) {
    const AugmentOptions& options = augment;
    const auto of = [&, noise = noise](const std::vector<Index>& steps, int threads = 1, std::uint64_t seed = 1) {
      return inputs(set, Pixels::standard, options, noise, steps, threads, seed);
    };
    const std::vector<Matrix> whole = of({0, 1, 2, 3}), split = of({0, 1, 2, 3}, 3), late = of({3, 2});
    for (std::size_t step = 0; step < 4; ++step) CHECK(same_bits(split[step], whole[step]));
    CHECK(same_bits(late[0], whole[3]));
    CHECK(same_bits(late[1], whole[2]));
    // The same images in another epoch, or with another seed, are drawn anew, every one.
    const Matrix other_seed = of({0}, 1, 2)[0];
    for (Index i = 0; i < 20; ++i) {
      CHECK(max_difference(whole[0].row(i), whole[2].row(i)) > 0.1);
      CHECK(max_difference(whole[0].row(i), other_seed.row(i)) > 0.1);
    }
  }
}

TEST_CASE("equal images of a batch become different ones") {
  const ImageSet one = images(1, 28, 28);
  ImageSet set = images(20, 28, 28);
  for (std::size_t i = 0; i < 20; ++i) std::ranges::copy(one.pixels, set.pixels.begin() + static_cast<Index>(784 * i));
  for (const AugmentOptions& options : {AugmentOptions{.shift = 2}, {.rotate = 20}, {.elastic = 1}}) {
    const Matrix x = inputs(set, Pixels::standard, options, 0, {0})[0];
    for (Index i = 1; i < 20; ++i) CHECK(max_difference(x.row(i - 1), x.row(i)) > 0.1);
  }
}

TEST_CASE("nothing to do is nothing done; evaluation takes images as they are") {
  const ImageSet set = images(40, 28, 28);
  const Matrix plain = inputs(set, Pixels::standard, {}, 0, {0})[0];
  Tape tape;
  CHECK(same_bits(gather(set, Pixels::standard, 0, 20, tape).value(), plain));
  // An angle that is next to nothing goes the whole way.
  CHECK(max_difference(inputs(set, Pixels::standard, {.rotate = 1e-9}, 0, {0})[0], plain) < 1e-4);
  CHECK(max_difference(inputs(set, Pixels::standard, {.rotate = 10}, 0, {0})[0], plain) > 1);
}

TEST_CASE("distorted images keep their background, exactly; those with noise have none") {
  const ImageSet set = images(20, 28, 28);
  for (const Pixels pixels : {Pixels::standard, Pixels::unit, Pixels::binary}) {
    Batches distorted(Samples(set, pixels), 20, 1, false, kAll), noisy(Samples(set, pixels), 20, 1, false, kAll, 0.1);
    Tape tape;
    const View x = distorted.at(0, tape).x.value();
    REQUIRE(x.background.has_value());
    CHECK(x.background == gather(set, pixels, 0, 1, tape).value().background);
    CHECK((x.array() == *x.background).count() > 28 * 20);
    if (pixels == Pixels::binary) CHECK((x.array() == 0 || x.array() == 1).all());
    CHECK_FALSE(noisy.at(0, tape).x.value().background.has_value());
  }
}

TEST_CASE("noise has mean 0, its deviation, a normal's tails, and no two numbers alike") {
  const Index count = 100;
  const ImageSet set = images(count, 28, 28);
  const real sigma = 0.25;
  Batches plain(Samples(set, Pixels::standard), count, 1, false);
  Batches noisy(Samples(set, Pixels::standard), count, 1, false, {}, static_cast<double>(sigma));
  Tape tape;
  const Matrix noise = (noisy.at(0, tape).x.value() - plain.at(0, tape).x.value()) / sigma;
  const auto n = static_cast<double>(noise.size());  // 78,400: the mean's deviation is 0.0036
  double sum = 0, squares = 0, fourth = 0, beyond = 0, along = 0, across = 0;
  for (Index i = 0; i < noise.rows(); ++i) {
    for (Index j = 0; j < noise.cols(); ++j) {
      const double e = static_cast<double>(noise(i, j));
      sum += e, squares += e * e, fourth += e * e * e * e, beyond += std::abs(e) > 2 ? 1 : 0;
      along += j > 0 ? e * static_cast<double>(noise(i, j - 1)) : 0;
      across += i > 0 ? e * static_cast<double>(noise(i - 1, j)) : 0;
    }
  }
  CHECK(std::abs(sum / n) < 0.015);
  CHECK(squares / n == doctest::Approx(1).epsilon(0.02));
  CHECK(fourth / n == doctest::Approx(3).epsilon(0.05));
  CHECK(beyond / n == doctest::Approx(0.0455).epsilon(0.1));
  CHECK(std::abs(along / n) < 0.015);
  CHECK(std::abs(across / n) < 0.015);

  // Rows of numbers that are no images take it, too.
  const Matrix rows = Matrix::Zero(6, 500);
  const std::vector<int> labels(6);
  Batches of_rows({rows, std::span(labels)}, 6, 1, true, {}, 2);
  const Matrix x = of_rows.at(0, tape).x.value();
  CHECK(std::sqrt(static_cast<double>(x.squaredNorm()) / 3000) == doctest::Approx(2).epsilon(0.1));
}

TEST_CASE("what cannot be distorted so far is refused before training") {
  const ImageSet set = images(20);  // 9 x 12
  const auto of = [](const Samples& samples, const AugmentOptions& augment, double noise = 0) {
    return error_of([&] { Batches(samples, 10, 1, true, augment, noise); });
  };
  const Samples samples(set, Pixels::unit);
  CHECK(of(samples, {.shift = 4.5, .rotate = 180, .elastic = 4.5}).empty());
  CHECK(of(samples, {.shift = 5}) == "batch: augment: shift: expected a number from 0 to 4.5, found 5");
  CHECK(of(samples, {.shift = -1}) == "batch: augment: shift: expected a number from 0 to 4.5, found -1");
  CHECK(of(samples, {.rotate = 181}) == "batch: augment: rotate: expected a number from 0 to 180, found 181");
  CHECK(of(samples, {.elastic = std::nan("")}).starts_with("batch: augment: elastic: expected a number from 0 to 4.5"));
  CHECK(of(samples, {}, -1) == "batch: noise: expected a number of at least 0, found -1");
  CHECK(of(samples, {}, INFINITY).starts_with("batch: noise: "));
  const ImageSet small = images(20, 3, 9);
  CHECK(of(Samples(small, Pixels::unit), {.rotate = 1}) ==
        "batch: augment: expected images of at least 4 x 4 pixels, found 3 x 9");
  CHECK(of(Samples(small, Pixels::unit), {}, 1).empty());
  const Matrix rows = Matrix::Zero(20, 100);
  CHECK(of(Samples(View(rows), std::span(set.labels)), {.rotate = 1}) ==
        "batch: augment: expected images of at least 4 x 4 pixels, found 1 x 100");
}

}  // namespace
}  // namespace tare
