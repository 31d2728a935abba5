// The one training loop: a batch, forward, backward, update, and now and then an evaluation. It prints nothing; the
// caller's hooks see every step.
//
//   const DataSet data = load_data("digits");
//   Sequential model = make_mlp({.in = data.train.features(), .hidden = {256, 128}, .out = data.classes}, 1);
//   Workers workers(2);
//   const TrainingResult result =
//       train(model, training_data(data, Pixels::standard), {.lr = 0.05, .epochs = 5}, workers);
//   result.evaluation->accuracy() is what was to be known.
#pragma once

#include <tare/optim/optimizer.h>
#include <tare/optim/training/evaluate.h>
#include <tare/optim/training/training_options.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace TARE_NAMESPACE {

/// What is trained on and, if there is anything, what it is evaluated on. By its validation loss a model may be chosen.
struct TrainingData {
  Samples train;
  std::optional<Samples> test = {}, validation = {};
};
/// Borrows the images.
TrainingData training_data(const DataSet& data, Pixels pixels);
TrainingData training_data(DataSet&&, Pixels) = delete;

struct StepOptions {
  double lr;
  std::optional<double> clip = {};  // the norm of all gradients
  bool detect_anomaly = false;
};

struct StepResult {
  double loss;            // of the batch, before the update
  Index correct;          // samples of the batch that were classified correctly; 0 without labels
  bool diverged = false;  // a number is not finite, and no update was made
  std::string anomaly;    // with `detect_anomaly`, where the first such number came from
};

/// Looks at the tape of a step, when its gradients are there and before the update. Of a step that diverged, which has
/// no update, gradients may be missing.
using TapeHook = std::function<void(const Tape& tape, bool diverged)>;

/// One step of training on a batch, on the tape that holds it: forward, backward, update. `parameters` are those of the
/// model that are trained, which are the optimizer's, too.
StepResult training_step(Layer& model, const Parameters& parameters, Optimizer& optimizer, const StepOptions& options,
                         const Batch& batch, const Loss& loss = default_loss, const TapeHook& before_update = {});

struct StepRecord {
  std::int64_t step, epoch;  // from 1
  double lr;
  double loss, accuracy;              // of this batch, before the update
  double epoch_loss, epoch_accuracy;  // means over this epoch so far, in training
  std::int64_t epoch_steps;           // so far
  double seconds;                     // of training so far, without evaluation
  bool ends_epoch, ends_training;
  bool diverged;                 // a number was not finite: the model is no good any more
  const Evaluation* evaluation;  // after the update, where there was one
  const Evaluation* validation;  // likewise
};

/// What the caller adds to the loop; each may be missing.
struct TrainingHooks {
  std::function<void(const StepRecord&)> after_step = {};
  std::function<bool()> should_stop = {};  // asked before every step
  /// A TapeHook for a step, counted from 1.
  std::function<void(std::int64_t step, const Tape& tape, bool diverged)> before_update = {};
  Loss loss = default_loss;
};

struct TrainingResult {
  StepRecord last{};  // if its loss or, with `detect_anomaly`, a gradient is not finite, that step made no update
  std::optional<Evaluation> evaluation;  // of the kept model; absent if stopped or diverged, or without a test set
  std::optional<Evaluation> validation;  // likewise
  bool stopped = false;
  bool diverged = false;
  std::string anomaly;  // where the first number that is not finite came from, if that was asked for
};

struct TrainingPlan {
  std::int64_t steps_per_epoch, steps, epochs;
};

/// How long the options will train on so many samples. Error, naming the field, if there are fewer than a batch, if no end
/// is set, or if a count is out of its range.
TrainingPlan plan_training(const TrainingOptions& options, Index samples);

/// Where the validation loss was lowest so far; of equals, the first.
struct Best {
  double loss;
  std::int64_t step;
  std::unique_ptr<Layer> model = {};  // as it was then; only with Keep::best
};

/// Where a run stands, besides its model: with both, training goes on exactly as if it had never stopped.
struct RunState {
  /// At the start, with the optimizer that the options name, or with one of the caller's own. Both borrow the model's
  /// trained parameters.
  RunState(Layer& model, const TrainingOptions& options);
  explicit RunState(std::unique_ptr<Optimizer> optimizer);

  std::unique_ptr<Optimizer> optimizer;
  std::int64_t step = 0;           // updates made
  double epoch_loss = 0;           // sum over the steps of the epoch so far
  std::int64_t epoch_correct = 0;  // samples of the epoch so far that were classified correctly, in training
  std::optional<Best> best = {};   // absent before the first validation

  /// The best model, or else the one that is trained.
  const Layer& kept(const Layer& model) const { return best && best->model ? *best->model : model; }
};

/// Whether the plan or the patience has come to its end.
bool is_finished(const RunState& state, const TrainingOptions& options, const TrainingPlan& plan);

/// From where `state` stands to the end of the plan, its loops split over the workers. When a hook is called, `state`
/// and the model are those after the step.
TrainingResult train(Layer& model, RunState& state, const TrainingData& data, const TrainingOptions& options,
                     Workers& workers, const TrainingHooks& hooks = {});
/// From the start; then the model is the kept one.
TrainingResult train(Layer& model, const TrainingData& data, const TrainingOptions& options, Workers& workers,
                     const TrainingHooks& hooks = {});

}  // namespace TARE_NAMESPACE
