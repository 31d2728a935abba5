using namespace exercise;
using namespace tare;

int main() {
  return run([] {
    Parameter a("A", 2, 4);
    a.value << -2, -0.1, 0.1, 3, 5, 0, -1e-12, 1e-12;
    Matrix g(2, 4), right(2, 4), with_one_at_0(2, 4);
    g << 1, -2, 3, -4, 5, -6, 7, -8;
    right << 0, 0, 3, -4, 5, 0, 0, -8;
    with_one_at_0 << 0, 0, 3, -4, 5, -6, 0, -8;
    Matrix with_half_at_0 = right;
    with_half_at_0(1, 1) = -3;
    Tape tape;
    Var y = my_relu(tape.leaf(a));
    tape.backward(sum(mul(y, tape.constant(g))));
    Matrix step = (a.value.array() > 0).cast<double>(), of_g = (g.array() > 0).select(g, 0);
    expect("my_relu: dL/dA", a.grad, right,
           {{g, "g passes everywhere, also where relu is flat: an entry below 0 does not move the result at all."},
            {with_one_at_0, "At exactly 0 the convention is the slope 0: > instead of >=."},
            {with_half_at_0, "At exactly 0 the convention is the slope 0, not the mean of both sides."},
            {step, "That is the slope of relu itself. The upstream gradient g has to be multiplied with it."},
            {of_g, "The sign of g does not matter: what counts is whether the operand a is above 0."},
            {a.value.cwiseMax(0), "That is the value of relu, not its slope."}});
    return "At 0 a central difference says 1/2, which no convention gives: a gradient check stays away from kinks.";
  });
}
