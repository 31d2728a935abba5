// How people write the ten digits: the lines that the middle of the pen follows. Only shapes; what makes two digits
// of one shape differ is in digits.cpp.
#pragma once

#include <vector>

namespace tare {

/// A point that the pen passes. y points down; a digit is 1 high and starts near (0, 0).
struct Knot {
  float x = 0, y = 0;
  bool corner = false;  // the pen turns sharply here
  bool lifted = false;  // the pen comes here through the air: a new stroke begins
};

/// One way to write a digit, in several proportions: knot i of every form means the same.
struct Skeleton {
  int share = 0;  // how often, relative to the digit's other skeletons
  std::vector<std::vector<Knot>> forms;
};

/// The skeletons of `digit`, 0 to 9.
const std::vector<Skeleton>& digit_skeletons(int digit);

}  // namespace tare
