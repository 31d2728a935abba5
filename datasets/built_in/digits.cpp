#include <tare/datasets/built_in/digits.h>

#include <tare/core/machine/random.h>
#include <tare/core/machine/workers.h>
#include <tare/datasets/built_in/digit_skeletons.h>
#include <tare/datasets/pictures/mnist_form.h>

#include <algorithm>
#include <array>
#include <cmath>

// Only operations that IEEE 754 rounds correctly (+ - * / and the square root) touch an image: exp, sin and cos may
// differ in their last bit between two C libraries, and one bit can become another byte.
namespace tare {
namespace {

constexpr auto kStream = Random::Stream::digits;

constexpr std::int64_t kTraining = 60'000, kTest = 10'000, kSide = 28;

// How much writers differ: standard deviations, unless they are called means. Lengths are in heights of a digit,
// those of the pen in pixels of the finished image. Chosen by the eye, by MNIST's training images (the mean and the
// deviation of all pixels, the width of strokes, the share of grey pixels), and by what a model that learned these
// digits makes of them.
constexpr float kWobble = 0.12F;   // of a knot, relative to the distance of the next one
constexpr float kBeyond = 0.15F;   // how far a mixture of two forms may go beyond either
constexpr float kElastic = 0.12F;  // of the nodes of the lattice that bends the plane
constexpr float kSlantMean = 0.1F, kSlant = 0.25F;
constexpr float kTurn = 0.08F;                  // radians
constexpr float kWiden = 0.2F;                  // of the logarithm of the width
constexpr float kPenMean = 2.5F, kPen = 0.25F;  // the width, and the deviation of its logarithm
constexpr float kPressure = 0.2F;               // of the pen's relative width, at the beginning and at the end
constexpr float kEdge = 0.4F;                   // from ink to paper

struct Point {
  float x = 0, y = 0;

  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
  friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
  friend Point operator*(float s, Point a) { return {s * a.x, s * a.y}; }
  friend float length(Point a) { return std::sqrt(a.x * a.x + a.y * a.y); }
};

// A point of the drawn line. One that is lifted begins a new stroke.
struct PenPoint {
  Point at;
  bool lifted;
};

// exp(x), nearly, by its Pade approximant: exp(-x) is exactly the inverse. |x| stays below 2.
float nearly_exp(float x) {
  x = std::clamp(x, -1.2F, 1.2F);
  return (2 + x) / (2 - x);
}

class Artist {
 public:
  Artist(std::uint64_t seed, std::int64_t number) : random_(seed, kStream, static_cast<std::uint64_t>(number)) {}

  // Writes one image and returns what it shows.
  std::uint8_t draw(std::uint8_t* image);

 private:
  float normal(float deviation) { return deviation * static_cast<float>(random_.normal()); }

  std::vector<Knot> shape(int digit);
  static std::vector<PenPoint> trace(const std::vector<Knot>& knots);
  void warp(std::vector<PenPoint>& line);
  bool ink(const std::vector<PenPoint>& line, std::uint8_t* image);

