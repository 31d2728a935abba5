#include <tare/apps/train/make_model.h>

#include <tare/apps/cli/names.h>
#include <tare/apps/train/batch_norm_variants.h>
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

namespace {

void use_pieces(Sequential& model, Index piece) {
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (auto* inner = dynamic_cast<Sequential*>(&model[i])) use_pieces(*inner, piece);
    if (const auto* norm = dynamic_cast<const BatchNorm*>(&model[i])) {
      model.replace(i, std::make_unique<GhostBatchNorm>(*norm, piece));
    }
  }
}

}  // namespace

Sequential make_model(const TrainOptions& options) {
  const bool fused = options.batch_norm == BatchNormKind::fused;
  const BatchNormOp op = fused ? batch_norm_parts(options.network.parts) : batch_norm_op(options.batch_norm);
  Sequential model = make_mlp(options.network, options.seed, op);
  if (options.ghost) use_pieces(model, *options.ghost);
  return model;
}

TrainingPlan plan_training(const TrainOptions& options, const DataSet& data) {
  const bool table = data.train.is_table();
  if (options.batch > data.train.count) {
    throw Error("--batch: expected at most the {} training {}, found {}", data.train.count, table ? "rows" : "images",
                options.batch);
  }
  if (table && options.augment.any())
    throw UsageError("--augment: expected images to distort, found a table of numbers");
  if (table && options.pixels != Pixels::standard) {
    throw UsageError("--pixels: expected only with images, found {} with a table of numbers, which are standardized",
                     name_in(kPixels, options.pixels));
  }
  check_augment("--augment", options.augment, data.train.rows, data.train.cols);
  return plan_training(options, data.train.count);
}

std::vector<std::string> doubts(const TrainOptions& options, const TrainingPlan& plan) {
  using Kind = ScheduleOptions::Kind;
  const ScheduleOptions& schedule = options.schedule;
  std::vector<std::string> all;
  if (options.lr == 0) all.emplace_back("--lr 0: nothing is learned");
  if (schedule.kind == Kind::step && schedule.gamma == 0 && schedule.period < plan.epochs) {
    all.push_back(
        fmt::format("--schedule step:{},0: nothing is learned after epoch {}", schedule.period, schedule.period));
  }
  if (schedule.kind == Kind::cosine && schedule.warmup > plan.steps) {
    all.push_back(
        fmt::format("--schedule cosine:{}: the warm-up is longer than the run of {} steps; --lr is never "
                    "reached",
                    schedule.warmup, plan.steps));
  }
  return all;
}

}  // namespace TARE_NAMESPACE
