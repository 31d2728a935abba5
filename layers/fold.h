// What BatchNorm leaves undone in a trained model can be done once and for all: in evaluation it is an affine map of
// each feature, so it folds into the Linear before it; and a bias that it cancelled in training can be dropped.
#pragma once

#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE {

/// The model without its BatchNorms, each folded into the Linear right before it, with the same outputs in evaluation:
///   W'_k = gamma_k / s_k W_k,   b'_k = beta_k + gamma_k (b_k - running_mean_k) / s_k,   s = sqrt(running_var + eps).
/// Layers inside a layer are folded, too, if it is a chain (layers/sequential.h). Error, naming the layer, if a BatchNorm
/// does not follow a Linear as wide as itself, if there is none, or if the model is of a class derived from Sequential.
Sequential fold_batch_norm(const Sequential& model);

/// The same for as many as can be folded, with the others where they are: what evaluation computes, in less time.
std::unique_ptr<Layer> fold_where_possible(const Layer& model);

/// The model without the biases of the Linears right before a BatchNorm, with the same outputs in evaluation:
///   running_mean_k -= b_k.
/// Error as above, or if there is no such bias, or, naming the layer, if a BatchNorm is not as wide as the Linear.
Sequential drop_cancelled_biases(const Sequential& model);

}  // namespace TARE_NAMESPACE
