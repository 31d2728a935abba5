// How the camera was held: what the Exif data in a PNG (its chunk eXIf) says about it. No other part of Exif is read.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

namespace tare {

/// Exif's orientation, 1 ... 8, of a PNG that is whole. 1, as it is, if the PNG does not say, or nothing sensible.
int exif_orientation(std::string_view png);

/// The picture turned and mirrored as that says, so that it stands upright.
GrayImage upright(GrayImage picture, int orientation);

}  // namespace tare
