// BatchNorm with a part of it left out, or in pieces of the batch: what experiments compare it with. In evaluation all
// of them are BatchNorm as it is, because the running statistics say what was left out: mean 0, or variance 1.
#pragma once

#include <tare/layers/batch_norm.h>
#include <tare/layers/mlp.h>

namespace TARE_NAMESPACE {

/// y = gamma o (x - mean) + beta   (Salimans, Kingma 2016, arXiv 1602.07868, section 4)
BatchNormResult batch_norm_mean_only(Var x, Var gamma, Var beta, real eps);
/// y = gamma o x / sqrt(variance + eps) + beta, with the variance about the mean
BatchNormResult batch_norm_variance_only(Var x, Var gamma, Var beta, real eps);
/// y = gamma o x + beta
BatchNormResult batch_norm_neither(Var x, Var gamma, Var beta, real eps);

/// The op that does these parts; gamma and beta are the layer's affair.
BatchNormOp batch_norm_parts(const BatchNormParts& parts);

/// Every `piece` samples of a batch, in its order, are normalized by their own statistics, and update the running ones
/// one after another ("ghost batches": Hoffer, Hubara, Soudry 2017, arXiv 1705.08741, algorithm 1).
class GhostBatchNorm : public BatchNorm {
 public:
  /// Error unless piece >= 2.
  GhostBatchNorm(const BatchNorm& norm, Index piece);
  /// In training, Error unless the batch is a multiple of a piece.
  Var forward(Var x, Mode mode) override;
  std::unique_ptr<Layer> clone() const override { return std::make_unique<GhostBatchNorm>(*this); }
  std::string describe() const override { return fmt::format("{} in pieces of {}", BatchNorm::describe(), piece_); }

 private:
  Index piece_;
};

}  // namespace TARE_NAMESPACE