  Random random_;
};

// A mixture of two forms of one skeleton, with every knot a little off.
std::vector<Knot> Artist::shape(int digit) {
  const std::vector<Skeleton>& skeletons = digit_skeletons(digit);
  int total = 0;
  for (const Skeleton& s : skeletons) total += s.share;
  auto chosen = static_cast<int>(random_.below(static_cast<std::uint32_t>(total)));
  const Skeleton* skeleton = skeletons.data();
  while (chosen >= skeleton->share) chosen -= (skeleton++)->share;

  const auto count = static_cast<std::uint32_t>(skeleton->forms.size());
  const std::vector<Knot>& a = skeleton->forms[random_.below(count)];
  const std::vector<Knot>& b = skeleton->forms[random_.below(count)];
  const float mix = (1 + 2 * kBeyond) * static_cast<float>(random_.uniform()) - kBeyond;
  std::vector<Knot> knots = a;
  for (std::size_t i = 0; i < a.size(); ++i) {
    float gap = 9;  // knots that stand close together must not wobble past each other
    const auto look_at = [&](const Knot& other) {
      gap = std::min(gap, length(Point{other.x - a[i].x, other.y - a[i].y}));
    };
    if (i > 0 && !a[i].lifted) look_at(a[i - 1]);
    if (i + 1 < a.size() && !a[i + 1].lifted) look_at(a[i + 1]);
    knots[i].x += mix * (b[i].x - a[i].x) + normal(kWobble * gap);
    knots[i].y += mix * (b[i].y - a[i].y) + normal(kWobble * gap);
  }
  return knots;
}

// Smooth curves through the knots of each stroke (Catmull-Rom splines), as short straight lines.
std::vector<PenPoint> Artist::trace(const std::vector<Knot>& knots) {
  const auto at = [&](std::size_t i) { return Point{knots[i].x, knots[i].y}; };
  std::vector<PenPoint> line;
  for (std::size_t i = 0; i < knots.size(); ++i) {
    if (knots[i].lifted) {
      line.push_back({at(i), true});
      continue;
    }
    // From knot i-1 to knot i, leaving along `out` and arriving along `in`. An end of the curve that is free, or a
    // corner, lets it begin with the bend it goes on with.
    const Point step = at(i) - at(i - 1);
    const bool free_begin = knots[i - 1].lifted || knots[i - 1].corner;
    const bool free_end = i + 1 == knots.size() || knots[i + 1].lifted || knots[i].corner;
    Point out = free_begin ? step : 0.5F * (at(i) - at(i - 2));
    Point in = free_end ? step : 0.5F * (at(i + 1) - at(i - 1));
    if (free_begin && !free_end) out = 1.5F * step - 0.5F * in;
    if (free_end && !free_begin) in = 1.5F * step - 0.5F * out;
    const int pieces = static_cast<int>(16 * length(step)) + 1;
    for (int k = 1; k <= pieces; ++k) {
      const float t = static_cast<float>(k) / static_cast<float>(pieces), t2 = t * t, t3 = t2 * t;
      line.push_back(
          {at(i - 1) + (3 * t2 - 2 * t3) * step + (t - 2 * t2 + t3) * out + (t3 - t2) * in, /*lifted=*/false});
    }
  }
  return line;
}

// Bends the plane smoothly, then makes the digit wider or narrower, slants it and turns it.
void Artist::warp(std::vector<PenPoint>& line) {
  // A quadratic B-spline over 3 x 3 cells that cover the digit.
  constexpr int kCells = 3;
  constexpr float kReach = 0.6F;  // from the middle to the border of the lattice
  std::array<std::array<Point, kCells + 2>, kCells + 2> nodes;
  for (auto& row : nodes) {
    for (Point& node : row) node.x = normal(kElastic), node.y = normal(kElastic);
  }
  const float slant = kSlantMean + normal(kSlant), widen = nearly_exp(normal(kWiden));
  const float half = normal(kTurn / 2);  // tan(turn / 2), nearly
  const float cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);

  const auto weights = [](float f) { return std::array{0.5F * (1 - f) * (1 - f), 0.5F + f * (1 - f), 0.5F * f * f}; };
  for (PenPoint& p : line) {
    Point at = p.at - Point{0.35F, 0.5F};
    const float u = std::clamp((at.x + kReach) * kCells / (2 * kReach), 0.0F, kCells - 0.001F);
    const float v = std::clamp((at.y + kReach) * kCells / (2 * kReach), 0.0F, kCells - 0.001F);
    const auto col = static_cast<std::size_t>(u), row = static_cast<std::size_t>(v);
    const auto across = weights(u - static_cast<float>(col)), down = weights(v - static_cast<float>(row));
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) at = at + down[i] * across[j] * nodes[row + i][col + j];
    }
    at.x = widen * at.x - slant * at.y;
    p.at = {cosine * at.x - sine * at.y, sine * at.x + cosine * at.y};
  }
}

