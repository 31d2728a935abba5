#include <tare/datasets/pictures/ruled_lines.h>

#include <tare/datasets/pictures/median.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace tare {
namespace {

// All below looks for level lines, dark on light. Upright ones are level when rows and columns change places, light
// ones are dark in the negative.

GrayImage transposed(const GrayImage& picture) {
  GrayImage result(picture.cols, picture.rows);
  for (std::int64_t i = 0; i < picture.rows; ++i) {
    for (std::int64_t j = 0; j < picture.cols; ++j) result(j, i) = picture(i, j);
  }
  return result;
}

// How much darker a pixel is than both the pixels `reach` above and below it, on the average over a few columns: much
// in a thin level line, little at the edge of anything larger.
class Depth {
 public:
  explicit Depth(const GrayImage& picture)
      : rows_(picture.rows),
        cols_(picture.cols),
        reach_(std::max<std::int64_t>(4, std::max(rows_, cols_) / 60)),
        smooth_(picture.pixels.size()) {
    constexpr std::int64_t kAround = 4;
    std::vector<float> changes;  // from a row to the next: noise, in most places
    for (std::int64_t i = 0; i < rows_; ++i) {
      for (std::int64_t j = 0; j < cols_; ++j) {
        const std::int64_t first = std::max<std::int64_t>(j - kAround, 0), last = std::min(j + kAround, cols_ - 1);
        int sum = 0;
        for (std::int64_t x = first; x <= last; ++x) sum += picture(i, x);
        smooth_[index(i, j)] = static_cast<float>(sum) / static_cast<float>(last - first + 1);
        if (i > 0) changes.push_back(std::abs(smooth_[index(i, j)] - smooth_[index(i - 1, j)]));
      }
    }
    least_ = std::max(2.0F, 1.5F * median_of(std::move(changes)));
  }

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t reach() const { return reach_; }
  bool within(std::int64_t i) const { return i >= reach_ && i < rows_ - reach_; }

  float operator()(std::int64_t i, std::int64_t j) const {
    return std::min(smooth_[index(i - reach_, j)], smooth_[index(i + reach_, j)]) - smooth_[index(i, j)];
  }
  // Whether a line may pass here, or one row from here, which makes up for lines that are not quite straight.
  bool marked(std::int64_t i, std::int64_t j) const {
    for (std::int64_t y = i - 1; y <= i + 1; ++y) {
      if (within(y) && (*this)(y, j) >= least_) return true;
    }
    return false;
  }

 private:
  std::size_t index(std::int64_t i, std::int64_t j) const { return static_cast<std::size_t>(i * cols_ + j); }

  std::int64_t rows_, cols_, reach_;
  std::vector<float> smooth_;
  float least_ = 0;
};

struct Line {
  std::int64_t left, right;  // its rows at both borders, which may be outside of the picture
  std::int64_t marks = 0;    // columns in which it shows
  bool clear = false;        // it can be nothing but a line

