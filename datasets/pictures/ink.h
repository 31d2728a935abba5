// Finds what is written in a picture: drawn on a screen, or in ink or pencil on paper that was scanned or
// photographed. The ink is the largest thing that differs from its surroundings; text, several digits and ruled paper
// are beyond this.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

#include <optional>

namespace tare {

/// Ink that is fainter than this is no more than the edge of a stroke.
constexpr int kFaintInk = 25;

/// The ink from 0 (paper) to 255, light on dark whatever it was, on about as much paper as it needs. The paper may be
/// unevenly lit and noisy, the ink darker or lighter than it; specks and shadows at the border are left out. Strokes
/// much thinner than MNIST's are thickened. A large picture comes back smaller. Nothing if the picture shows nothing
/// but paper.
std::optional<GrayImage> find_ink(const GrayImage& picture);

}  // namespace tare
