#include <tare/core/ops/ops.h>

#include <tare/core/machine/functions.h>
#include <tare/core/ops/shape_checks.h>

namespace TARE_NAMESPACE {
namespace {

real sum_of_all(const View& m) { return functions::sum(ConstRow(m.data(), m.size())); }

// The number c in every place of the row x.
template <class X>
auto filled_like(const X& x, real c) {
  return X::Constant(x.size(), c);
}

}  // namespace

// Y = A B            dA = G B',   dB = A' G   [OP-2]
Var matmul(Var a, Var b) {
  require(a.cols() == b.rows(), "matmul", a, b, "[N x K] and [K x M]");
  Var y = Tape::record("matmul", {a, b}, a.rows(), b.cols());
  y.set(a.value() * b.value());
  return y.pullback([=](View g) {
    a.add_grad(g * b.value().transpose());
    b.add_grad(a.value().transpose() * g);
  });
}

// Y = A'             dA = G'
Var transpose(Var a) {
  Var y = Tape::record("transpose", {a}, a.cols(), a.rows());
  y.mutable_value() = a.value().Map::transpose();
  return y.pullback([=](View g) {
    Scratch g_transposed = a.tape().scratch(g.cols(), g.rows());
    g_transposed = g.Map::transpose();
    a.add_grad([](auto gt) { return gt; }, g_transposed);
  });
}

// Y = A + B          dA = G,   dB = G
Var add(Var a, Var b) {
  require(a.shape() == b.shape(), "add", a, b, "two equal shapes");
  Var y = Tape::record("add", {a, b}, a.rows(), a.cols());
  y.set([](auto a, auto b) { return a + b; }, a, b);
  return y.pullback([=](View g) {
    a.add_grad([](auto g) { return g; }, g);
    b.add_grad([](auto g) { return g; }, g);
  });
}

// Y = A - B          dA = G,   dB = -G
Var sub(Var a, Var b) {
  require(a.shape() == b.shape(), "sub", a, b, "two equal shapes");
  Var y = Tape::record("sub", {a, b}, a.rows(), a.cols());
  y.set([](auto a, auto b) { return a - b; }, a, b);
  return y.pullback([=](View g) {
    a.add_grad([](auto g) { return g; }, g);
    b.add_grad([](auto g) { return -g; }, g);
  });
}

// Y = A o B          dA = G o B,   dB = G o A
Var mul(Var a, Var b) {
  require(a.shape() == b.shape(), "mul", a, b, "two equal shapes");
  Var y = Tape::record("mul", {a, b}, a.rows(), a.cols());
  y.set([](auto a, auto b) { return a * b; }, a, b);
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto b) { return g * b; }, g, b);
    b.add_grad([](auto g, auto a) { return g * a; }, g, a);
  });
}

// Y = A / B          dA = G / B,   dB = -G o Y / B
Var div(Var a, Var b) {
  require(a.shape() == b.shape(), "div", a, b, "two equal shapes");
  Var y = Tape::record("div", {a, b}, a.rows(), a.cols());
  y.set([](auto a, auto b) { return a / b; }, a, b);
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto b) { return g / b; }, g, b);
    b.add_grad([](auto g, auto y, auto b) { return -g * y / b; }, g, y, b);
  });
}

// Y = max(A, B)      dA = G where A >= B,   dB = G where A < B
Var max(Var a, Var b) {
  require(a.shape() == b.shape(), "max", a, b, "two equal shapes");
  Var y = Tape::record("max", {a, b}, a.rows(), a.cols());
  y.set([](auto a, auto b) { return (a >= b).select(a, b); }, a, b);
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto a, auto b) { return (a >= b).select(g, filled_like(g, 0)); }, g, a, b);
    b.add_grad([](auto g, auto a, auto b) { return (a >= b).select(filled_like(g, 0), g); }, g, a, b);
  });
}

// Y = A + c          dA = G
Var add_scalar(Var a, real c) {
  Var y = Tape::record("add_scalar", {a}, a.rows(), a.cols());
  y.set([=](auto a) { return a + c; }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g) { return g; }, g); });
}

