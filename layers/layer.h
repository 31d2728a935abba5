// What every layer can do, and the layers without parameters. A layer owns its parameters and buffers; copying it
// copies them. It holds no mode: whether it trains or evaluates is an argument, so nothing can be left switched.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/ops/ops.h>
#include <tare/core/state.h>

#include <memory>
#include <string>
#include <vector>

namespace tare {
enum class Mode { train, eval };
}

namespace TARE_NAMESPACE {

class Layer {
 public:
  virtual ~Layer() = default;
  /// x [N x features]. The tape of x borrows the parameters until it is cleared. In evaluation the layer stays as it
  /// is.
  virtual Var forward(Var x, Mode mode) = 0;
  virtual std::unique_ptr<Layer> clone() const = 0;
  /// As it was built: "Linear(784, 256, no bias)".
  virtual std::string describe() const = 0;
  virtual Parameters parameters() { return {}; }
  /// Parameters and buffers: what a saved model consists of.
  virtual std::vector<StateTensor> state() { return {}; }
  /// What it draws from in training. They belong to a run, not to a model.
  virtual std::vector<Random*> generators() { return {}; }
};

/// The output of a layer that nobody may change, in evaluation. Error unless the tape of x records no gradients.
Var evaluate(const Layer& layer, Var x);

/// What of a layer that nobody may change is trained, and what it draws from. Its state: state_of (core/state.h).
std::vector<const Parameter*> parameters_of(const Layer& layer);
std::vector<const Random*> generators_of(const Layer& layer);

/// Its parameters that are not frozen.
Parameters trained_parameters(Layer& layer);
/// How many numbers these have.
Index count_parameters(const Layer& layer);

/// An op of one value as a layer:   model.add(Elementwise("ReLU", relu));
class Elementwise : public Layer {
 public:
  using Op = Var (*)(Var);
  /// Error, naming it, if there is no op.
  Elementwise(std::string name, Op op) : name_(std::move(name)), op_(op) {
    if (op == nullptr) throw Error("{}: op: expected an op, found none", name_);
  }
  Var forward(Var x, Mode) override { return op_(x); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Elementwise>(*this); }
  std::string describe() const override { return name_; }

 private:
  std::string name_;
  Op op_;
};

/// Drops entries in training with probability p, 0 <= p < 1; passes everything on in evaluation. Draws from its own
/// generator.
class Dropout : public Layer {
 public:
  Dropout(double p, Random random) : p_(p), random_(random) {
    check(p >= 0 && p < 1, "Dropout: p", "a probability in [0, 1)", p);
  }
  Var forward(Var x, Mode mode) override { return mode == Mode::train ? dropout(x, p_, random_) : x; }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Dropout>(*this); }
  std::string describe() const override { return fmt::format("Dropout({})", p_); }
  std::vector<Random*> generators() override { return {&random_}; }

 private:
  double p_;
  Random random_;
};

}  // namespace TARE_NAMESPACE
