// PGM, the simplest of image formats: "P2" or "P5", width, height, the value of white, and the pixels, as decimal
// numbers or as bytes (two of them, the high one first, where white is above 255). Only reading; one picture per
// file.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

namespace tare {

/// Whether these bytes begin as a PGM does.
bool is_pgm(std::string_view bytes);

/// See decode_image. White becomes 255, the values between are rounded.
GrayImage decode_pgm(std::string_view bytes, const std::string& name);

}  // namespace tare
