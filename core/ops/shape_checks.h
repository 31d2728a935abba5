// What the ops check before they compute, and say when it does not hold.
#pragma once

#include <tare/core/tape.h>

#include <cmath>

namespace TARE_NAMESPACE {

inline void require(bool fits, const char* op, Var a, Var b, const char* expected) {
  if (!fits) throw Error("{}: expected {}, found {} and {}", op, expected, a.shape(), b.shape());
}

/// r must be one row as wide as a.
inline void require_row(const char* op, Var a, Var r) {
  require(r.rows() == 1 && r.cols() == a.cols(), op, a, r, "[N x C] and [1 x C]");
}

/// A reduction of nothing has no value.
inline void require_nonempty(const char* op, const View& a) {
  if (a.size() == 0) throw Error("{}: expected at least one row and column, found {}", op, shape_of(a));
}

/// x [N x C] with something to normalize; gamma and beta [1 x C]; eps >= 0.
inline void require_normalizable(const char* op, Var x, Var gamma, Var beta, real eps) {
  if (!(eps >= 0 && std::isfinite(eps))) throw Error("{}: expected a finite eps of at least 0, found {}", op, eps);
  require_nonempty(op, x.value());
  require_row(op, x, gamma);
  require_row(op, x, beta);
}

}  // namespace TARE_NAMESPACE
