using namespace tare;

// Y = max(A, 0)
Var my_relu(Var a) {
  Var y = Tape::record("my_relu", {a}, a.rows(), a.cols());
  y.set([](auto a) { return (a > 0).select(a, 0 * a); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto a) { return (a > 0).select(g, 0 * g); }, g, a); });
}
