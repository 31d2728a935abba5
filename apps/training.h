// The one training loop: a batch, forward, backward, update, and now and then an evaluation. It prints nothing; the
// caller's hooks see every step.
#pragma once

#include "apps/log_file.h"
#include "apps/options.h"
#include "datasets/images.h"
#include "layers/sequential.h"

#include <functional>

namespace TARE_NAMESPACE {

struct Evaluation {
  double loss;  // mean cross-entropy in nats
  std::int64_t samples, correct;
  std::vector<std::int64_t> confusion;  // classes x classes: [label * classes + prediction]

  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

/// Every sample of the set, in evaluation mode. `tape` must record no gradients. Error if a label is beyond the model's classes.
Evaluation evaluate(Sequential& model, const ImageSet& set, Pixels pixels, Tape& tape);

struct StepRecord {
  std::int64_t step, epoch;  // from 1
  double lr;
  double loss;                        // of this batch, before the update
  double epoch_loss, epoch_accuracy;  // means over this epoch so far, in training
  std::int64_t epoch_steps;           // so far
  double seconds;                     // of training so far, without evaluation
  bool ends_epoch, ends_training;
  const Evaluation* evaluation;  // after the update, where there was one
};

struct TrainingHooks {
  std::function<void(const StepRecord&)> after_step;
  std::function<bool()> should_stop;  // asked before every step
};

struct TrainingResult {
  StepRecord last{};  // its loss is not finite if training diverged; then that step made no update
  std::optional<Evaluation>
      evaluation;  // of the finished model; absent if training was stopped or diverged, or without a test set
  bool stopped = false;
  bool diverged = false;
  std::string anomaly;  // where the first number that is not finite came from, if that was asked for
};

struct TrainingPlan {
  Index steps_per_epoch, steps, epochs;
};

/// How long the options will train. Error if the data is smaller than a batch.
TrainingPlan plan_training(const TrainOptions& options, const ImageSet& set);

TrainingResult train(Sequential& model, const DataSet& data, const TrainOptions& options, const TrainingHooks& hooks);

}  // namespace TARE_NAMESPACE