// Draws the line with a round pen, at twice MNIST's resolution, and brings it into MNIST's form.
bool Artist::ink(const std::vector<PenPoint>& line, std::uint8_t* image) {
  constexpr int kScale = 2, kBox = 20 * kScale, kMargin = 4, kCanvas = kBox + 2 * kMargin;
  const float radius = std::max(0.5F, 0.5F * kPenMean * nearly_exp(normal(kPen))) * kScale;
  const float begin = 1 + normal(kPressure), end = 1 + normal(kPressure);

  Point low = line[0].at, high = low;
  for (const PenPoint& p : line) {
    low = {std::min(low.x, p.at.x), std::min(low.y, p.at.y)};
    high = {std::max(high.x, p.at.x), std::max(high.y, p.at.y)};
  }
  const float scale = (kBox - 2 * radius) / std::max(high.x - low.x, high.y - low.y);
  const Point offset = Point{0.5F * kCanvas, 0.5F * kCanvas} - 0.5F * scale * (low + high);

  // The square of each pixel's distance from the nearest line, in units of the pen's radius there.
  std::array<float, kCanvas * kCanvas> distance;
  distance.fill(1e6F);
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i].lifted) continue;
    const Point from = scale * line[i - 1].at + offset, along = scale * line[i].at + offset - from;
    const float part = static_cast<float>(i) / static_cast<float>(line.size());
    const float r = radius * std::max(0.6F, begin + (end - begin) * part), unit = 1 / (r * r);
    const float square = along.x * along.x + along.y * along.y, inverse = square > 0 ? 1 / square : 0;
    const float reach = r + kEdge * kScale;
    const auto pixel = [](float x) { return std::clamp(static_cast<int>(x), 0, kCanvas - 1); };
    const int left = pixel(std::min(from.x, from.x + along.x) - reach);
    const int right = pixel(std::max(from.x, from.x + along.x) + reach);
    const int top = pixel(std::min(from.y, from.y + along.y) - reach);
    const int bottom = pixel(std::max(from.y, from.y + along.y) + reach);
    for (int y = top; y <= bottom; ++y) {
      float* row = distance.data() + y * kCanvas;
      const float dy = static_cast<float>(y) + 0.5F - from.y;
      for (int x = left; x <= right; ++x) {
        const float dx = static_cast<float>(x) + 0.5F - from.x;
        const float t = std::min(std::max((dx * along.x + dy * along.y) * inverse, 0.0F), 1.0F);
        const float ex = dx - t * along.x, ey = dy - t * along.y, d = (ex * ex + ey * ey) * unit;
        row[x] = d < row[x] ? d : row[x];
      }
    }
  }
  for (float& d : distance) {
    d = 255 * std::clamp(0.5F + radius * (1 - std::sqrt(d)) / (kEdge * kScale), 0.0F, 1.0F);
  }
  return to_mnist_form<float>(distance, kCanvas, kCanvas, kSide, image, /*paper=*/25);
}

std::uint8_t Artist::draw(std::uint8_t* image) {
  const auto digit = static_cast<std::uint8_t>(random_.below(10));
  std::vector<PenPoint> line = trace(shape(digit));
  warp(line);
  ink(line, image);
  return digit;
}

}  // namespace

ImageSet draw_digits(std::uint64_t seed, std::int64_t first, std::int64_t count) {
  ImageSet set{.count = count, .rows = kSide, .cols = kSide, .pixels = {}, .labels = {}};
  set.pixels.resize(static_cast<std::size_t>(count * set.features()));
  set.labels.resize(static_cast<std::size_t>(count));
  constexpr double kWork = 1e5;  // of an image, in floating-point operations
  Workers workers(hardware_threads());
  workers.split(count, 1, kWork * static_cast<double>(count), [&](Index begin, Index size) {
    for (Index i = begin; i < begin + size; ++i) {
      set.labels[static_cast<std::size_t>(i)] = Artist(seed, first + i).draw(set.pixels.data() + i * set.features());
    }
  });
  return set;
}

DataSet make_digits(std::uint64_t seed) {
  return {.train = draw_digits(seed, 0, kTraining), .test = make_test_digits(seed), .classes = 10};
}

ImageSet make_test_digits(std::uint64_t seed) { return draw_digits(seed, kTraining, kTest); }

}  // namespace tare
