// XOR, learned by hand on a tape: no layers, no data set, no training loop.
#include <tare/tare.h>

#include <cmath>
#include <cstdio>

int main() {
  using namespace tare;
  Matrix x(4, 2), target(4, 1);
  x << 0, 0, 0, 1, 1, 0, 1, 1;
  target << 0, 1, 1, 0;

  // Two layers: 2 inputs, 8 hidden values, 1 output. The weights begin at random, the biases at 0.
  Parameter w1("w1", 2, 8), b1("b1", 1, 8), w2("w2", 8, 1), b2("b2", 1, 1);
  Random random(1);
  init_normal(w1, 1, random);
  init_normal(w2, 1, random);
  const Parameters parameters{&w1, &b1, &w2, &b2};

  Tape tape;
  for (int step = 0; step < 1000; ++step) {
    tape.clear();
    // Forward: every line computes a value at once, and the tape remembers how.
    Var hidden = tanh(add_row(matmul(tape.constant(x), tape.leaf(w1)), tape.leaf(b1)));
    Var output = sigmoid(add_row(matmul(hidden, tape.leaf(w2)), tape.leaf(b2)));
    Var loss = mean(square(output - tape.constant(target)));
    // Backward: the gradient of the loss with respect to every parameter.
    for (Parameter* p : parameters) p->grad.setZero();
    tape.backward(loss);
    // And a step against it.
    for (Parameter* p : parameters) p->value -= 2 * p->grad;

    if (step % 200 == 0) std::printf("step %4d: loss %.4f\n", step, static_cast<double>(loss.item()));
    if (step < 999) continue;
    for (Index i = 0; i < 4; ++i) {
      const double y = static_cast<double>(output.value()(i, 0));
      std::printf("%.0f xor %.0f = %.3f\n", static_cast<double>(x(i, 0)), static_cast<double>(x(i, 1)), y);
      if (std::abs(y - static_cast<double>(target(i, 0))) > 0.1) return 1;
    }
  }
}
