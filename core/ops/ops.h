// The primitive ops. Each computes its value at once and records its pullback; ops.cpp has both side by side. Shapes
// stand in brackets, o is the elementwise product, 1 a column of ones, ' the transpose. Every op throws Error, naming
// itself and the shapes, if they do not fit; nothing broadcasts except where the name says _row: there r is [1 x C].
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>

namespace TARE_NAMESPACE {

Var matmul(Var a, Var b);  // A B         [N x K] [K x M] -> [N x M]
Var transpose(Var a);      // A'          [N x C] -> [C x N]

Var add(Var a, Var b);          // A + B   all [N x C]
Var sub(Var a, Var b);          // A - B
Var mul(Var a, Var b);          // A o B
Var div(Var a, Var b);          // A / B, entry by entry
Var max(Var a, Var b);          // the larger of two entries; where they are equal, the gradient is A's
Var add_scalar(Var a, real c);  // A + c
Var mul_scalar(Var a, real c);  // c A

Var add_row(Var a, Var r);  // A + 1 r    [N x C] [1 x C] -> [N x C]
Var sub_row(Var a, Var r);  // A - 1 r
Var mul_row(Var a, Var r);  // A o (1 r)

Var col_mean(Var a);  // 1' A / N         [N x C] -> [1 x C]
Var row_sum(Var a);   // A 1              [N x C] -> [N x 1]
Var sum(Var a);       // the sum of all entries, [N x C] -> [1 x 1]
Var mean(Var a);      // sum(A) / (N C)

Var concat_cols(Var a, Var b);                   // [A B]    [N x C] [N x D] -> [N x (C + D)]
Var slice_cols(Var a, Index begin, Index size);  // columns begin ... begin + size - 1 of A
Var softmax(Var a);                              // e^A of each row, over its sum   [N x C] -> [N x C]

// Elementwise, [N x C] -> [N x C].
Var square(Var a);
Var rsqrt(Var a);  // 1 / sqrt(A)
Var exp(Var a);
Var log(Var a);
Var relu(Var a);  // max(A, 0), with derivative 0 at 0
Var sigmoid(Var a);
Var tanh(Var a);

/// Zeroes each entry with probability p and scales the others by 1 / (1 - p), 0 <= p < 1 (Srivastava et al. 2014).
Var dropout(Var a, double p, Random& random);

// The same ops as operators; * and / go entry by entry, the product of matrices is matmul.
inline Var operator+(Var a, Var b) { return add(a, b); }
inline Var operator-(Var a, Var b) { return sub(a, b); }
inline Var operator*(Var a, Var b) { return mul(a, b); }
inline Var operator/(Var a, Var b) { return div(a, b); }
inline Var operator+(Var a, real c) { return add_scalar(a, c); }
inline Var operator+(real c, Var a) { return add_scalar(a, c); }
inline Var operator-(Var a, real c) { return add_scalar(a, -c); }
inline Var operator-(real c, Var a) { return add_scalar(mul_scalar(a, -1), c); }
inline Var operator-(Var a) { return mul_scalar(a, -1); }
inline Var operator*(Var a, real c) { return mul_scalar(a, c); }
inline Var operator*(real c, Var a) { return mul_scalar(a, c); }
inline Var operator/(Var a, real c) { return mul_scalar(a, 1 / c); }

}  // namespace TARE_NAMESPACE
