// The networks and the trainings that options describe.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/layers/sequential.h>
#include <tare/optim/training/train.h>

#include <string>
#include <vector>

namespace TARE_NAMESPACE {

/// What --batchnorm names.
BatchNormOp batch_norm_op(BatchNormKind kind);

/// At its initial weights. Its sizes of input and output must be set.
Sequential make_model(const TrainOptions& options);

/// How long they train. Error, naming --batch, if the data is smaller than a batch; naming --augment, if its images
/// cannot be distorted so far; UsageError if it has none and an option is for images.
TrainingPlan plan_training(const TrainOptions& options, const DataSet& data);

/// What may be asked for and can hardly be meant, a sentence each: a learning rate of 0, say.
std::vector<std::string> doubts(const TrainOptions& options, const TrainingPlan& plan);

}  // namespace TARE_NAMESPACE
