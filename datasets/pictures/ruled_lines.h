// Ruled and squared paper: finds its lines and takes them away.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

namespace tare {

/// Takes away the lines of paper: thin and straight, from border to border, level or upright up to 3 degrees, two or
/// more of them. Strokes that cross them, or lie over them in a darker ink, stay. False, changing nothing, if there are
/// none.
bool remove_ruled_lines(GrayImage& picture);

}  // namespace tare
