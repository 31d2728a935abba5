// A number that is used twice: its derivative is the sum over both paths.
#include <tare/tare.h>

#include <cstdio>

int main() {
  using namespace tare;
  Parameter x("x", 1, 1);
  x.value(0, 0) = 2;

  Tape tape;
  Var u = square(tape.leaf(x));
  Var v = 3 * tape.leaf(x);
  Var y = u * v;
  tape.backward(y);

  const Buffer du = u.grad(), dv = v.grad();
  std::printf("y = %g, dy/du = %g, dy/dv = %g, dy/dx = %g\n", static_cast<double>(y.item()),
              static_cast<double>(du(0, 0)), static_cast<double>(dv(0, 0)), static_cast<double>(x.grad(0, 0)));
  return x.grad(0, 0) == 36 ? 0 : 1;
}
