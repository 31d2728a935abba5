using namespace exercise;
using namespace tare;

int main() {
  return run([] {
    Random random(15);
    Linear linear({.in = 4, .out = 3}, random);
    BatchNorm norm({.features = 3});
    linear.bias->value = random_matrix(random, 1, 3, 1);
    norm.gamma.value = random_matrix(random, 1, 3, 1);
    norm.beta.value = random_matrix(random, 1, 3);
    norm.running_mean = random_matrix(random, 1, 3);
    norm.running_var = random_matrix(random, 1, 3, 2, 0.1);
    const Matrix x = random_matrix(random, 5, 4), bias = linear.bias->value, mean = norm.running_mean;
    const Matrix variance = norm.running_var, gamma = norm.gamma.value, beta = norm.beta.value;
    const auto output = [&] {
      Tape tape(Tape::Gradients::none);
      Var z = linear.forward(tape.constant(x), Mode::eval);
      return Matrix(norm.forward(z, Mode::eval).value());
    };
    const Matrix before = output();
    drop_bias(linear, norm);
    if (linear.bias) not_yet("linear.bias: expected none, found one: it has to be taken away, not only made zero.");
    if (!agree(norm.running_var, variance, 1e-12)) {
      not_yet("running_var has changed. A constant that is added to a feature does not change how much it varies.");
    }
    if (!agree(norm.beta.value, beta, 1e-12) || !agree(norm.gamma.value, gamma, 1e-12)) {
      not_yet(
          "gamma or beta has changed. In evaluation that can make up for the bias, but in training, where the batch's "
          "own mean is subtracted and the bias never counted, the output would now be another.");
    }
    expect("running_mean", norm.running_mean, mean - bias,
           {{mean, "It has not moved, but it was measured with the bias. Without it every mean is smaller by b."},
            {mean + bias, "It moved the wrong way: without the bias the mean of W x + b is smaller by b."}});
    expect("the output in evaluation", output(), before);
    return "Fewer parameters, the same model. tare fold --drop-bias does this to a file.";
  });
}
