#include <tare/datasets/built_in/digits.h>

#include <tare/datasets/built_in/toys.h>
#include <tare/datasets/pictures/mnist_form.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace tare {
namespace {

// FNV-1a.
std::uint64_t digest(const ImageSet& set) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const std::vector<std::uint8_t> labels = label_bytes(set);
  for (const std::vector<std::uint8_t>* bytes : {&set.pixels, &labels}) {
    for (const std::uint8_t byte : *bytes) hash = (hash ^ byte) * 0x100000001b3;
  }
  return hash;
}

TEST_CASE("a seed's digits are the same bytes everywhere") {
  CHECK(digest(draw_digits(1, 0, 1000)) == 2997317160023293917U);
  CHECK(digest(draw_digits(2, 60'000, 1000)) == 10410220565874258793U);
}

TEST_CASE("an image depends on the seed and its number alone") {
  const ImageSet many = draw_digits(3, 0, 64), few = draw_digits(3, 40, 5), other = draw_digits(4, 40, 5);
  CHECK(std::equal(few.labels.begin(), few.labels.end(), many.labels.begin() + 40));
  CHECK(std::equal(few.pixels.begin(), few.pixels.end(), many.pixels.begin() + 40 * many.features()));
  CHECK(few.pixels != other.pixels);

  const ImageSet test = make_test_digits(1), begin = draw_digits(1, 60'000, 3);
  CHECK(test.count == 10'000);
  CHECK(std::equal(begin.pixels.begin(), begin.pixels.end(), test.pixels.begin()));
}

TEST_CASE("the digits have MNIST's form, and roughly its statistics") {
  const ImageSet set = draw_digits(5, 0, 4000);
  CHECK(set.rows == 28);
  CHECK(set.cols == 28);
  std::array<int, 10> counts{};
  double sum = 0, squares = 0;
  int changed = 0;
  for (std::int64_t i = 0; i < set.count; ++i) {
    ++counts.at(static_cast<std::size_t>(set.labels[static_cast<std::size_t>(i)]));
    const std::span image(set.pixels.data() + i * set.features(), static_cast<std::size_t>(set.features()));
    std::array<std::uint8_t, 784> again;
    REQUIRE(to_mnist_form(image, 28, 28, 28, again.data()));
    changed += !std::ranges::equal(image, again);
    for (const std::uint8_t pixel : image) {
      sum += pixel / 255.0;
      squares += pixel / 255.0 * pixel / 255.0;
    }
  }
  CHECK(changed < 10);  // what has the form keeps it, unless rounding to bytes moves a centre of mass past a half
  for (const int count : counts) CHECK(std::abs(count - 400) < 80);  // four standard errors
  const double n = static_cast<double>(set.pixels.size()), mean = sum / n;
  CHECK(mean == doctest::Approx(0.1307).epsilon(0.03));
  CHECK(std::sqrt(squares / n - mean * mean) == doctest::Approx(0.3081).epsilon(0.03));
}

TEST_CASE("toy sets are points with balanced classes, the same everywhere") {
  const std::uint64_t digests[] = {10631587029686536952U, 14062020615005829404U, 3639431796584581585U,
                                   13530802386077057407U};
  for (std::size_t i = 0; i < kToys.size(); ++i) {
    CAPTURE(kToys[i]);
    const DataSet toy = make_toy(kToys[i], 1);
    CHECK(toy.classes == (kToys[i] == "blobs" ? 3 : 2));
    CHECK(toy.train.features() == 2);
    CHECK(toy.train.count == 20'000);
    CHECK(toy.test.count == 2'000);
    CHECK(digest(toy.test) == digests[i]);
    CHECK(digest(make_toy(kToys[i], 2).test) != digests[i]);
    for (int label = 0; label < toy.classes; ++label) {
      const auto share = static_cast<double>(std::ranges::count(toy.train.labels, label)) * toy.classes / 20'000;
      CHECK(share == doctest::Approx(1).epsilon(0.05));
    }
    // Hardly a point lies on the border, where it was clipped.
    CHECK(std::ranges::count_if(toy.train.pixels, [](int x) { return x == 0 || x == 255; }) < 100);
  }
}

}  // namespace
}  // namespace tare
