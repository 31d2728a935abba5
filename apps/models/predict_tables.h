// What a model that was trained on a table says about the rows of others.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/optim/training/saved_model.h>

namespace TARE_NAMESPACE {

/// Prints a line for each row of the files, which need the model's columns and may have others. The exit code.
int predict_tables(const PredictOptions& options, const SavedModel& saved);

}  // namespace TARE_NAMESPACE
