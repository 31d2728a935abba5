// What training does to its inputs so that it never sees one twice: images are shifted, turned and bent a little, as
// another hand might have drawn them, and noise is added. Evaluation takes inputs as they are.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>

#include <cstdint>
#include <vector>

namespace tare {

/// How far images are distorted; 0 is not at all.
struct AugmentOptions {
  double shift = 0;    // at most so many pixels to the left or right, and up or down
  double rotate = 0;   // at most so many degrees, either way
  double elastic = 0;  // pixels are displaced by so many, in the root mean square over the image

  bool any() const { return shift > 0 || rotate > 0 || elastic > 0; }
};

}  // namespace tare

namespace TARE_NAMESPACE {

/// Error, naming `what` and the number, unless shift and elastic are from 0 to half the image, rotate is from 0 to 180,
/// and the image, if anything is to be done to it, has at least 4 x 4 pixels.
void check_augment(const char* what, const AugmentOptions& options, Index rows, Index cols);

/// Distorts images of one size: works out where each pixel is to be taken from, whatever is done, and then takes it
/// from there once, by linear interpolation between four pixels. Outside of an image all is 0.
class Distortion {
 public:
  Distortion(Index rows, Index cols);

  /// Turned about the centre, counterclockwise, and then shifted. Forgets what was said before.
  void move(double right, double down, double degrees);
  /// Bent (Simard, Steinkraus, Platt 2003, "Best practices for convolutional neural networks"): every pixel draws a
  /// displacement, with x and y uniform in [-1, 1); both are smoothed by a Gaussian of deviation 4 pixels, cut off at
  /// 12, with nothing outside of the image; and all are scaled so that their mean squared length is `pixels`^2.
  void bend(double pixels, Random& random);
  /// rows * cols numbers from 0 to 255. They last until the next call.
  const real* apply(const std::uint8_t* image);

  /// All of it, drawn as the options say.
  const real* apply(const std::uint8_t* image, const AugmentOptions& options, Random random);

 private:
  Index rows_, cols_;
  std::vector<real> x_, y_;           // the places: columns and rows, from 0
  std::vector<real> dx_, dy_, half_;  // displacements; smoothed in one direction
  std::vector<real> framed_, result_;
};

/// x + sigma e, with e standard normal: of row i by the generator of the seed and the number first + i. A constant.
Var add_noise(Var x, double sigma, std::uint64_t seed, std::uint64_t first);

}  // namespace TARE_NAMESPACE
