// What a model makes of every point of the plane: which class, and how surely. For data of two numbers a sample.
#pragma once

#include <tare/datasets/batches.h>
#include <tare/layers/sequential.h>

#include <array>
#include <filesystem>
#include <string>

namespace TARE_NAMESPACE {

/// The part of the plane that is looked at: all that two bytes can name, or, of a table, where its rows are and a
/// little more, with y upwards.
class Plane {
 public:
  explicit Plane(const DataSet& data);
  /// Samples by the nearest of 256 x 256 points.
  ImageSet points(const ImageSet& samples) const;
  /// All of these points, as samples.
  ImageSet all() const;

 private:
  bool table_;
  std::array<double, 2> low_{}, high_{};  // numbers at the points 0 and 255
};

/// 256 x 256 points, a row for each y.
struct Regions {
  static constexpr Index kSide = 256;
  std::vector<std::uint8_t> classes;
  std::vector<float> probabilities;  // of these classes
};

Regions decision_regions(const Sequential& model, const Plane& plane, Pixels pixels, Workers& workers);

/// 64 x 32 characters: a shade for each class's region, and some samples as the digits of their labels.
std::string regions_text(const Regions& regions, const ImageSet& samples);

/// A PNG of 512 x 512 pixels: a colour for each class's region, paler where the model is less sure, and the samples
/// as dots. Error, naming the file, if it cannot be written.
void write_regions(const std::filesystem::path& file, const Regions& regions, const ImageSet& samples);

}  // namespace TARE_NAMESPACE
