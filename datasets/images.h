// Labelled samples in memory, images as bytes or rows of numbers, and where on the disk they are found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tare {

/// Images of one size, or rows of a table, and their labels. A label is a class, 0 ... classes-1.
struct ImageSet {
  std::int64_t count = 0, rows = 0, cols = 0;
  std::vector<std::uint8_t> pixels;  // count * rows * cols
  std::vector<int> labels;           // count; or none, of images that are only to be classified
  std::vector<double> numbers = {};  // of a table, instead of pixels: count * cols; rows is 1

  std::int64_t features() const { return rows * cols; }
  bool is_table() const { return !numbers.empty(); }
};

/// A column of a table, and its training rows' mean and deviation, which bring it to one scale with the others.
struct Column {
  std::string name;
  double mean = 0, deviation = 1;
};

/// What must be known of the data that a model was trained on, besides its samples, in order to use the model.
struct DataForm {
  std::vector<std::string> class_names = {};  // empty: the classes are called 0, 1, ...
  std::vector<Column> columns = {};           // of a table
  std::int64_t rows = 0, cols = 0;            // of pictures that are taken as they are
  std::uint64_t seed = 1;                     // drew the test set,
  bool own_test = false;                      // unless that was named
  std::string digest = {};                    // tells whether a table or pictures are the same as in training

  std::string class_name(std::int64_t label) const;
};

struct DataSet {
  ImageSet train, test;
  int classes = 0;  // the largest training label + 1
  DataForm form = {};
  std::string notice = {};  // what was changed in reading; empty: nothing
};

/// How a set is read that does not say which of its samples are for testing.
struct DataOptions {
  std::uint64_t seed = 1;           // a fifth of them, drawn by this,
  std::filesystem::path test = {};  // or, of a table, the rows of another file
};

/// Whether this is a set that needs no files: `digits` or a toy set. A folder of that name is "./digits".
bool is_built_in(const std::filesystem::path& data);
/// One of these. Everybody trains on those of seed 1.
DataSet make_built_in(const std::string& name, std::uint64_t seed = 1);

/// Whether a folder holds images for training or for testing under MNIST's names.
bool has_images(const std::filesystem::path& folder);

enum class DataKind { built_in, idx, pictures, table };
/// What there is under a name, as far as its name and its folders say.
DataKind kind_of(const std::filesystem::path& data);

/// Makes a built-in set, with seed 1, or reads a table (datasets/load_table.h), a folder of pictures
/// (datasets/picture_folder.h), or the four IDX files of a folder under MNIST's names: train-images, train-labels,
/// t10k-images, t10k-labels, each followed by -idx3-ubyte or .idx3-ubyte (labels: idx1), raw or with .gz; raw is
/// preferred. IDX labels with gaps between them, of a set from which classes were taken out, are renumbered. Error,
/// naming the file, unless all are there, well-formed and agree with each other.
DataSet load_data(const std::filesystem::path& data, const DataOptions& options = {});
/// The test set of one that is built in or of IDX files alone, with the labels as they are there.
ImageSet load_test_data(const std::filesystem::path& data);

/// Classes in the order in which they are numbered: of numbers by their size, else as text. Error, beginning with
/// `what`, if two are the same number.
void sort_classes(std::vector<std::string>& names, const std::string& what);

/// The labels as the bytes that a file holds. Error unless each is one, 0 ... 255.
std::vector<std::uint8_t> label_bytes(const ImageSet& set);

/// The files that load_data reads of a folder, or the folder of its pictures.
std::vector<std::filesystem::path> data_files(const std::filesystem::path& data);

/// Writes a set as four IDX files under MNIST's names, all of them or none, into a folder that is made if it is not
/// there. Error if that fails, or if another set is there.
void save_data(const std::filesystem::path& folder, const DataSet& data);

}  // namespace tare
