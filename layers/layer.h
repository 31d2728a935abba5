// What every layer can do, and the layers without parameters. A layer owns its parameters and buffers; copying it copies
// them. It holds no mode: whether it trains or evaluates is an argument, so nothing can be left switched.
#pragma once

#include "core/machine/random.h"
#include "core/ops/ops.h"
#include "core/state.h"

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
  /// x [N x features]. The tape of x borrows the parameters until it is cleared.
  virtual Var forward(Var x, Mode mode) = 0;
  virtual std::unique_ptr<Layer> clone() const = 0;
  /// As it was built: "Linear(784, 256, no bias)".
  virtual std::string describe() const = 0;
  virtual Parameters parameters() { return {}; }
  /// Parameters and buffers: what a saved model consists of.
  virtual std::vector<StateTensor> state() { return {}; }
  /// What it draws from in training, or nullptr. Belongs to a run, not to a model.
  virtual Random* generator() { return nullptr; }
};

class Relu : public Layer {
 public:
  Var forward(Var x, Mode) override { return relu(x); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Relu>(*this); }
  std::string describe() const override { return "ReLU"; }
};

class Sigmoid : public Layer {
 public:
  Var forward(Var x, Mode) override { return sigmoid(x); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Sigmoid>(*this); }
  std::string describe() const override { return "Sigmoid"; }
};

class Tanh : public Layer {
 public:
  Var forward(Var x, Mode) override { return tanh(x); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Tanh>(*this); }
  std::string describe() const override { return "Tanh"; }
};

/// Drops entries in training, passes everything on in evaluation. Draws from its own generator.
class Dropout : public Layer {
 public:
  Dropout(double p, Random random) : p_(p), random_(random) {}
  Var forward(Var x, Mode mode) override { return mode == Mode::train ? dropout(x, p_, random_) : x; }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Dropout>(*this); }
  std::string describe() const override { return fmt::format("Dropout({})", p_); }
  Random* generator() override { return &random_; }

 private:
  double p_;
  Random random_;
};

}  // namespace TARE_NAMESPACE
