// The layers of a model as a table, at most 80 columns wide: what each puts out and how many parameters it has.
#pragma once

#include <tare/layers/sequential.h>

#include <string>

namespace TARE_NAMESPACE {

/// How many biases were left out: one for every output of a Linear without one.
Index count_dropped_biases(const Sequential& model);

/// Of a model for so many inputs, without a line break at its end. "N" is the number of samples in a batch.
std::string model_table(const Sequential& model, Index inputs);

}  // namespace TARE_NAMESPACE
