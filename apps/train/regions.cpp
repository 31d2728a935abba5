#include <tare/apps/train/regions.h>

#include <tare/core/machine/functions.h>
#include <tare/datasets/pictures/png.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace TARE_NAMESPACE {
namespace {

std::size_t cell(Index x, Index y) { return static_cast<std::size_t>(y * Regions::kSide + x); }

constexpr std::array<std::array<int, 3>, 10> kColours{{{31, 119, 180},
                                                       {255, 127, 14},
                                                       {44, 160, 44},
                                                       {214, 39, 40},
                                                       {148, 103, 189},
                                                       {140, 86, 75},
                                                       {227, 119, 194},
                                                       {127, 127, 127},
                                                       {188, 189, 34},
                                                       {23, 190, 207}}};

std::uint8_t mixed(int from, int to, double share) {
  return static_cast<std::uint8_t>(std::lround(from + (to - from) * share));
}

}  // namespace

Plane::Plane(const DataSet& data) : table_(data.train.is_table()) {
  if (!table_) return;
  low_ = {data.train.numbers[0], data.train.numbers[1]};
  high_ = low_;
  for (const ImageSet* set : {&data.train, &data.test}) {
    for (std::size_t i = 0; i < set->numbers.size(); ++i) {
      low_[i % 2] = std::min(low_[i % 2], set->numbers[i]);
      high_[i % 2] = std::max(high_[i % 2], set->numbers[i]);
    }
  }
  for (std::size_t c = 0; c < 2; ++c) {
    const double margin = std::max(0.05 * (high_[c] - low_[c]), 0.01);
    low_[c] -= margin;
    high_[c] += margin;
  }
  std::swap(low_[1], high_[1]);  // rows of a picture go down
}

ImageSet Plane::points(const ImageSet& samples) const {
  if (!table_) return samples;
  ImageSet set{samples.count, 1, 2, {}, samples.labels};
  for (std::size_t i = 0; i < samples.numbers.size(); ++i) {
    const double share = (samples.numbers[i] - low_[i % 2]) / (high_[i % 2] - low_[i % 2]);
    set.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * share)));
  }
  return set;
}

ImageSet Plane::all() const {
  ImageSet set{.count = Regions::kSide * Regions::kSide, .rows = 1, .cols = 2, .pixels = {}, .labels = {}};
  const auto number = [&](std::size_t c, Index at) {
    return low_[c] + (high_[c] - low_[c]) * static_cast<double>(at) / (Regions::kSide - 1);
  };
  for (Index y = 0; y < Regions::kSide; ++y) {
    for (Index x = 0; x < Regions::kSide; ++x) {
      if (table_) {
        set.numbers.insert(set.numbers.end(), {number(0, x), number(1, y)});
      } else {
        set.pixels.insert(set.pixels.end(), {static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y)});
      }
    }
  }
  return set;
}

Regions decision_regions(const Sequential& model, const Plane& plane, Pixels pixels, Workers& workers) {
  constexpr Index kPoints = Regions::kSide * Regions::kSide, kChunk = 4096;
  const ImageSet points = plane.all();
  Regions regions;
  Tape tape(workers, Tape::Gradients::none);
  for (Index begin = 0; begin < kPoints; begin += kChunk) {
    tape.clear();
    Var logits = evaluate(model, gather(points, pixels, begin, kChunk, tape));
    for (Index i = 0; i < kChunk; ++i) {
      const auto row = logits.value().row(i);
      Index best;
      const real largest = row.maxCoeff(&best);
      regions.classes.push_back(static_cast<std::uint8_t>(best));
      regions.probabilities.push_back(
          static_cast<float>(1 / functions::sum((row.array() - largest).unaryExpr(functions::exp))));
    }
  }
  return regions;
}

std::string regions_text(const Regions& regions, const ImageSet& samples) {
  constexpr Index kCols = 64, kRows = 32, kShown = 120;
  constexpr const char* kShades[] = {" ", "░", "▒", "▓"};
  std::array<int, kRows * kCols> label_at;
  label_at.fill(-1);
  for (Index i = 0; i < std::min<Index>(kShown, samples.count); ++i) {
    const std::uint8_t* xy = samples.pixels.data() + 2 * i;
    label_at[static_cast<std::size_t>(xy[1] * kRows / Regions::kSide * kCols + xy[0] * kCols / Regions::kSide)] =
        samples.labels[static_cast<std::size_t>(i)];
  }
  std::string text;
  for (Index row = 0; row < kRows; ++row) {
    for (Index col = 0; col < kCols; ++col) {
      const int label = label_at[static_cast<std::size_t>(row * kCols + col)];
      const Index x = (2 * col + 1) * Regions::kSide / (2 * kCols), y = (2 * row + 1) * Regions::kSide / (2 * kRows);
      text += label >= 0 ? std::to_string(label % 10) : kShades[regions.classes[cell(x, y)] % std::size(kShades)];
    }
    text += '\n';
  }
  return text;
}

void write_regions(const std::filesystem::path& file, const Regions& regions, const ImageSet& samples) {
  constexpr Index kZoom = 2, kSide = Regions::kSide * kZoom;
  std::vector<std::uint8_t> rgb(static_cast<std::size_t>(kSide * kSide * 3));
  const auto paint = [&](Index x, Index y, int label, int base, double share) {
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[static_cast<std::size_t>(y * kSide + x) * 3 + c] =
          mixed(base, kColours[static_cast<std::size_t>(label) % kColours.size()][c], share);
    }
  };
  for (Index y = 0; y < kSide; ++y) {
    for (Index x = 0; x < kSide; ++x) {
      const std::size_t at = cell(x / kZoom, y / kZoom);
      // A model without an opinion leaves white, one that is sure half of the colour.
      paint(x, y, regions.classes[at], 255, 0.5 * static_cast<double>(regions.probabilities[at]));
    }
  }
  for (Index i = 0; i < samples.count; ++i) {
    const Index x = samples.pixels[static_cast<std::size_t>(2 * i)] * kZoom;
    const Index y = samples.pixels[static_cast<std::size_t>(2 * i + 1)] * kZoom;
    for (Index dy = 0; dy < 2; ++dy) {
      for (Index dx = 0; dx < 2; ++dx) paint(x + dx, y + dy, samples.labels[static_cast<std::size_t>(i)], 0, 0.75);
    }
  }
  write_png(file, kSide, kSide, rgb);
}

}  // namespace TARE_NAMESPACE