// Y = c A            dA = c G
Var mul_scalar(Var a, real c) {
  Var y = Tape::record("mul_scalar", {a}, a.rows(), a.cols());
  y.set([=](auto a) { return c * a; }, a);
  return y.pullback([=](View g) { a.add_grad([=](auto g) { return c * g; }, g); });
}

// Y = A + 1 r        dA = G,   dr = 1' G   [OP-3]
Var add_row(Var a, Var r) {
  require_row("add_row", a, r);
  Var y = Tape::record("add_row", {a, r}, a.rows(), a.cols());
  y.set([](auto a, auto r) { return a + r; }, a, r);
  return y.pullback([=](View g) {
    a.add_grad([](auto g) { return g; }, g);
    r.add_grad(col_sums([](auto g) { return g; }), g);
  });
}

// Y = A - 1 r        dA = G,   dr = -1' G
Var sub_row(Var a, Var r) {
  require_row("sub_row", a, r);
  Var y = Tape::record("sub_row", {a, r}, a.rows(), a.cols());
  y.set([](auto a, auto r) { return a - r; }, a, r);
  return y.pullback([=](View g) {
    a.add_grad([](auto g) { return g; }, g);
    r.add_grad(col_sums([](auto g) { return -g; }), g);
  });
}

// Y = A o (1 r)      dA = G o (1 r),   dr = 1' (G o A)
Var mul_row(Var a, Var r) {
  require_row("mul_row", a, r);
  Var y = Tape::record("mul_row", {a, r}, a.rows(), a.cols());
  y.set([](auto a, auto r) { return a * r; }, a, r);
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto r) { return g * r; }, g, r);
    r.add_grad(col_sums([](auto g, auto a) { return g * a; }), g, a);
  });
}

// y = 1' A / N       dA = 1 g / N   [OP-4]
Var col_mean(Var a) {
  require_nonempty("col_mean", a.value());
  const auto n = static_cast<real>(a.rows());
  Var y = Tape::record("col_mean", {a}, 1, a.cols());
  y.set(col_sums([](auto a) { return a; }), a);
  y.mutable_value() /= n;
  return y.pullback([=](View g) { a.add_grad([=](auto g) { return g / n; }, g); });
}

// y = A 1            dA = g 1'
Var row_sum(Var a) {
  Scratch one = a.tape().scratch(a.cols(), 1);
  one.setOnes();
  Var y = Tape::record("row_sum", {a}, a.rows(), 1);
  y.set(a.value() * View(one));
  return y.pullback([=](View g) { a.add_grad(g * View(one).transpose()); });
}

// y = 1' A 1         dA = g 1 1'
Var sum(Var a) {
  Var y = Tape::record("sum", {a}, 1, 1);
  y.mutable_value()(0, 0) = sum_of_all(a.value());
  return y.pullback([=](View g) { a.add_grad([g = g(0, 0)] { return g; }); });
}

// y = 1' A 1 / (N C) dA = g / (N C) 1 1'
Var mean(Var a) {
  require_nonempty("mean", a.value());
  const auto n = static_cast<real>(a.rows() * a.cols());
  Var y = Tape::record("mean", {a}, 1, 1);
  y.mutable_value()(0, 0) = sum_of_all(a.value()) / n;
  return y.pullback([=](View g) { a.add_grad([g = g(0, 0) / n] { return g; }); });
}

// Y = [A B]          [dA dB] = G
Var concat_cols(Var a, Var b) {
  require(a.rows() == b.rows(), "concat_cols", a, b, "[N x C] and [N x D]");
  Var y = Tape::record("concat_cols", {a, b}, a.rows(), a.cols() + b.cols());
  y.mutable_value().leftCols(a.cols()) = a.value();
  y.mutable_value().rightCols(b.cols()) = b.value();
  return y.pullback([=](View g) {
    Scratch left = a.tape().scratch(a.rows(), a.cols()), right = a.tape().scratch(b.rows(), b.cols());
    left = g.leftCols(a.cols());
    right = g.rightCols(b.cols());
    a.add_grad([](auto part) { return part; }, left);
    b.add_grad([](auto part) { return part; }, right);
  });
}

