using namespace tare;

// Y = A B            [N x K] [K x M] -> [N x M]
Var my_matmul(Var a, Var b) {
  Var y = Tape::record("my_matmul", {a, b}, a.rows(), b.cols());
  y.set(a.value() * b.value());
  return y.pullback([=](View g) {
    // Gap: a.add_grad(...) and b.add_grad(...)
  });
}
