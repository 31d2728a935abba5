// Labelled images in memory, as bytes, and where on the disk they are found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tare {

/// Images of one size and their labels. A label is a class, 0 ... classes-1.
struct ImageSet {
  std::int64_t count = 0, rows = 0, cols = 0;
  std::vector<std::uint8_t> pixels;  // count * rows * cols
  std::vector<int> labels;           // count; or none, of images that are only to be classified

  std::int64_t features() const { return rows * cols; }
};

struct DataSet {
  ImageSet train, test;
  int classes = 0;  // the largest training label + 1
};

/// Whether this is a set that needs no files: `digits` or a toy set. A folder of that name is "./digits".
bool is_built_in(const std::filesystem::path& data);
/// One of these. Everybody trains on those of seed 1.
DataSet make_built_in(const std::string& name, std::uint64_t seed = 1);

/// Whether a folder holds images for training or for testing under MNIST's names.
bool has_images(const std::filesystem::path& folder);

/// Makes a built-in set, with seed 1, or reads the four IDX files of a folder under MNIST's names: train-images,
/// train-labels, t10k-images, t10k-labels, each followed by -idx3-ubyte or .idx3-ubyte (labels: idx1), raw or with .gz;
/// raw is preferred. Error, naming the file, unless all are there, well-formed and agree with each other.
DataSet load_data(const std::filesystem::path& data);
/// Its test set alone.
ImageSet load_test_data(const std::filesystem::path& data);

/// The labels as the bytes that a file holds. Error unless each is one, 0 ... 255.
std::vector<std::uint8_t> label_bytes(const ImageSet& set);

/// The files that load_data reads of a folder.
std::vector<std::filesystem::path> data_files(const std::filesystem::path& data);

/// Writes a set as four IDX files under MNIST's names, all of them or none, into a folder that is made if it is not
/// there. Error if that fails, or if another set is there.
void save_data(const std::filesystem::path& folder, const DataSet& data);

}  // namespace tare
