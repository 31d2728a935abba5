#include <tare/optim/training/train.h>

#include <tare/core/ops/loss.h>
#include <tare/core/tools/inspect.h>
#include <tare/layers/fold.h>
#include <tare/optim/schedule.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

std::unique_ptr<Optimizer> make_optimizer(const Parameters& parameters, const TrainOptions& o) {
  if (o.optimizer == OptimizerKind::sgd) {
    return std::make_unique<Sgd>(parameters, Sgd::Options{.momentum = o.momentum, .weight_decay = o.weight_decay});
  }
  const bool decoupled = o.optimizer == OptimizerKind::adamw;
  return std::make_unique<Adam>(parameters, Adam::Options{.weight_decay = o.weight_decay, .decoupled = decoupled});
}

double learning_rate(const TrainOptions& o, Index step, const TrainingPlan& plan) {
  switch (o.schedule.kind) {
    case ScheduleOptions::Kind::constant:
      break;
    case ScheduleOptions::Kind::step:
      return step_decay(o.lr, step, o.schedule.period * plan.steps_per_epoch, o.schedule.gamma);
    case ScheduleOptions::Kind::cosine:
      return cosine(o.lr, step, plan.steps, o.schedule.warmup);
  }
  return o.lr;
}

// A loss as it is reported. The sign of a NaN is the processor's choice: without it NaN reads alike everywhere.
double reported(double loss) { return std::isnan(loss) ? std::numeric_limits<double>::quiet_NaN() : loss; }

// Counts the seconds between start() and stop().
class Stopwatch {
 public:
  void start() { started_ = Clock::now(); }
  void stop() { seconds_ += std::chrono::duration<double>(Clock::now() - started_).count(); }
  double seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point started_;
  double seconds_ = 0;
};

}  // namespace

Evaluation evaluate(const Sequential& given, const ImageSet& set, Pixels pixels, Tape& tape, const LogitsHook& hook) {
  constexpr Index kChunk = 500;  // samples at a time, so that little memory is needed
  const Sequential model = fold_where_possible(given);
  Evaluation result{.loss = 0, .samples = set.count, .correct = 0, .confusion = {}};
  std::vector<int> labels;
  for (Index begin = 0; begin < set.count; begin += kChunk) {
    const Index size = std::min<Index>(kChunk, set.count - begin);
    tape.clear();
    labels.assign(set.labels.begin() + begin, set.labels.begin() + begin + size);
    Var logits = evaluate(model, gather(set, pixels, begin, size, tape));
    Var loss = softmax_cross_entropy(logits, labels);
    result.loss += static_cast<double>(loss.value()(0, 0)) * static_cast<double>(size);

    const Index classes = logits.cols();
    result.confusion.resize(static_cast<std::size_t>(classes * classes));
    for (Index i = 0; i < size; ++i) {
      const Index label = labels[static_cast<std::size_t>(i)], predicted = predicted_class(logits.value(), i);
      ++result.confusion[static_cast<std::size_t>(label * classes + predicted)];
      result.correct += label == predicted;
    }
    if (hook) hook(logits.value(), begin);
  }
  result.loss = reported(result.loss / static_cast<double>(set.count));
  return result;
}

StepResult training_step(Sequential& model, const Parameters& parameters, Optimizer& optimizer,
                         const StepOptions& options, const Batch& batch) {
  Tape& tape = batch.x.tape();
  const Var logits = model.forward(batch.x, Mode::train);
  const Var loss = softmax_cross_entropy(logits, batch.labels);
  StepResult result{.loss = reported(static_cast<double>(loss.value()(0, 0))),
                    .correct = count_correct(logits.value(), batch.labels),
                    .anomaly = {}};
  result.diverged = !std::isfinite(result.loss);
  if (!result.diverged) {
    zero_grad(parameters);
    tape.backward(loss);
  }
  if (options.detect_anomaly) {
    result.anomaly = first_anomaly(tape).value_or("");
    result.diverged = result.diverged || !result.anomaly.empty();
  }
  if (!result.diverged) {
    if (options.clip) clip_grad_norm(parameters, *options.clip);
    optimizer.step(options.lr, tape.workers());
  }
  return result;
}

