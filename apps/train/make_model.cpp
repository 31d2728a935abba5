#include <tare/apps/train/make_model.h>

#include <tare/apps/train/diagonal_gradient.h>

namespace TARE_NAMESPACE {

BatchNormOp batch_norm_op(BatchNormKind kind) {
  switch (kind) {
    case BatchNormKind::fused:
      break;
    case BatchNormKind::composed:
      return batch_norm_composed;
    case BatchNormKind::diagonal:
      return batch_norm_diagonal_gradient;
  }
  return batch_norm;
}

Sequential make_model(const TrainOptions& options) {
  return make_mlp(options.network, options.seed, batch_norm_op(options.batch_norm));
}

TrainingPlan plan_training(const TrainOptions& options, const DataSet& data) {
  if (options.batch > data.train.count) {
    throw Error("--batch: expected at most the {} training images, found {}", data.train.count, options.batch);
  }
  return plan_training(options, data.train.count);
}

}  // namespace TARE_NAMESPACE
