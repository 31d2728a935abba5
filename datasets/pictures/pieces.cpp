#include <tare/datasets/pictures/pieces.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

namespace tare {
namespace {

// How far two intervals are apart; how much they share, if it is negative.
std::int64_t gap(std::int64_t a_first, std::int64_t a_last, std::int64_t b_first, std::int64_t b_last) {
  return std::max(a_first, b_first) - std::min(a_last, b_last) - 1;
}
std::int64_t gap_across(const Box& a, const Box& b) { return gap(a.left, a.right, b.left, b.right); }
std::int64_t gap_down(const Box& a, const Box& b) { return gap(a.top, a.bottom, b.top, b.bottom); }

std::int64_t distance(const Box& a, const Box& b) {
  return std::max({gap_across(a, b), gap_down(a, b), std::int64_t{0}});
}

void join(Piece& piece, Piece&& other) {
  piece.pixels.insert(piece.pixels.end(), other.pixels.begin(), other.pixels.end());
  piece.mass += other.mass;
  piece.marginal = piece.marginal && other.marginal;
  piece.box.add(other.box);
}

// Whether two tall pieces are one digit whose stroke is interrupted: one above the other, or side by side and together
// no wider than a digit.
bool interrupted(const Box& a, const Box& b, std::int64_t tallest) {
  const std::int64_t across = gap_across(a, b), down = gap_down(a, b);
  if (-2 * across >= std::min(a.cols(), b.cols())) return 100 * down <= 15 * tallest;
  Box both = a;
  both.add(b);
  return 100 * across <= 4 * tallest && 100 * down <= 4 * tallest && 100 * both.cols() <= 75 * both.rows();
}

// Joins the first two pieces that are parts of one digit; false if there are none.
bool join_two(std::vector<Piece>& digits, std::int64_t tallest) {
  for (auto a = digits.begin(); a != digits.end(); ++a) {
    for (auto b = a + 1; b != digits.end(); ++b) {
      if (!interrupted(a->box, b->box, tallest)) continue;
      join(*a, std::move(*b));
      digits.erase(b);
      return true;
    }
  }
  return false;
}

// Into the order in which they are read: a line is of digits that are next to its first one, not above or below it.
void sort_as_read(std::vector<Piece>& digits) {
  const auto left = [](const Piece& p) { return p.box.left; };
  std::ranges::sort(digits, {}, [](const Piece& p) { return p.box.top; });
  for (auto line = digits.begin(); line != digits.end();) {
    const Box first = line->box;
    const auto next = std::stable_partition(line, digits.end(), [&](const Piece& p) {
      return -2 * gap_down(first, p.box) >= std::min(first.rows(), p.box.rows());
    });
    std::ranges::sort(line, next, {}, left);
    line = next;
  }
}

}  // namespace

void Box::add(const Box& other) {
  top = std::min(top, other.top);
  bottom = std::max(bottom, other.bottom);
  left = std::min(left, other.left);
  right = std::max(right, other.right);
}

std::vector<Piece> pieces_of(std::span<const float> height, std::int64_t rows, std::int64_t cols, float cut) {
  const std::int64_t margin = std::max(rows, cols) / 25;
  std::vector<Piece> pieces;
  std::vector<bool> seen(height.size());
  for (std::int64_t start = 0; start < std::ssize(height); ++start) {
    const auto take = [&](std::int64_t p, Piece& piece) {
      const auto at = static_cast<std::size_t>(p);
      if (seen[at] || height[at] <= cut) return;
      seen[at] = true;
      const std::int64_t i = p / cols, j = p % cols;
      if (piece.pixels.empty()) piece.box = {i, i, j, j};
      piece.box.add({i, i, j, j});
      piece.pixels.push_back(p);
      piece.mass += height[at];
      piece.marginal = piece.marginal && std::min({i, rows - 1 - i, j, cols - 1 - j}) < margin;
    };
    Piece piece;
    take(start, piece);
    for (std::size_t next = 0; next < piece.pixels.size(); ++next) {
      const std::int64_t i = piece.pixels[next] / cols, j = piece.pixels[next] % cols;
      for (std::int64_t y = std::max<std::int64_t>(i - 1, 0); y <= std::min(i + 1, rows - 1); ++y) {
        for (std::int64_t x = std::max<std::int64_t>(j - 1, 0); x <= std::min(j + 1, cols - 1); ++x) {
          take(y * cols + x, piece);
        }
      }
    }
    if (!piece.pixels.empty()) pieces.push_back(std::move(piece));
  }
  return pieces;
}

std::vector<Piece> digits_of(std::vector<Piece> pieces) {
  std::int64_t tallest = 0;
  for (const Piece& piece : pieces) tallest = std::max(tallest, piece.box.rows());
  const auto parts =
      std::stable_partition(pieces.begin(), pieces.end(), [&](const Piece& p) { return 2 * p.box.rows() >= tallest; });
  std::vector<Piece> digits(std::make_move_iterator(pieces.begin()), std::make_move_iterator(parts));
  while (join_two(digits, tallest)) {
  }
  // What is small belongs to the digit beside it, like the bar of a five; if there are several, it may also be a point
  // or a stain.
  const std::size_t several = digits.size();
  for (auto part = parts; part != pieces.end(); ++part) {
    const auto nearest =
        std::ranges::min_element(digits, {}, [&](const Piece& d) { return distance(d.box, part->box); });
    if (several > 1 && 100 * distance(nearest->box, part->box) > 30 * tallest) continue;
    join(*nearest, std::move(*part));
  }
  sort_as_read(digits);
  return digits;
}

}  // namespace tare