TrainingPlan plan_training(const TrainOptions& options, const ImageSet& set) {
  if (options.batch > set.count) {
    throw Error("--batch: expected at most the {} training images, found {}", set.count, options.batch);
  }
  TrainingPlan plan{.steps_per_epoch = static_cast<Index>(set.count) / options.batch,
                    .steps = std::numeric_limits<Index>::max(),
                    .epochs = 0};
  if (options.epochs) plan.steps = *options.epochs * plan.steps_per_epoch;
  if (options.steps) plan.steps = std::min(plan.steps, *options.steps);
  plan.epochs = (plan.steps + plan.steps_per_epoch - 1) / plan.steps_per_epoch;
  return plan;
}

RunState::RunState(Sequential& model, const TrainOptions& options)
    : optimizer(make_optimizer(model.parameters(), options)) {}

TrainingResult train(Sequential& model, const DataSet& data, const TrainOptions& options, Workers& workers,
                     const TrainingHooks& hooks) {
  RunState state(model, options);
  return train(model, state, data, options, workers, hooks);
}

TrainingResult train(Sequential& model, RunState& state, const DataSet& data, const TrainOptions& options,
                     Workers& workers, const TrainingHooks& hooks) {
  const TrainingPlan plan = plan_training(options, data.train);
  Batches batches(data.train, options.pixels, options.batch, options.seed, options.shuffle);
  const Parameters parameters = model.parameters();
  Tape tape(workers), evaluation_tape(workers, Tape::Gradients::none);
  Stopwatch watch;

  // What is known after `step` steps.
  auto record_of = [&](Index step) {
    const Index epoch_steps = (step - 1) % plan.steps_per_epoch + 1;
    const auto steps = static_cast<double>(epoch_steps);
    return StepRecord{
        .step = step,
        .epoch = (step - 1) / plan.steps_per_epoch + 1,
        .lr = learning_rate(options, step - 1, plan),
        .loss = 0,
        .epoch_loss = state.epoch_loss / steps,
        .epoch_accuracy = static_cast<double>(state.epoch_correct) / (steps * static_cast<double>(options.batch)),
        .epoch_steps = epoch_steps,
        .seconds = watch.seconds(),
        .ends_epoch = epoch_steps == plan.steps_per_epoch,
        .ends_training = step == plan.steps,
        .diverged = false,
        .evaluation = nullptr};
  };

  TrainingResult result;
  StepRecord& record = result.last;
  if (state.step > 0) record = record_of(state.step);
  if (state.step == plan.steps && data.test.count > 0) {
    result.evaluation = evaluate(model, data.test, options.pixels, evaluation_tape);
  }
  for (Index step = state.step; step < plan.steps; ++step) {
    result.stopped = hooks.should_stop();
    if (result.stopped) return result;
    result.evaluation.reset();
    watch.start();

    tape.clear();
    const StepOptions step_options{learning_rate(options, step, plan), options.clip, options.detect_anomaly};
    const StepResult done = training_step(model, parameters, *state.optimizer, step_options, batches.at(step, tape));
    result.diverged = done.diverged;
    result.anomaly = done.anomaly;
    if (!done.diverged) state.step = step + 1;

    if (step % plan.steps_per_epoch == 0) state.epoch_loss = 0, state.epoch_correct = 0;
    state.epoch_loss += done.loss;
    state.epoch_correct += done.correct;
    watch.stop();

    record = record_of(step + 1);
    record.loss = done.loss;
    const bool asked = options.eval_every && record.step % *options.eval_every == 0;
    if (!result.diverged && data.test.count > 0 && (asked || record.ends_epoch || record.ends_training)) {
      result.evaluation = evaluate(model, data.test, options.pixels, evaluation_tape);
      record.evaluation = &*result.evaluation;
      if (!std::isfinite(result.evaluation->loss)) {
        result.diverged = true;
        result.anomaly = "the test loss";
      }
    }
    record.diverged = result.diverged;
    record.ends_training = record.ends_training || result.diverged;
    hooks.after_step(record);
    if (result.diverged) {
      result.evaluation.reset();
      return result;
    }
  }
  return result;
}

}  // namespace TARE_NAMESPACE
