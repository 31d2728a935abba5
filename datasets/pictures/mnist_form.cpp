#include <tare/datasets/pictures/mnist_form.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

// Part of a line of pixels: from within the first to within the last of them, each counted with the share that is
// covered.
struct Segment {
  std::int64_t first, last;
  float first_share, last_share;

  float share(std::int64_t i) const { return i == first ? first_share : i == last ? last_share : 1; }
};

// Cuts a line of `from` pixels into `to` equal segments.
std::vector<Segment> cut(std::int64_t from, std::int64_t to) {
  std::vector<Segment> segments;
  segments.reserve(static_cast<std::size_t>(to));
  for (std::int64_t k = 0; k < to; ++k) {
    // In units of 1/to pixels, in which all borders are whole numbers.
    const std::int64_t begin = k * from, end = begin + from;
    Segment s{.first = begin / to, .last = (end - 1) / to, .first_share = 0, .last_share = 0};
    s.first_share = static_cast<float>(std::min(end, (s.first + 1) * to) - begin) / static_cast<float>(to);
    s.last_share = static_cast<float>(end - s.last * to) / static_cast<float>(to);
    segments.push_back(s);
  }
  return segments;
}

// The averages over a grid of rows x cols areas of a picture whose rows lie `stride` apart.
template <class Ink>
std::vector<float> average_areas(const Ink* from, std::int64_t from_rows, std::int64_t from_cols, std::int64_t stride,
                                 std::int64_t rows, std::int64_t cols) {
  const std::vector<Segment> across = cut(from_cols, cols), down = cut(from_rows, rows);
  std::vector<float> result(static_cast<std::size_t>(rows * cols)), line(static_cast<std::size_t>(cols));
  const float area = static_cast<float>(from_rows) / static_cast<float>(rows) * static_cast<float>(from_cols) /
                     static_cast<float>(cols);
  float* to = result.data();
  for (const Segment& rows_of_area : down) {
    for (std::int64_t i = rows_of_area.first; i <= rows_of_area.last; ++i) {
      const Ink* row = from + i * stride;
      const float share = rows_of_area.share(i) / area;
      for (std::int64_t j = 0; j < cols; ++j) {
        const Segment& s = across[static_cast<std::size_t>(j)];
        float sum = s.first_share * static_cast<float>(row[s.first]);
        for (std::int64_t k = s.first + 1; k < s.last; ++k) sum += static_cast<float>(row[k]);
        if (s.last > s.first) sum += s.last_share * static_cast<float>(row[s.last]);
        to[j] += share * sum;
      }
    }
    to += cols;
  }
  return result;
}

std::uint8_t to_byte(float x) { return static_cast<std::uint8_t>(std::lround(std::clamp(x, 0.0F, 255.0F))); }

std::int64_t scaled(std::int64_t side, std::int64_t longer, std::int64_t box) {
  return std::max<std::int64_t>(1, (2 * side * box + longer) / (2 * longer));
}

// How far to move a line of masses so that their centre comes to `size`/2, or as near as it can without leaving 0 ...
// size-1.
std::int64_t shift(const std::vector<double>& masses, std::int64_t size) {
  double moment = 0, mass = 0;
  for (std::size_t i = 0; i < masses.size(); ++i) moment += static_cast<double>(i) * masses[i], mass += masses[i];
  const auto wanted = static_cast<std::int64_t>(std::floor(static_cast<double>(size) / 2 - moment / mass + 0.5));
  return std::clamp<std::int64_t>(wanted, 0, size - std::ssize(masses));
}

}  // namespace

template <class Ink>
bool to_mnist_form(std::span<const Ink> ink, std::int64_t rows, std::int64_t cols, std::int64_t size, std::uint8_t* to,
                   double paper) {
  std::int64_t top = rows, bottom = -1, left = cols, right = -1;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < cols; ++j) {
      if (!(static_cast<double>(ink[static_cast<std::size_t>(i * cols + j)]) > paper)) continue;
      top = std::min(top, i), bottom = i;
      left = std::min(left, j), right = std::max(right, j);
    }
  }
  if (bottom < 0) return false;
  const std::int64_t height = bottom - top + 1, width = right - left + 1, longer = std::max(height, width);
  const std::int64_t box = scaled(20, 28, size);
  const std::int64_t new_height = scaled(height, longer, box), new_width = scaled(width, longer, box);
  const std::vector<float> fitted =
      average_areas(ink.data() + top * cols + left, height, width, cols, new_height, new_width);

  std::vector<double> row_mass(static_cast<std::size_t>(new_height)), col_mass(static_cast<std::size_t>(new_width));
  for (std::size_t i = 0; i < fitted.size(); ++i) {
    const double mass = static_cast<double>(fitted[i]);
    row_mass[i / col_mass.size()] += mass;
    col_mass[i % col_mass.size()] += mass;
  }
  const std::int64_t down = shift(row_mass, size), across = shift(col_mass, size);
  std::fill(to, to + size * size, std::uint8_t{0});
  for (std::int64_t i = 0; i < new_height; ++i) {
    for (std::int64_t j = 0; j < new_width; ++j) {
      to[(i + down) * size + j + across] = to_byte(fitted[static_cast<std::size_t>(i * new_width + j)]);
    }
  }
  return true;
}

template bool to_mnist_form(std::span<const float>, std::int64_t, std::int64_t, std::int64_t, std::uint8_t*, double);
template bool to_mnist_form(std::span<const std::uint8_t>, std::int64_t, std::int64_t, std::int64_t, std::uint8_t*,
                            double);

GrayImage resize(const GrayImage& image, std::int64_t rows, std::int64_t cols) {
  GrayImage result(rows, cols);
  std::ranges::transform(average_areas(image.pixels.data(), image.rows, image.cols, image.cols, rows, cols),
                         result.pixels.begin(), to_byte);
  return result;
}

}  // namespace tare
