// Batch normalization of each column over the batch (Ioffe, Szegedy 2015, arXiv 1502.03167, algorithm 1), three ways:
// composed from primitives, fused with the gradient in closed form, and with a tempting but wrong gradient. None of them
// keeps anything between calls: running statistics belong to the layer (layers/batch_norm.h).
#pragma once

#include "core/tape.h"

namespace TARE_NAMESPACE {

struct BatchNormResult {
  Var y;          // [N x C], like x
  View mean;      // [1 x C], over the batch; in the tape's memory, as the variance is
  View variance;  // [1 x C], over the batch, biased: divided by N
};

/// y = gamma o xhat + beta with xhat = (x - mean) / sqrt(variance + eps); x [N x C], gamma and beta [1 x C].
/// N = 1 gives y = beta; the layer refuses to train on it.
BatchNormResult batch_norm(Var x, Var gamma, Var beta, real eps);

/// The same from primitives, so that the tape derives the gradient.
BatchNormResult batch_norm_composed(Var x, Var gamma, Var beta, real eps);

/// The same values, but the gradient that the input would have if x_i influenced its own output only, and not, through the
/// mean and the variance, that of every other sample: the diagonal of the Jacobian times g. Wrong; for demonstrations.
BatchNormResult batch_norm_diagonal_gradient(Var x, Var gamma, Var beta, real eps);

}  // namespace TARE_NAMESPACE
