// Matrices go back and forth between Tare, a library that aligns its own way, and this program, which aligns as that
// library does. Whoever frees what another has allocated does it alike, or this crashes.
#include "ordinary.h"

#include <tare/tare.h>

int main() {
  static_assert(std::is_same_v<Rows, tare::Matrix>);
  float total = 0;
  for (int n = 1; n < 40; ++n) {
    Rows x = make(n, n + 1);
    tare::Parameter w("w", n + 1, 3);
    w.value.setOnes();
    tare::Tape tape;
    tare::Var y = tare::matmul(tape.constant(x), tape.leaf(w));
    tape.backward(tare::sum(y));
    Rows value = y.value(), gradient = w.grad, of_leaf = tape.entry(1).value;
    total += value.sum() + gradient.sum() + tare::Buffer(make(2, 2)).sum();
    tare::Random random(1);
    const auto f = [](tare::Tape&, auto in) { return tare::square(in[0]); };
    if (n < 4 && tare::check_gradients(f, {x}, random).relative > 0.1) return 2;
    grow(value);
    take(value);
    take(gradient);
    take(std::move(of_leaf));
    const tare::Safetensors contents = tare::state_tensors(tare::make_mlp({.in = n, .hidden = {n}, .out = 2}, 1));
    if (contents.tensors.empty()) return 3;
  }
  return total > 0 && alignment() == EIGEN_MAX_ALIGN_BYTES ? 0 : 1;
}
