// The whole training state as one safetensors file: the model's tensors, those of the best one so far, the optimizer's,
// the generators of dropout and the position, so that a run goes on exactly as if it had never stopped. Shuffling needs
// nothing: an epoch's order depends on the seed and the epoch alone. Options are not kept; whoever wants to find them
// again adds metadata.
#pragma once

#include <tare/layers/files/safetensors.h>
#include <tare/optim/training/train.h>

namespace TARE_NAMESPACE {

/// Ready for write_safetensors. Error, naming the tensor, if a number is not finite.
Safetensors make_checkpoint(const Layer& model, const RunState& state,
                            std::map<std::string, std::string> metadata = {});

/// Error, naming the file and the tensor, unless the checkpoint fits; then model and state are as before.
void load_checkpoint(const Safetensors& checkpoint, const std::string& file, Layer& model, RunState& state);

}  // namespace TARE_NAMESPACE
