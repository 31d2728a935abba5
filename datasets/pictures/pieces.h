// Connected pieces of ink, and which of them make up one digit.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tare {

struct Box {
  std::int64_t top, bottom, left, right;  // the last row and column are within

  std::int64_t rows() const { return bottom - top + 1; }
  std::int64_t cols() const { return right - left + 1; }
  void add(const Box& other);
};

struct Piece {
  std::vector<std::int64_t> pixels;  // row * cols + col
  float mass = 0;
  bool marginal = true;  // nowhere far from the picture's border
  Box box{};
};

/// The pieces of pixels higher than `cut`, joined where they touch, also at corners.
std::vector<Piece> pieces_of(std::span<const float> height, std::int64_t rows, std::int64_t cols, float cut);

/// The pieces of each digit as one, line by line, in a line from left to right. Digits that touch are one.
std::vector<Piece> digits_of(std::vector<Piece> pieces);

}  // namespace tare
