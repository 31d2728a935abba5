// The one training loop: a batch, forward, backward, update, and now and then an evaluation. It prints nothing; the
// caller's hooks see every step.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/datasets/batches.h>
#include <tare/layers/sequential.h>
#include <tare/optim/optimizer.h>

#include <functional>
#include <memory>

namespace TARE_NAMESPACE {

struct Evaluation {
  double loss;  // mean cross-entropy in nats
  std::int64_t samples, correct;
  std::vector<std::int64_t> confusion;  // classes x classes: [label * classes + prediction]

  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

/// Is shown the logits of consecutive samples from `begin` on.
using LogitsHook = std::function<void(const View& logits, Index begin)>;

/// Every sample of the set, in evaluation mode. BatchNorm is folded away (layers/fold.h): the same numbers to rounding,
/// in less time. `tape` must record no gradients. Error if a label is beyond the model's classes.
Evaluation evaluate(const Sequential& model, const ImageSet& set, Pixels pixels, Tape& tape,
                    const LogitsHook& hook = {});

struct StepOptions {
  double lr;
  std::optional<double> clip = {};  // the norm of all gradients
  bool detect_anomaly = false;
};

struct StepResult {
  double loss;            // of the batch, before the update
  Index correct;          // samples of the batch that were classified correctly
  bool diverged = false;  // a number is not finite, and no update was made
  std::string anomaly;    // with `detect_anomaly`, where the first such number came from
};

/// One step of training on a batch, on the tape that holds it: forward, backward, update. `parameters` are the
/// model's, which are the optimizer's, too.
StepResult training_step(Sequential& model, const Parameters& parameters, Optimizer& optimizer,
                         const StepOptions& options, const Batch& batch);

struct StepRecord {
  std::int64_t step, epoch;  // from 1
  double lr;
  double loss;                        // of this batch, before the update
  double epoch_loss, epoch_accuracy;  // means over this epoch so far, in training
  std::int64_t epoch_steps;           // so far
  double seconds;                     // of training so far, without evaluation
  bool ends_epoch, ends_training;
  bool diverged;                 // a number was not finite: the model is no good any more
  const Evaluation* evaluation;  // after the update, where there was one
};

struct TrainingHooks {
  std::function<void(const StepRecord&)> after_step;
  std::function<bool()> should_stop;  // asked before every step
};

struct TrainingResult {
  StepRecord last{};  // if its loss or, with `detect_anomaly`, a gradient is not finite, that step made no update
  std::optional<Evaluation> evaluation;  // of the finished model; absent if stopped or diverged, or without a test set
  bool stopped = false;
  bool diverged = false;
  std::string anomaly;  // where the first number that is not finite came from, if that was asked for
};

struct TrainingPlan {
  Index steps_per_epoch, steps, epochs;
};

/// How long the options will train. Error if the data is smaller than a batch.
TrainingPlan plan_training(const TrainOptions& options, const ImageSet& set);

/// Where a run stands, besides its model: with both, training goes on exactly as if it had never stopped.
struct RunState {
  /// At the start. Borrows the model's parameters.
  RunState(Sequential& model, const TrainOptions& options);

  std::unique_ptr<Optimizer> optimizer;
  std::int64_t step = 0;           // updates made
  double epoch_loss = 0;           // sum over the steps of the epoch so far
  std::int64_t epoch_correct = 0;  // samples of the epoch so far that were classified correctly, in training
};

/// From where `state` stands to the end of the plan, its loops split over the workers. When a hook is called, `state`
/// and the model are those after the step.
TrainingResult train(Sequential& model, RunState& state, const DataSet& data, const TrainOptions& options,
                     Workers& workers, const TrainingHooks& hooks);
/// From the start.
TrainingResult train(Sequential& model, const DataSet& data, const TrainOptions& options, Workers& workers,
                     const TrainingHooks& hooks);

}  // namespace TARE_NAMESPACE
