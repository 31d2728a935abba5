#include <tare/datasets/pictures/network_input.h>

#include <tare/core/machine/error.h>
#include <tare/datasets/pictures/ink.h>
#include <tare/datasets/pictures/mnist_form.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace tare {
namespace {

// Of the box that a digit is fitted into, how much is ink, from 0 to 1.
double filled(const GrayImage& form) {
  const double box = std::pow(20.0 / 28 * static_cast<double>(form.rows), 2);
  return std::accumulate(form.pixels.begin(), form.pixels.end(), 0.0) / (255 * box);
}

// How wide something is for its height.
double breadth(const GrayImage& ink) { return static_cast<double>(ink.cols) / static_cast<double>(ink.rows); }

}  // namespace

std::vector<std::string> size_notices(const GrayImage& picture, std::int64_t size) {
  if (2 * std::max(picture.rows, picture.cols) >= size) return {};
  return {fmt::format("only {} x {} pixels, which show little of a digit", picture.rows, picture.cols)};
}

NetworkInputs network_inputs(const GrayImage& picture, std::int64_t size, const std::string& name) {
  check(size >= 4 && size <= 1 << 13, "network_input: size", "a width from 4 to 8192 pixels", size);
  // Of MNIST's test images, one in 100 is broader, and none is fuller.
  constexpr double kBroad = 1.4, kFull = 0.7;
  NetworkInputs result;
  const Ink ink = find_ink(picture);
  bool broad = false, full = false;
  for (const GrayImage& digit : ink.digits) {
    GrayImage form(size, size);
    if (!to_mnist_form<std::uint8_t>(digit.pixels, digit.rows, digit.cols, size, form.pixels.data(), kFaintInk))
      continue;
    broad = broad || breadth(digit) > kBroad;
    full = full || filled(form) > kFull;
    result.pictures.push_back(std::move(form));
  }
  if (result.pictures.empty()) {
    throw Error("{}: expected something drawn or written, found {}", name,
                picture.colorful ? "colours that are equally light, so that nothing is left in grey" : "blank paper");
  }
  result.notices = size_notices(picture, size);
  const auto notice = [&](bool holds, const char* text) {
    if (holds) result.notices.emplace_back(text);
  };
  notice(ink.ruled, "the lines of the paper were taken away");
  notice(broad, "broader than a digit; several that touch cannot be told apart");
  notice(full, "the ink fills its box, as no digit does");
  return result;
}

GrayImage network_input(const GrayImage& picture, std::int64_t size, const std::string& name) {
  NetworkInputs inputs = network_inputs(picture, size, name);
  if (inputs.pictures.size() > 1) throw Error("{}: expected one digit, found {}", name, inputs.pictures.size());
  return std::move(inputs.pictures.front());
}

GrayImage read_network_input(const std::filesystem::path& file, std::int64_t size) {
  return network_input(read_image(file), size, file.string());
}

ImageSet image_set(const GrayImage& picture) { return {1, picture.rows, picture.cols, picture.pixels, {}}; }

}  // namespace tare