  std::int64_t row(std::int64_t col, std::int64_t cols) const {
    return left + (2 * (right - left) * col + cols - 1) / (2 * std::max<std::int64_t>(1, cols - 1));
  }
};

// Whether marks are on many of the columns in which the line is within the picture, and on most of its first or last
// ones: strokes of digits hide some of a line. It is clear if they are on most columns, and on those of both ends: a
// stroke may be as straight, but has paper on both sides.
bool crosses(Line& line, const Depth& depth, const std::vector<bool>& marked) {
  const std::int64_t cols = depth.cols();
  std::int64_t first = 0, last = cols;
  while (first < last && !depth.within(line.row(first, cols))) ++first;
  while (first < last && !depth.within(line.row(last - 1, cols))) --last;
  const std::int64_t length = last - first, end = length / 8;
  if (4 * length < cols || end == 0) return false;
  const auto marks = [&](std::int64_t from, std::int64_t to) {
    std::int64_t count = 0;
    for (std::int64_t j = from; j < to; ++j) count += marked[static_cast<std::size_t>(line.row(j, cols) * cols + j)];
    return count;
  };
  const bool at_first = 10 * marks(first, first + end) >= 6 * end, at_last = 10 * marks(last - end, last) >= 6 * end;
  if (!at_first && !at_last) return false;
  line.marks = marks(first, last);
  line.clear = at_first && at_last && 10 * line.marks >= 6 * length && 2 * length >= cols;
  return 10 * line.marks >= 4 * length;
}

std::vector<Line> find_lines(const Depth& depth) {
  constexpr double kSteepest = 0.053;  // 3 degrees
  std::vector<bool> marked(static_cast<std::size_t>(depth.rows() * depth.cols()));
  for (std::int64_t i = 0; i < depth.rows(); ++i) {
    for (std::int64_t j = 0; j < depth.cols(); ++j) {
      marked[static_cast<std::size_t>(i * depth.cols() + j)] = depth.marked(i, j);
    }
  }
  const auto rise = static_cast<std::int64_t>(kSteepest * static_cast<double>(depth.cols()));
  std::vector<Line> candidates;
  for (std::int64_t left = -rise; left < depth.rows() + rise; ++left) {
    for (std::int64_t right = left - rise; right <= left + rise; ++right) {
      Line line{left, right};
      if (crosses(line, depth, marked)) candidates.push_back(line);
    }
  }
  std::ranges::stable_sort(candidates, std::greater{}, &Line::marks);
  std::vector<Line> lines;  // of those that nearly are the same, the one that shows best
  for (const Line& line : candidates) {
    const bool is_new = std::ranges::all_of(lines, [&](const Line& other) {
      const std::int64_t at_left = line.left - other.left, at_right = line.right - other.right;
      return std::min(std::abs(at_left), std::abs(at_right)) > depth.reach() && (at_left > 0) == (at_right > 0);
    });
    if (is_new) lines.push_back(line);
  }
  return lines;
}

// Takes one line away, which it measures in a picture and erases from that, or a later state of it.
class Eraser {
 public:
  Eraser(const GrayImage& picture, const Depth& depth, const Line& line) : depth_(depth) {
    for (std::int64_t j = 0; j < picture.cols; ++j) {
      const std::int64_t i = line.row(j, picture.cols);
      if (depth.within(i)) cols_.push_back(j), rows_.push_back(i);
    }
    follow();
    measure(picture);
  }

  void erase(GrayImage& picture) const {
    if (below_ - above_ > depth_.reach()) return;  // not thin
    // Lines are not quite where they are expected, so a row more on both sides.
    const std::int64_t first = above_ - 1, last = below_ + 1;
    std::vector<bool> crossed;
    for (std::int64_t k = 0; k < size(); ++k) {
      crossed.push_back(is_ink(picture, k, first - 1) && is_ink(picture, k, last + 1));
    }
    for (std::int64_t k = 0; k < size(); ++k) {
      if (crossed[static_cast<std::size_t>(k)]) continue;
      const float before = light(picture, k, first - 1), after = light(picture, k, last + 1);
      for (std::int64_t d = first; d <= last; ++d) {
        const float there = light(picture, k, d), line = profile(d);
        const float darkest = std::max({profile(d - 1), line, profile(d + 1)});
        const float paper = paper_[static_cast<std::size_t>(k)];
        if (paper - there > 1.6F * darkest + std::max(10.0F, 3 * noise_)) continue;  // ink over the line
        const float between =
            before + (after - before) * static_cast<float>(d - first + 1) / static_cast<float>(last - first + 2);
        const std::size_t at = index(picture, k, d);
        picture.pixels[at] = static_cast<std::uint8_t>(std::max({there, between, std::min(there + line, paper)}));
      }
    }
  }

 private:
  std::int64_t size() const { return std::ssize(cols_); }

  // The pixel `down` rows below the line, at its k-th column.
  std::size_t index(const GrayImage& picture, std::int64_t k, std::int64_t down) const {
    const auto at = static_cast<std::size_t>(k);
    const std::int64_t row = std::clamp<std::int64_t>(rows_[at] + down, 0, picture.rows - 1);
    return static_cast<std::size_t>(row * picture.cols + cols_[at]);
  }
  float light(const GrayImage& picture, std::int64_t k, std::int64_t down) const {
    return picture.pixels[index(picture, k, down)];
  }

  // A line may be bent a little: where it is deeper up to two rows from the straight one, it goes there.
  void follow() {
    const std::vector<std::int64_t> straight = rows_;
    for (std::int64_t k = 0; k < size(); ++k) {
      float deepest = 0;
      for (std::int64_t down = -2; down <= 2; ++down) {
        float sum = 0;
        for (std::int64_t n = std::max<std::int64_t>(k - 16, 0); n <= std::min(k + 16, size() - 1); n += 4) {
          const auto at = static_cast<std::size_t>(n);
          if (depth_.within(straight[at] + down)) sum += std::min(depth_(straight[at] + down, cols_[at]), 100.0F);
        }
        if (sum <= deepest) continue;
        deepest = sum;
        rows_[static_cast<std::size_t>(k)] = straight[static_cast<std::size_t>(k)] + down;
      }
    }
  }

