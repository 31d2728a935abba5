// A model on disk: its parameters and buffers as safetensors, under the names that PyTorch gives them in the same
// nn.Sequential, so that either program loads what the other has saved.
#pragma once

#include <tare/layers/files/safetensors.h>
#include <tare/layers/mlp.h>

#include <optional>

namespace TARE_NAMESPACE {

/// The state, in the precision of `real`, ready to be written. Error, naming the tensor, if load_state would refuse
/// its numbers: of a model that diverged, or that was folded beyond the largest number.
Safetensors state_tensors(const std::vector<ConstStateTensor>& state);
Safetensors state_tensors(const Layer& model);

/// Copies the file's tensors into the state. Error, naming the tensor, unless both have the same names, shapes and kinds
/// of numbers, and the numbers are what they may be; then nothing is changed. F64, F32, F16 and BF16 are converted.
/// `file` and `owner` name both sides in messages.
void load_state(const std::vector<StateTensor>& state, const std::string& owner, const Safetensors& contents,
                const std::string& file);
/// The same for a model, whose names may stand behind a prefix in the file ("net.0.weight"), and later by up to two
/// positions (a Flatten and a dropout in front). A `num_batches_tracked` may be missing, as in PyTorch; it stays as it
/// is.
void load_state(Layer& model, const Safetensors& contents, const std::string& file);

/// Builds the nn.Sequential that has these tensors, all behind one prefix, and loads it: a two-dimensional weight is a
/// Linear's, a one-dimensional one a BatchNorm's if it has running statistics, else what `norm` or the metadata
/// "network" says, LayerNorm or batch, whose running statistics are then NaN; running statistics alone are those of a
/// BatchNorm that is not affine. Before the first Linear, a position without tensors is a Flatten, after any other an
/// activation; the next one is a dropout. Positions inside a position ("3.0.weight") are those of a Residual
/// (layers/mlp.h), if the metadata says "residual"; without a position for it, its activation comes last. Error, naming
/// the tensor, where they do not make a network, or more than one.
Sequential build_model(const Safetensors& contents, Activation activation, const std::string& file,
                       std::optional<Norm> norm = {});

}  // namespace TARE_NAMESPACE
