using namespace tare;

// Y = A o sigma(A), with sigma(a) = 1 / (1 + e^-a)     [N x C] -> [N x C]
Var swish(Var a) {
  Var y = Tape::record("swish", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a / (1 + (-a).exp()); }, a);
  return y.pullback([=](View g) {
    a.add_grad([](auto g, auto a) { return g * (1 + (-a).exp() + a * (-a).exp()) / (1 + (-a).exp()).square(); }, g, a);
  });
}
