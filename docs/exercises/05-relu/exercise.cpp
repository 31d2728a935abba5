using namespace tare;

// Y = max(A, 0)
Var my_relu(Var a) {
  Var y = Tape::record("my_relu", {a}, a.rows(), a.cols());
  y.set([](auto a) { return (a > 0).select(a, 0 * a); }, a);
  return y.pullback([=](View g) {
    // Gap: a.add_grad(...)
    a.add_grad([](auto g) { return g; }, g);
  });
}