  // What the line looks like where it shows; medians, because a little of that is a stroke.
  void measure(const GrayImage& picture) {
    const std::int64_t reach = depth_.reach();
    std::vector<std::int64_t> shows;
    for (std::int64_t k = 0; k < size(); ++k) {
      if (depth_.marked(rows_[static_cast<std::size_t>(k)], cols_[static_cast<std::size_t>(k)])) shows.push_back(k);
    }
    std::vector<float> values;
    for (std::int64_t down = -reach; down <= reach; ++down) {
      values.clear();
      for (const std::int64_t k : shows) {
        values.push_back((light(picture, k, -reach) + light(picture, k, reach)) / 2 - light(picture, k, down));
      }
      profile_.push_back(median_of(values));
    }
    const float least = std::max(1.0F, 0.1F * profile(0));
    while (above_ > -reach && profile(above_ - 1) > least) --above_;
    while (below_ < reach && profile(below_ + 1) > least) ++below_;

    values.clear();
    for (std::int64_t k = 0; k < size(); ++k) {
      std::vector<float> around;
      for (std::int64_t n = std::max<std::int64_t>(k - 32, 0); n <= std::min(k + 32, size() - 1); n += 4) {
        around.push_back(light(picture, n, above_ - 1));
        around.push_back(light(picture, n, below_ + 1));
      }
      paper_.push_back(median_of(around));
      values.push_back(std::abs(light(picture, k, above_ - 1) - paper_.back()));
    }
    noise_ = 1.5F * median_of(values);
  }

  // How much darker than the paper the line usually is there.
  float profile(std::int64_t down) const {
    return std::max(
        0.0F,
        profile_[static_cast<std::size_t>(std::clamp(down + depth_.reach(), std::int64_t{0}, 2 * depth_.reach()))]);
  }

  // Near a column: what crosses the line may do so at a slant.
  bool is_ink(const GrayImage& picture, std::int64_t k, std::int64_t down) const {
    const float least = std::max({8.0F, 3 * noise_, 0.4F * profile(0)});
    const std::int64_t near = (below_ - above_) / 2 + 1;
    for (std::int64_t n = std::max<std::int64_t>(k - near, 0); n <= std::min(k + near, size() - 1); ++n) {
      if (paper_[static_cast<std::size_t>(k)] - light(picture, n, down) > least) return true;
    }
    return false;
  }

  const Depth& depth_;
  std::vector<std::int64_t> rows_, cols_;
  std::vector<float> profile_, paper_;  // by the distance from the line; by the column
  float noise_ = 0;
  std::int64_t above_ = 0, below_ = 0;  // the first and the last row of the line, from its middle
};

bool remove_dark_lines(GrayImage& picture) {
  GrayImage turned = transposed(picture);
  const Depth depth(picture), turned_depth(turned);
  const std::vector<Line> level = find_lines(depth), upright = find_lines(turned_depth);
  // One line is more likely a part of what is written, or below it.
  const auto clear = [](const std::vector<Line>& lines) { return std::ranges::count(lines, true, &Line::clear); };
  if (std::max(clear(level), clear(upright)) < 2) return false;
  std::vector<Eraser> level_erasers, upright_erasers;
  for (const Line& line : level) level_erasers.emplace_back(picture, depth, line);
  for (const Line& line : upright) upright_erasers.emplace_back(turned, turned_depth, line);
  for (const Eraser& eraser : level_erasers) eraser.erase(picture);
  turned = transposed(picture);
  for (const Eraser& eraser : upright_erasers) eraser.erase(turned);
  picture = transposed(turned);
  // Where upright lines crossed the level ones, these were taken for strokes.
  for (const Eraser& eraser : level_erasers) eraser.erase(picture);
  return true;
}

GrayImage negative(GrayImage picture) {
  for (std::uint8_t& p : picture.pixels) p = static_cast<std::uint8_t>(255 - p);
  return picture;
}

}  // namespace

bool remove_ruled_lines(GrayImage& picture) {
  constexpr std::int64_t kSmallest = 48;  // pixels, on which there is room for more than one line
  if (std::min(picture.rows, picture.cols) < kSmallest) return false;
  if (remove_dark_lines(picture)) return true;
  GrayImage dark = negative(picture);
  if (!remove_dark_lines(dark)) return false;
  picture = negative(std::move(dark));
  return true;
}

}  // namespace tare
