// The whole training state as one safetensors file: the model's tensors, the optimizer's, the generators of dropout,
// the position, and in the metadata what run_description.h describes. Shuffling needs nothing: an epoch's order
// depends on the seed and the epoch alone.
#pragma once

#include <tare/apps/train/run_description.h>
#include <tare/layers/files/safetensors.h>
#include <tare/optim/training/train.h>

namespace TARE_NAMESPACE {

/// Ready to be written.
Safetensors make_checkpoint(Sequential& model, RunState& state, const RunDescription& run);

/// Error, naming the file and the tensor, unless the checkpoint fits; then model and state are as before.
void load_checkpoint(const Safetensors& checkpoint, const std::string& file, Sequential& model, RunState& state);

}  // namespace TARE_NAMESPACE
