using namespace exercise;
using namespace tare;

int main() {
  return run([] {
    Random random(18);
    const Matrix x = random_matrix(random, 3, 4, 0, 2);
    const Matrix sigma = 1 / (1 + (-x.array()).exp());
    Tape tape;
    Var y = swish(tape.constant(x));
    expect("swish: the value", Matrix(y.value()), x.cwiseProduct(sigma),
           {{x, "That is x itself."}, {sigma, "That is sigma(x); the factor x is missing."}});
    const std::string op = tape.entry(tape.size() - 1).op;
    if (op == "mul" || op == "div") {
      not_yet("The value is right, composed from other ops: the last one on the tape is {}. Record an op of your own.",
              op);
    }
    if (op != "swish") not_yet("The last op on the tape: expected swish, found {}.", op);

    Parameter p = parameter("x", x);
    const Matrix g = random_matrix(random, 3, 4);
    const Matrix slope = sigma.array() + x.array() * sigma.array() * (1 - sigma.array());
    tape.clear();
    tape.backward(sum(mul(swish(tape.leaf(p)), tape.constant(g))));
    expect("swish: dL/dA", p.grad, g.cwiseProduct(slope),
           {{g.cwiseProduct(sigma),
             "Only the first factor was differentiated. Product rule: sigma + a sigma (1 - sigma)."},
            {g.array() * x.array() * sigma.array() * (1 - sigma.array()),
             "Only the second factor was differentiated. Product rule: sigma + a sigma (1 - sigma)."},
            {g.array() * sigma.array() * (1 - sigma.array()),
             "That is the derivative of sigma alone. There is a product."},
            {slope, "The upstream gradient g has to be multiplied with the slope."}});
    const GradientError error = check_gradients([](Tape&, auto in) { return swish(in[0]); }, {x}, random);
    if (!(error.relative <= 1e-6)) {
      not_yet("swish: relative error {:.1e} against central differences; {}", error.relative, error.worst);
    }
    return "An op is a value and a pullback; the tape asks for nothing else.";
  });
}
