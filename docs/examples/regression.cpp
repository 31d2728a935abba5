// Regression: a curve through noisy points, with targets instead of labels and the mean squared error as the loss.
#include <tare/tare.h>

#include <cmath>
#include <cstdio>

int main() {
  using namespace tare;
  Random random(1);
  Table points{Buffer(600, 1), {}, Buffer(600, 1)};
  for (Index i = 0; i < 600; ++i) {
    const double x = 6 * random.uniform() - 3;
    points.x(i, 0) = static_cast<real>(x);
    (*points.targets)(i, 0) = static_cast<real>(std::sin(x) + 0.1 * random.normal());
  }
  const Split<Table> data = split(points, 100, 1);

  Sequential model;
  model.add(Linear({.in = 1, .out = 32}, random));
  model.add(Elementwise("Tanh", tanh));
  model.add(Linear({.in = 32, .out = 1}, random));

  Workers workers(1);
  const TrainingOptions options{.optimizer = OptimizerKind::adam, .lr = 0.01, .batch = 50, .epochs = 60};
  const Evaluation test = *train(model, {data.train, data.test}, options, workers).evaluation;
  // The noise that nothing can predict has a variance of 0.01.
  std::printf("mean squared error on the points held out: %.4f\n", test.loss);

  Matrix x(5, 1);
  x << -2, -1, 0, 1, 2;
  Tape tape(Tape::Gradients::none);
  const View y = evaluate(model, tape.constant(x)).value();
  for (Index i = 0; i < 5; ++i) {
    std::printf("%5.1f: %6.3f, sin is %6.3f\n", static_cast<double>(x(i, 0)), static_cast<double>(y(i, 0)),
                std::sin(static_cast<double>(x(i, 0))));
  }
  return test.loss < 0.02 ? 0 : 1;
}