// Y = A E            dA = G E',   where E picks the columns
Var slice_cols(Var a, Index begin, Index size) {
  check(begin >= 0 && begin <= a.cols(), "slice_cols: begin", "a column of the operand", begin);
  check(size >= 0 && size <= a.cols() - begin, "slice_cols: size", "no more columns than there are", size);
  Var y = Tape::record("slice_cols", {a}, a.rows(), size);
  y.mutable_value() = a.value().middleCols(begin, size);
  return y.pullback([=](View g) {
    Scratch wide = a.tape().scratch(a.rows(), a.cols());
    wide.setZero();
    wide.middleCols(begin, size) = g;
    a.add_grad([](auto w) { return w; }, wide);
  });
}

// Y = e^A / (e^A 1 1')    dA = Y o (G - (G o Y) 1 1')
Var softmax(Var a) {
  require_nonempty("softmax", a.value());
  Var y = Tape::record("softmax", {a}, a.rows(), a.cols());
  y.set([](auto a) { return (a - a.maxCoeff()).unaryExpr(functions::exp); }, a);  // of which none overflows
  MatrixMap value = y.mutable_value();
  for (Index i = 0; i < value.rows(); ++i) value.row(i) /= functions::sum(value.row(i).array());
  return y.pullback([=](View g) { a.add_grad([](auto g, auto y) { return y * (g - functions::sum(g * y)); }, g, y); });
}

// Y = A o A          dA = 2 G o A
Var square(Var a) {
  Var y = Tape::record("square", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a * a; }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto a) { return 2 * g * a; }, g, a); });
}

// Y = A^(-1/2)       dA = -G o Y^3 / 2
Var rsqrt(Var a) {
  Var y = Tape::record("rsqrt", {a}, a.rows(), a.cols());
  y.set([](auto a) { return 1 / a.unaryExpr(functions::sqrt); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto y) { return g * y * y * y * real{-0.5}; }, g, y); });
}

// Y = e^A            dA = G o Y
Var exp(Var a) {
  Var y = Tape::record("exp", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a.unaryExpr(functions::exp); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto y) { return g * y; }, g, y); });
}

// Y = log A          dA = G / A
Var log(Var a) {
  Var y = Tape::record("log", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a.unaryExpr(functions::log); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto a) { return g / a; }, g, a); });
}

// Y = max(A, 0)      dA = G where Y > 0, else 0   [OP-1]
Var relu(Var a) {
  Var y = Tape::record("relu", {a}, a.rows(), a.cols());
  y.set([](auto a) { return (a < real{0}).select(filled_like(a, real{0}), a); }, a);  // keeps a NaN, unlike max
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto y) { return (y > real{0}).select(g, filled_like(g, real{0})); }, g, y);
  });
}

// Y = 1 / (1 + e^-A) dA = G o Y o (1 - Y)
Var sigmoid(Var a) {
  Var y = Tape::record("sigmoid", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a.unaryExpr(functions::logistic); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto y) { return g * y * (1 - y); }, g, y); });
}

// Y = tanh A         dA = G o (1 - Y o Y)
Var tanh(Var a) {
  Var y = Tape::record("tanh", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a.unaryExpr(functions::tanh); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto y) { return g * (1 - y * y); }, g, y); });
}

// Y = A o M          dA = G o M,   with M_ij = 0 with probability p, else 1 / (1 - p)   [OP-5]
Var dropout(Var a, double p, Random& random) {
  check(p >= 0 && p < 1, "dropout: p", "a probability in [0, 1)", p);
  Var y = Tape::record("dropout", {a}, a.rows(), a.cols());
  Scratch mask = a.tape().scratch(a.rows(), a.cols());
  for (real& m : mask.reshaped<Eigen::RowMajor>()) m = random.uniform() < p ? real{0} : static_cast<real>(1 / (1 - p));
  y.set([](auto a, auto m) { return a * m; }, a, mask);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto m) { return g * m; }, g, mask); });
}

}  // namespace TARE_NAMESPACE
