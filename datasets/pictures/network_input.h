// From a picture file to what a network that was trained on MNIST, or on the built-in digits, takes in.
#pragma once

#include <tare/datasets/images.h>
#include <tare/datasets/pictures/gray_image.h>

namespace tare {

struct NetworkInputs {
  std::vector<GrayImage> pictures;   // of each digit, line by line, in a line from left to right; at least one
  std::vector<std::string> notices;  // reasons to doubt them, each the part of a sentence that follows "picture:"
};

/// The notice, if there is one, that a picture is much smaller than what a network takes in, size x size.
std::vector<std::string> size_notices(const GrayImage& picture, std::int64_t size);

/// The digits of a picture of whatever size and light, each in MNIST's form, size x size: its ink is found, scaled and
/// centred, light on dark. Error, beginning with `name`, if nothing but paper is there.
NetworkInputs network_inputs(const GrayImage& picture, std::int64_t size, const std::string& name);

/// The same of a picture that shows one digit. Error if it shows more.
GrayImage network_input(const GrayImage& picture, std::int64_t size, const std::string& name);
/// The same of a PNG or PGM file.
GrayImage read_network_input(const std::filesystem::path& file, std::int64_t size);

/// One picture as a set without labels:   gather(image_set(picture), Pixels::standard, 0, 1, tape).
ImageSet image_set(const GrayImage& picture);

}  // namespace tare
