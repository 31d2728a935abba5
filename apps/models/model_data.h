// The data that a saved model is evaluated on, as the model was trained on it: columns of a table on the model's scale,
// classes under the model's numbers.
#pragma once

#include <tare/apps/cli/options.h>

namespace tare {

struct ModelData {
  DataSet data;  // without training samples, unless they are asked for or read anyway
  std::filesystem::path found;
  std::string notice = {};  // empty: nothing
};

/// Error, naming the model and what does not fit, unless the model can take the data and knows its classes.
ModelData load_model_data(const EvalOptions& options, const DataForm& model, Index inputs, Index outputs, bool train);

}  // namespace tare
