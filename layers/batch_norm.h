// Batch normalization as a layer: the op of core/ops/batch_norm.h, its parameters, and the running statistics that
// take the place of the batch's own in evaluation.
#pragma once

#include <tare/core/ops/batch_norm.h>
#include <tare/layers/layer.h>

namespace TARE_NAMESPACE {

class BatchNorm : public Layer {
 public:
  struct Options {
    Index features;
    /// How training computes it.
    BatchNormOp op = batch_norm;
    double eps = 1e-5;
    /// The weight of the newest batch, PyTorch's convention: running = (1 - momentum) running + momentum batch.
    double momentum = 0.1;
    /// Whether gamma and beta are trained and saved; else they stay 1 and 0.
    bool affine = true;
  };
  /// Error, naming the field, unless features >= 1, eps >= 0 and 0 <= momentum <= 1.
  explicit BatchNorm(Options options);

  /// Training normalizes by the batch's statistics and updates the running ones, for which the variance is the unbiased
  /// N / (N - 1) (Ioffe, Szegedy 2015, sec. 3.1); N = 1 is an Error. Evaluation normalizes by the running statistics
  /// and changes nothing.
  Var forward(Var x, Mode mode) override;
  std::unique_ptr<Layer> clone() const override { return std::make_unique<BatchNorm>(*this); }
  std::string describe() const override {
    return fmt::format("BatchNorm({}{})", options.features, options.affine ? "" : ", not affine");
  }
  Parameters parameters() override { return options.affine ? Parameters{&gamma, &beta} : Parameters{}; }
  std::vector<StateTensor> state() override;

  Options options;
  Parameter gamma, beta;             // [1 x features], 1 and 0 at first; PyTorch calls them weight and bias
  Buffer running_mean, running_var;  // [1 x features], 0 and 1 at first
  std::int64_t num_batches_tracked = 0;

 protected:
  /// gamma or beta: a leaf, or without `affine` a constant.
  Var on_tape(Parameter& parameter, Tape& tape) const;
  /// Updates the running statistics with those of a batch; its variance is the biased one.
  void track(const View& mean, const View& variance, Index samples);

 private:
  Var normalize_batch(Var x);
  Var normalize_running(Var x);
};

}  // namespace TARE_NAMESPACE
