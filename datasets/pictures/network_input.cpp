#include <tare/datasets/pictures/network_input.h>

#include <tare/core/machine/error.h>
#include <tare/datasets/pictures/ink.h>
#include <tare/datasets/pictures/mnist_form.h>

namespace tare {

GrayImage network_input(const GrayImage& picture, std::int64_t size, const std::string& name) {
  check(size >= 4 && size <= 1 << 13, "network_input: size", "a width from 4 to 8192 pixels", size);
  const std::optional<GrayImage> ink = find_ink(picture);
  GrayImage form(size, size);
  if (!ink || !to_mnist_form<std::uint8_t>(ink->pixels, ink->rows, ink->cols, size, form.pixels.data(), kFaintInk)) {
    throw Error("{}: expected something drawn or written, found blank paper", name);
  }
  return form;
}

GrayImage read_network_input(const std::filesystem::path& file, std::int64_t size) {
  return network_input(read_image(file), size, file.string());
}

ImageSet image_set(const GrayImage& picture) { return {1, picture.rows, picture.cols, picture.pixels, {}}; }

}  // namespace tare
