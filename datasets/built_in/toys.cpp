#include <tare/datasets/built_in/toys.h>

#include <tare/core/machine/random.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

constexpr auto kStream = Random::Stream::toys;

constexpr std::int64_t kTraining = 20'000, kTest = 2'000;
constexpr double kPi = 3.14159265358979323846;

struct Point {
  double x, y;  // the square from -1 to 1 is what there is room for
};

// Taylor's series, because the C library's sine may differ in its last bit from another's. |angle| stays below 30.
double sine(double angle) {
  angle -= 2 * kPi * std::floor(angle / (2 * kPi) + 0.5);  // to -pi ... pi
  double term = angle, sum = angle;
  for (int n = 2; n < 28; n += 2) {
    term *= -angle * angle / (n * (n + 1));
    sum += term;
  }
  return sum;
}

Point on_circle(double angle, double radius) { return {radius * sine(angle + kPi / 2), radius * sine(angle)}; }

Point noisy(Point p, double deviation, Random& random) {
  return {p.x + deviation * random.normal(), p.y + deviation * random.normal()};
}

// A point of the class `label`.
using Toy = Point (*)(int label, Random& random);

Point spirals(int label, Random& random) {
  const double t = random.uniform();  // from the middle to the end, after one turn and a half
  return noisy(on_circle(3 * kPi * t + label * kPi, 0.08 + 0.82 * t), 0.02, random);
}

Point moons(int label, Random& random) {
  const Point p = on_circle(kPi * random.uniform(), 0.55);
  return noisy(label == 0 ? Point{p.x - 0.3, 0.15 - p.y} : Point{p.x + 0.3, p.y - 0.15}, 0.07, random);
}

Point circles(int label, Random& random) {
  const double radius = label == 0 ? 0.45 * std::sqrt(random.uniform()) : 0.75;
  return noisy(on_circle(2 * kPi * random.uniform(), radius), 0.05, random);
}

Point blobs(int label, Random& random) { return noisy(on_circle(2 * kPi * label / 3 - kPi / 2, 0.5), 0.2, random); }

constexpr struct {
  Toy toy;
  int classes;
} kRecipes[] = {{spirals, 2}, {moons, 2}, {circles, 2}, {blobs, 3}};  // in the order of kToys

std::uint8_t to_byte(double x) { return static_cast<std::uint8_t>(std::clamp(128 + 127 * x, 0.0, 255.0)); }

}  // namespace

DataSet make_toy(std::string_view name, std::uint64_t seed) {
  const auto number = static_cast<std::size_t>(std::ranges::find(kToys, name) - kToys.begin());
  const auto& recipe = kRecipes[number];
  const auto points = [&](std::int64_t count, std::uint64_t part) {
    Random random(seed, kStream, 2 * number + part);
    ImageSet set{.count = count, .rows = 1, .cols = 2, .pixels = {}, .labels = {}};
    for (std::int64_t i = 0; i < count; ++i) {
      const auto label = static_cast<int>(random.below(static_cast<std::uint32_t>(recipe.classes)));
      const Point p = recipe.toy(label, random);
      set.pixels.push_back(to_byte(p.x));
      set.pixels.push_back(to_byte(p.y));
      set.labels.push_back(label);
    }
    return set;
  };
  return {.train = points(kTraining, 0), .test = points(kTest, 1), .classes = recipe.classes};
}

}  // namespace tare
