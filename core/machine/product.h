// The product of two matrices, which is nearly all that training computes. An entry is one sum, always in the same
// order, wherever the result is cut into pieces and however many numbers the processor's registers hold; a library's
// product promises no such thing. And no library's product knows that most of an image is empty.
#pragma once

#include <tare/core/machine/formula.h>
#include <tare/core/machine/matrix.h>
#include <tare/core/machine/workers.h>

#include <concepts>
#include <optional>

namespace TARE_NAMESPACE {

/// A matrix or a transpose, as a product reads it: entry (i, j) is data[i * row_stride + j * col_stride].
struct Factor {
  Factor(const View& m)
      : data(m.data()), rows(m.rows()), cols(m.cols()), row_stride(cols), col_stride(1), background(m.background) {}

  Factor transpose() const;
  const real* at(Index i, Index j) const { return data + i * row_stride + j * col_stride; }

  const real* data;
  Index rows, cols, row_stride, col_stride;
  std::optional<real> background;  // of the View
};

inline Factor View::transpose() const { return Factor(*this).transpose(); }

/// A product that is still to be computed:   y.set(x * w.transpose())   with the Views x and w.
struct Product {
  Factor a, b;
};
template <class T>
concept IsFactor = std::same_as<T, View> || std::same_as<T, Factor>;
template <IsFactor A, IsFactor B>
Product operator*(const A& a, const B& b) {
  return {a, b};
}

/// C = or += A B, split over threads. Entry (i, j) is the sum of a(i, k) b(k, j) over k in order:
/// 1,024 of them in one register, then the next 1,024, with fused multiply-adds where the processor has them. Error,
/// naming `op`, if the shapes do not fit, or if C shares memory with A or B.
///
/// If A has a background g and C at least 32 columns, the register begins with the sum of its g b(k, j), to which
/// (a(i, k) - g) b(k, j) are added; where a(i, k) is g they may be left out. The same for B, if C has at least 64
/// rows; if both would do, for B. So C is another than without a background by rounding, and where B is not finite by
/// more: a column of C with a NaN or infinity above it then has no finite number.
void write(Target c, Workers& workers, const Product& product);

}  // namespace TARE_NAMESPACE
