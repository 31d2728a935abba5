using namespace tare;

// Y = A + 1 r        [N x C] [1 x C] -> [N x C]
Var my_add_row(Var a, Var r) {
  Var y = Tape::record("my_add_row", {a, r}, a.rows(), a.cols());
  y.set([](auto a, auto r) { return a + r; }, a, r);
  return y.pullback([=](View g) {
    // Gap: a.add_grad(...) and r.add_grad(...)
  });
}
