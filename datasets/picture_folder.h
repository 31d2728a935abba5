// Somebody's own pictures as a data set: a folder for each class, named by it, with PNG and PGM files of one size.
#pragma once

#include <tare/datasets/images.h>

namespace tare {

/// Whether there are folders in this one; hidden ones (".git") do not count.
bool has_class_folders(const std::filesystem::path& folder);

/// The grey of the pictures as it is. A fifth of them (at least one), drawn by the seed, is the test set; or those in
/// folder/test/CLASS, if the folder is made of `train` and `test` with such folders in them. Error, naming the file or
/// the folder, unless all pictures have one size, every class has one, and nothing else is there.
DataSet load_picture_folder(const std::filesystem::path& folder, std::uint64_t seed = 1);

}  // namespace tare
