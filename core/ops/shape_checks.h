// What the ops check before they compute, and say when it does not hold.
#pragma once

#include "core/tape.h"

namespace TARE_NAMESPACE {

inline void require(bool fits, const char* op, Var a, Var b, const char* expected) {
  if (!fits) throw Error("{}: expected {}, found {} and {}", op, expected, a.shape(), b.shape());
}

/// r must be one row as wide as a.
inline void require_row(const char* op, Var a, Var r) {
  require(r.rows() == 1 && r.cols() == a.cols(), op, a, r, "[N x C] and [1 x C]");
}

/// A reduction of nothing has no value.
inline void require_nonempty(const char* op, Var a) {
  if (a.rows() < 1 || a.cols() < 1) throw Error("{}: expected at least one row and column, found {}", op, a.shape());
}

/// x [N x C] with something to normalize; gamma and beta [1 x C].
inline void require_normalizable(const char* op, Var x, Var gamma, Var beta) {
  require_nonempty(op, x);
  require_row(op, x, gamma);
  require_row(op, x, beta);
}

}  // namespace TARE_NAMESPACE
