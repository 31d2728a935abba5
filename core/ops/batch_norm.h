// Batch normalization of each column over the batch (Ioffe, Szegedy 2015, arXiv 1502.03167, algorithm 1), two ways:
// composed from primitives, and fused, with the gradient in closed form. Neither keeps anything between calls: running
// statistics belong to the layer (layers/batch_norm.h).
#pragma once

#include <tare/core/tape.h>

namespace TARE_NAMESPACE {

struct BatchNormResult {
  Var y;  // [N x C], like x
  // In the tape's memory:
  View mean;      // [1 x C], over the batch
  View variance;  // [1 x C], over the batch, biased: divided by N
  View xhat;      // [N x C], (x - mean) inv_s
  View inv_s;     // [1 x C], 1 / sqrt(variance + eps)
};

/// y = gamma o xhat + beta; x [N x C], gamma and beta [1 x C], eps >= 0. N = 1 gives y = beta; the layer refuses to
/// train on it.
BatchNormResult batch_norm(Var x, Var gamma, Var beta, real eps);

/// The same from primitives, so that the tape derives the gradient.
BatchNormResult batch_norm_composed(Var x, Var gamma, Var beta, real eps);

/// Either of them, or another that computes the same.
using BatchNormOp = BatchNormResult (*)(Var x, Var gamma, Var beta, real eps);

}  // namespace TARE_NAMESPACE
