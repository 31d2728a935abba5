// Somebody's own measurements as a data set: a table of numbers (datasets/csv.h), its rows split into those for
// training and those for testing, its columns brought to one scale.
#pragma once

#include <tare/datasets/images.h>

namespace tare {

/// Whether a file is named as a table: *.csv, *.tsv or *.txt.
bool is_named_as_table(const std::filesystem::path& file);

/// A fifth of the rows (at least one), drawn by the seed, is the test set, or all rows of another table with the same
/// columns. Every column x becomes (x - mean) / deviation by the mean and the deviation of the training rows; one that
/// has a single number becomes 0. Error, naming the file and the line, if a table is malformed, has only one class, or
/// tests a class that training has not.
DataSet load_table(const std::filesystem::path& file, const DataOptions& options = {});

/// All rows of a table as the test set of a model, scaled and numbered as those that it was trained on.
ImageSet load_test_table(const std::filesystem::path& file, const DataForm& model);

/// Brings rows to the scale of a model's columns. Error, beginning with `what` and naming the row, if a number is
/// beyond what `float` holds then. `lines` names the rows; without it they are counted.
void standardize(ImageSet& set, const std::vector<Column>& columns, const std::string& what,
                 const std::vector<std::int64_t>& lines = {});

/// Error, beginning with `what` and naming the first difference, unless both have the same names in the same order.
void check_columns(const std::vector<std::string>& found, const std::vector<Column>& expected, const std::string& what);

}  // namespace tare
