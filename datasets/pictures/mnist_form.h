// The form in which MNIST shows a digit: its ink fitted into a box of 20 x 20, the centre of the ink's mass in the
// centre of 28 x 28. What is drawn, generated or photographed comes into this form here. Finding the ink in a
// photograph does not belong here.
#pragma once

#include <tare/datasets/pictures/gray_image.h>

#include <span>

namespace tare {

/// `ink` [rows x cols], from 0 (paper) to 255, light on dark as in MNIST. The smallest rectangle that holds all ink
/// above `paper` is scaled, by averaging areas and keeping its aspect ratio, so that its longer side takes 20/28 of
/// `size`, and moved by whole pixels until its centre of mass is nearest to pixel size/2. An image of MNIST comes out
/// as it went in. Writes size * size bytes. False, writing nothing, if no ink is above `paper`. Ink is float or
/// std::uint8_t.
template <class Ink>
bool to_mnist_form(std::span<const Ink> ink, std::int64_t rows, std::int64_t cols, std::int64_t size, std::uint8_t* to,
                   double paper = 0);

/// The picture in another size, each new pixel the average of the area it covers. Rows and cols are at least 1.
GrayImage resize(const GrayImage& image, std::int64_t rows, std::int64_t cols);

}  // namespace tare
