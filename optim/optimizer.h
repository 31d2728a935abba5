// SGD, Adam and AdamW with PyTorch's formulas. An optimizer reads gradients and changes values; zeroing and clipping
// the gradients are functions of their own. The learning rate is an argument of each step, so a schedule is just a
// function (optim/schedule.h).
#pragma once

#include <tare/core/state.h>
#include <tare/core/tape.h>

#include <vector>

namespace TARE_NAMESPACE {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// One update of every parameter from its gradient, its loops split over the workers. Error unless lr >= 0 and is
  /// finite.
  virtual void step(double lr, Workers& workers) = 0;
  /// What it remembers from step to step: "velocity.0" belongs to the first parameter.
  virtual std::vector<StateTensor> state() = 0;
};

/// g += weight_decay w;   v = momentum v + g, with v = 0 at first;   w -= lr v
class Sgd : public Optimizer {
 public:
  struct Options {
    double momentum = 0;
    double weight_decay = 0;
    Parameters undecayed = {};  // which weight_decay leaves alone
  };
  /// The parameters must outlive the optimizer. Error, naming the field, unless 0 <= momentum < 1 and weight_decay >=
  /// 0.
  Sgd(Parameters parameters, Options options);
  void step(double lr, Workers& workers) override;
  std::vector<StateTensor> state() override;

 private:
  Parameters parameters_;
  Options options_;
  std::vector<Buffer> velocity_;
};

/// Adam (Kingma, Ba 2015, arXiv 1412.6980, algorithm 1); with `decoupled`, AdamW (Loshchilov, Hutter 2019, arXiv
/// 1711.05101, algorithm 2, where lr weight_decay stands for eta lambda):
///   Adam: g += weight_decay w      AdamW: w *= 1 - lr weight_decay
///   m = beta1 m + (1 - beta1) g;   v = beta2 v + (1 - beta2) g^2
///   w -= lr mhat / (sqrt(vhat) + eps),   mhat = m / (1 - beta1^t),   vhat = v / (1 - beta2^t)
class Adam : public Optimizer {
 public:
  struct Options {
    double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    double weight_decay = 0;
    bool decoupled = false;
    Parameters undecayed = {};  // which weight_decay leaves alone
  };
  /// Error, naming the field, unless 0 <= beta < 1 for both, eps > 0 and weight_decay >= 0.
  Adam(Parameters parameters, Options options);
  void step(double lr, Workers& workers) override;
  std::vector<StateTensor> state() override;

 private:
  Parameters parameters_;
  Options options_;
  std::int64_t t_ = 0;
  std::vector<Buffer> m_, v_;
};

/// Sets all gradients to zero, as every step must begin.
void zero_grad(const Parameters& parameters);

/// Scales all gradients by max_norm / (norm + 1e-6) if that is below 1, norm being the Euclidean norm of all of them
/// taken together. Returns the norm before. Error unless max_norm >= 0.
double clip_grad_norm(const Parameters& parameters, double max_norm);

}  // namespace TARE_NAMESPACE
