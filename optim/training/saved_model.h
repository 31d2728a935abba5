// A saved model ready to be used, with what its file says about it or, where it is silent, the options.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE {

struct SavedModel {
  Sequential model;
  Pixels pixels;
  Index inputs, outputs;
};

/// Error if the file is no model; UsageError if an option contradicts what the file says.
SavedModel load_saved_model(const SavedModelOptions& options);

}  // namespace TARE_NAMESPACE
