// Layer normalization (Ba, Kiros, Hinton 2016, arXiv 1607.06450): each row is normalized over its own features, so
// that, unlike in batch normalization, no sample sees another, and training and evaluation are the same.
#pragma once

#include <tare/core/tape.h>

namespace TARE_NAMESPACE {

/// gamma o xhat + beta with xhat = (x - mean) / sqrt(variance + eps) over each row, biased variance;
/// x [N x C], gamma and beta [1 x C].
Var layer_norm(Var x, Var gamma, Var beta, real eps);

/// The same from primitives: batch normalization of the transpose.
Var layer_norm_composed(Var x, Var gamma, Var beta, real eps);

}  // namespace TARE_NAMESPACE
