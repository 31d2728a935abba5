// Digits that are drawn on the page.
#pragma once

#include <tare/datasets/pictures/gray_image.h>
#include <tare/optim/training/saved_model.h>

#include <nlohmann/json.hpp>

namespace TARE_NAMESPACE {

inline constexpr Index kDigitSide = 28, kDigitPixels = kDigitSide * kDigitSide;

/// Error, naming the file, unless the model takes a digit and has ten classes.
void check_for_digits(const SavedModel& model, const std::string& file);

/// Every digit of a picture: {"digits": [{"pixels": 784 bytes, "logits", "probabilities"}], "notices": [text]}. Error
/// if nothing is drawn.
nlohmann::json read_digits(const Sequential& model, Pixels pixels, const GrayImage& picture);

}  // namespace TARE_NAMESPACE
