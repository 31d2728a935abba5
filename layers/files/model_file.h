// A model on disk: its parameters and buffers as safetensors, under the names that PyTorch gives them in the same
// nn.Sequential, so that either program loads what the other has saved.
#pragma once

#include <tare/layers/files/safetensors.h>
#include <tare/layers/mlp.h>

namespace TARE_NAMESPACE {

/// The state, in the precision of `real`, ready to be written. Error, naming the tensor, if load_state would refuse
/// its numbers: of a model that diverged, or that was folded beyond the largest number.
Safetensors state_tensors(const std::vector<ConstStateTensor>& state);
Safetensors state_tensors(const Layer& model);

/// Copies the file's tensors into the model, or into any other state. Error, naming the tensor, unless both have the
/// same names, shapes and kinds of numbers, and the numbers are what they may be; then nothing is changed. F32 and
/// F64 are converted. `file` and `owner` name both sides in messages.
void load_state(const std::vector<StateTensor>& state, const std::string& owner, const Safetensors& contents,
                const std::string& file);
void load_state(Layer& model, const Safetensors& contents, const std::string& file);

/// Builds the nn.Sequential that has these tensors and loads it: a two-dimensional weight is a Linear's, a
/// one-dimensional one a BatchNorm's if it has running statistics, else a LayerNorm's; running statistics alone are
/// those of a BatchNorm that is not affine. After a Linear, the first position without tensors is an activation, the
/// next a dropout. Positions inside a position ("3.0.weight") are those of a Residual (layers/mlp.h), if the metadata
/// says "residual"; without a position for it, its activation comes last. Error, naming the tensor, where they do not
/// make a network.
Sequential build_model(const Safetensors& contents, Activation activation, const std::string& file);

}  // namespace TARE_NAMESPACE
