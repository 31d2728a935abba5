// The product of two matrices, which is nearly all that training computes. An entry is one sum, always in the same order,
// wherever the result is cut into pieces and however many numbers the processor's registers hold; a library's product
// promises no such thing.
#pragma once

#include "core/matrix.h"
#include "core/workers.h"

namespace TARE_NAMESPACE {

/// A matrix or a transpose, as a product reads it: entry (i, j) is data[i * row_stride + j * col_stride].
struct Factor {
  Factor(const Eigen::Map<const Matrix>& m)
      : data(m.data()), rows(m.rows()), cols(m.cols()), row_stride(cols), col_stride(1) {}
  template <class Map>
  Factor(const Eigen::Transpose<Map>& m)
      : data(m.nestedExpression().data()), rows(m.rows()), cols(m.cols()), row_stride(1), col_stride(rows) {}

  const real* at(Index i, Index j) const { return data + i * row_stride + j * col_stride; }

  const real* data;
  Index rows, cols, row_stride, col_stride;
};

/// C = A B, or C += A B if `add`, split over threads. Entry (i, j) is the sum of a(i, k) b(k, j) over k in order: 1,024
/// of them in one register, then the next 1,024, with fused multiply-adds where the processor has them. C shares no memory
/// with A and B; the shapes must fit.
void multiply(const Factor& a, const Factor& b, MatrixMap c, bool add, Workers& workers);

}  // namespace TARE_NAMESPACE
