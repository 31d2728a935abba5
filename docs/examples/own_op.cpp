// An op of one's own, with its derivative, checked against finite differences. In double: link tare::tare_double.
#include <tare/tare.h>

#include <cstdio>

using namespace tare;

// Y = A / (1 + |A|)        dA = G / (1 + |A|)^2
Var softsign(Var a) {
  Var y = Tape::record("softsign", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a / (1 + a.abs()); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto a) { return g / (1 + a.abs()).square(); }, g, a); });
}

// The same with a mistake: the square is missing.
Var wrong_softsign(Var a) {
  Var y = Tape::record("wrong_softsign", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a / (1 + a.abs()); }, a);
  return y.pullback([=](View g) { a.add_grad([](auto g, auto a) { return g / (1 + a.abs()); }, g, a); });
}

int main() {
  Random random(1);
  Matrix x(3, 4);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = random.normal();
  const GradientError right = check_gradients([](Tape&, auto in) { return softsign(in[0]); }, {x}, random);
  const GradientError wrong = check_gradients([](Tape&, auto in) { return wrong_softsign(in[0]); }, {x}, random);
  std::printf("softsign:       relative error %.1e\n", right.relative);
  std::printf("wrong_softsign: relative error %.1e\n  %s\n", wrong.relative, wrong.worst.c_str());
  return right.relative < 1e-6 && wrong.relative > 1e-2 ? 0 : 1;
}
