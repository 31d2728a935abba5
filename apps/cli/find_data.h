// What --data means.
#pragma once

#include <tare/datasets/images.h>

#include <filesystem>
#include <string>

namespace tare {

/// What `--data name` means: a built-in set, by its name, a folder or a table. `mnist` is $TARE_DATA, or else
/// data/mnist; Error, saying how to get it, if it is in neither. `auto` is `mnist` where that is found, else `digits`.
/// Error if $TARE_DATA is set, and there is none. Other names must be folders' or tables'; of a folder that
/// torchvision has made, the one in it with the files (MNIST/raw). `test` is that of `--test`: UsageError if it is given
/// with anything but a table.
std::filesystem::path find_data(const std::string& name, const std::string& test = "");

/// "images of 28 x 28" or "rows of 4 numbers".
std::string samples_text(const ImageSet& set);

}  // namespace tare
