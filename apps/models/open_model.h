// The saved model that a command's options name.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/optim/training/saved_model.h>

namespace TARE_NAMESPACE {

/// Error if the file is no model; UsageError if an option contradicts what the file says, or if the model has no running
/// statistics and they are needed.
SavedModel open_model(const SavedModelOptions& options, bool needs_statistics = true);

}  // namespace TARE_NAMESPACE
