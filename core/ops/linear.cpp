#include <tare/core/ops/linear.h>

#include <tare/core/ops/ops.h>
#include <tare/core/ops/shape_checks.h>

namespace TARE_NAMESPACE {
namespace {

void check(const char* op, Var x, Var w) { require(x.cols() == w.cols(), op, x, w, "x [N x in] and w [out x in]"); }

void check(const char* op, Var x, Var w, Var b) {
  check(op, x, w);
  require(b.rows() == 1 && b.cols() == w.rows(), op, w, b, "w [out x in] and b [1 x out]");
}

}  // namespace

Var linear_composed(Var x, Var w, Var b) {
  check("linear_composed", x, w, b);
  return add_row(matmul(x, transpose(w)), b);
}

// [LIN-1]  Y = X W' + 1 b
// [LIN-2]  dX = G W,   dW = G' X,   db = 1' G
Var linear(Var x, Var w, Var b) {
  check("linear", x, w, b);
  Var y = Tape::record("linear", {x, w, b}, x.rows(), w.rows());
  // A product can be added to what is there: beginning with the bias costs less than adding it to every row afterwards.
  y.set([](auto b) { return b; }, b);
  y.add(x.value() * w.value().transpose());
  return y.pullback([=](View g) {
    x.add_grad(g * w.value());
    w.add_grad(g.transpose() * x.value());
    b.add_grad(col_sums([](auto g) { return g; }), g);
  });
}

// Y = X W'           dX = G W,   dW = G' X
Var linear(Var x, Var w) {
  check("linear", x, w);
  Var y = Tape::record("linear", {x, w}, x.rows(), w.rows());
  y.set(x.value() * w.value().transpose());
  return y.pullback([=](View g) {
    x.add_grad(g * w.value());
    w.add_grad(g.transpose() * x.value());
  });
}

}  // namespace TARE_NAMESPACE
