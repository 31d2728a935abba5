using namespace tare;

// Y = A B            [N x K] [K x M] -> [N x M]
Var my_matmul(Var a, Var b) {
  Var y = Tape::record("my_matmul", {a, b}, a.rows(), b.cols());
  y.set(a.value() * b.value());
  return y.pullback([=](View g) {
    a.add_grad(g * b.value().transpose());
    b.add_grad(a.value().transpose() * g);
  });
}
