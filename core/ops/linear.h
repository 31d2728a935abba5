// The affine map of a fully connected layer, composed and fused.
#pragma once

#include <tare/core/tape.h>

namespace TARE_NAMESPACE {

/// X W' + 1 b:  x [N x in], w [out x in] as in PyTorch, b [1 x out]  ->  [N x out].
Var linear(Var x, Var w, Var b);
/// X W', without a bias.
Var linear(Var x, Var w);

/// The same from primitives.
Var linear_composed(Var x, Var w, Var b);

}  // namespace TARE_NAMESPACE
