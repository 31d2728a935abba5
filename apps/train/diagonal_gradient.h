// Batch normalization with a tempting but wrong gradient, for demonstrations: what becomes of training, and of the
// checks of derivatives, when x_i is thought to influence its own output only, and not, through the mean and the
// variance, that of every other sample. Also an example of an op that is written outside of core.
#pragma once

#include <tare/core/ops/batch_norm.h>

namespace TARE_NAMESPACE {

/// The values of batch_norm. Its gradient by x is the diagonal of the Jacobian times g.
BatchNormResult batch_norm_diagonal_gradient(Var x, Var gamma, Var beta, real eps);

}  // namespace TARE_NAMESPACE
