// Finds what is written in a picture: digits drawn on a screen, or in ink or pencil on paper that was scanned or
// photographed, also on ruled or squared paper. Digits that touch each other, and text, are beyond this.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

#include <vector>

namespace tare {

/// Ink that is fainter than this is no more than the edge of a stroke.
constexpr int kFaintInk = 25;

struct Ink {
  /// Of each digit, line by line, in a line from left to right. None if the picture shows nothing but paper.
  std::vector<GrayImage> digits;
  bool ruled = false;  // the paper had lines, which were taken away
};

/// The ink from 0 (paper) to 255, light on dark whatever it was, of each digit on about as much paper as it needs. The
/// paper may be unevenly lit and noisy, the ink darker or lighter than it; specks and shadows at the border are left
/// out. Strokes much thinner than MNIST's are thickened. A large picture comes back smaller.
Ink find_ink(const GrayImage& picture);

}  // namespace tare
