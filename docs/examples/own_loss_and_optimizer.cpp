// A loss and an optimizer of one's own, in the library's training loop: a line through points of which some are far
// off. Huber's loss takes little notice of those.
#include <tare/tare.h>

#include <cmath>
#include <cstdio>

using namespace tare;

// The mean over all entries of e^2 / 2 where |e| < 1, else |e| - 1/2; e is the error (Huber 1964). With the clipped size
// c = min(|e|, 1) both are c (|e| - c / 2), which needs no op that is not there.
Var huber(Var output, const Batch& batch) {
  Var e = output - *batch.targets;
  Var size = max(e, -e), clipped = 1 - relu(1 - size);
  return mean(clipped * (size - 0.5f * clipped));
}

// w -= lr sign(g), the sign of each entry.
class SignDescent : public Optimizer {
 public:
  explicit SignDescent(Parameters parameters) : parameters_(std::move(parameters)) {}
  void step(double lr, Workers&) override {
    for (Parameter* p : parameters_) p->value.array() -= static_cast<real>(lr) * p->grad.array().sign();
  }
  std::vector<StateTensor> state() override { return {}; }

 private:
  Parameters parameters_;
};

int main() {
  Random random(1);
  Table points{Buffer(200, 1), {}, Buffer(200, 1)};
  for (Index i = 0; i < 200; ++i) {
    points.x(i, 0) = static_cast<real>(random.normal());
    const real far_off = i % 10 == 0 ? 20 : 0;
    (*points.targets)(i, 0) = 3 * points.x(i, 0) - 1 + far_off;
  }
  Sequential line;
  const Linear& fitted = line.add(Linear({.in = 1, .out = 1}, random));

  RunState state(std::make_unique<SignDescent>(line.parameters()));
  TrainingHooks hooks;
  hooks.loss = huber;
  Workers workers(1);
  train(line, state, {points}, {.lr = 0.005, .batch = 50, .epochs = 400}, workers, hooks);
  const double a = static_cast<double>(fitted.weight.value(0, 0)), b = static_cast<double>(fitted.bias->value(0, 0));
  std::printf("y = %.2f x %+.2f; without the points that are far off: 3 x - 1\n", a, b);
  return std::abs(a - 3) < 0.2 && std::abs(b + 1) < 0.2 ? 0 : 1;
}
