#include <tare/optim/training/train.h>

#include <tare/core/ops/loss.h>
#include <tare/core/tools/inspect.h>
#include <tare/optim/schedule.h>

#include <chrono>
#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

// The parameters that are no weight of a Linear: one-dimensional, as a saved model shows them.
Parameters vectors_of(Layer& model) {
  Parameters vectors = model.parameters();
  for (const StateTensor& tensor : model.state()) {
    const auto* numbers = std::get_if<MatrixMap>(&tensor.data);
    if (numbers == nullptr || tensor.shape.size() != 2) continue;
    std::erase_if(vectors, [&](const Parameter* p) { return p->value.data() == numbers->data(); });
  }
  return vectors;
}

std::unique_ptr<Optimizer> make_optimizer(Layer& model, const TrainingOptions& o) {
  const Parameters parameters = trained_parameters(model);
  const Parameters undecayed = o.decay == Decay::weights ? vectors_of(model) : Parameters{};
  if (o.optimizer == OptimizerKind::sgd) {
    return std::make_unique<Sgd>(
        parameters, Sgd::Options{.momentum = o.momentum, .weight_decay = o.weight_decay, .undecayed = undecayed});
  }
  return std::make_unique<Adam>(parameters, Adam::Options{.weight_decay = o.weight_decay,
                                                          .decoupled = o.optimizer == OptimizerKind::adamw,
                                                          .undecayed = undecayed});
}

double learning_rate(const TrainingOptions& o, std::int64_t step, const TrainingPlan& plan) {
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

void note_best(RunState& state, const Layer& model, const std::optional<Evaluation>& validation, Keep keep) {
  if (!validation || (state.best && validation->loss >= state.best->loss)) return;
  state.best = Best{.loss = validation->loss, .step = state.step};
  if (keep == Keep::best) state.best->model = model.clone();
}

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

// Gives a model what another one of the same layers has learned.
void copy_state(const Layer& from, Layer& to) {
  const std::vector<ConstStateTensor> source = state_of(from);
  std::vector<StateTensor> target = to.state();
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (auto* matrix = std::get_if<MatrixMap>(&target[i].data)) {
      *matrix = std::get<View>(source[i].data);
    } else if (const auto* count = std::get_if<std::int64_t*>(&target[i].data)) {
      **count = *std::get<const std::int64_t*>(source[i].data);
    } else {
      *std::get<std::uint64_t*>(target[i].data) = *std::get<const std::uint64_t*>(source[i].data);
    }
  }
}

}  // namespace

TrainingData training_data(const DataSet& data, Pixels pixels) {
  TrainingData both{Samples(data.train, pixels)};
  if (data.test.count > 0) both.test.emplace(data.test, pixels);
  return both;
}

StepResult training_step(Layer& model, const Parameters& parameters, Optimizer& optimizer, const StepOptions& options,
                         const Batch& batch, const Loss& loss_of, const TapeHook& before_update) {
  Tape& tape = batch.x.tape();
  const Var output = model.forward(batch.x, Mode::train);
  const Var loss = loss_of(output, batch);
  StepResult result{.loss = reported(static_cast<double>(loss.item())),
                    .correct = is_classified(output, batch) ? count_correct(output.value(), batch.labels) : 0,
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
  if (before_update) before_update(tape, result.diverged);
  if (!result.diverged) {
    if (options.clip) clip_grad_norm(parameters, *options.clip);
    optimizer.step(options.lr, tape.workers());
  }
  return result;
}

TrainingPlan plan_training(const TrainingOptions& options, Index samples) {
  if (options.batch < 1 || options.batch > samples) {
    throw Error("batch: expected 1 to {} training samples, found {}", samples, options.batch);
  }
  if (!options.epochs && !options.steps) throw Error("training: expected a number of epochs or steps, found neither");
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  TrainingPlan plan{.steps_per_epoch = samples / options.batch, .steps = kMost, .epochs = 0};
  const auto check_count = [](const char* name, std::optional<std::int64_t> count, std::int64_t most) {
    check(!count || (*count >= 1 && *count <= most), name, fmt::format("1 to {}", most).c_str(), count.value_or(0));
  };
  check_count("training: epochs", options.epochs, kMost / plan.steps_per_epoch);
  check_count("training: steps", options.steps, kMost);
  check_count("training: eval_every", options.eval_every, kMost);
  check_count("training: schedule: period", options.schedule.period, kMost / plan.steps_per_epoch);
  if (options.epochs) plan.steps = *options.epochs * plan.steps_per_epoch;
  if (options.steps) plan.steps = std::min(plan.steps, *options.steps);
  plan.epochs = (plan.steps + plan.steps_per_epoch - 1) / plan.steps_per_epoch;
  return plan;
}

RunState::RunState(Layer& model, const TrainingOptions& options) : RunState(make_optimizer(model, options)) {}

RunState::RunState(std::unique_ptr<Optimizer> optimizer_) : optimizer(std::move(optimizer_)) {
  if (optimizer == nullptr) throw Error("training: expected an optimizer, found none");
}

bool is_finished(const RunState& state, const TrainingOptions& options, const TrainingPlan& plan) {
  if (state.step >= plan.steps) return true;
  if (!options.patience || !state.best || state.step % plan.steps_per_epoch != 0) return false;
  const std::int64_t epoch_of_best = (state.best->step - 1) / plan.steps_per_epoch + 1;
  return state.step / plan.steps_per_epoch - epoch_of_best >= *options.patience;
}

TrainingResult train(Layer& model, const TrainingData& data, const TrainingOptions& options, Workers& workers,
                     const TrainingHooks& hooks) {
  RunState state(model, options);
  TrainingResult result = train(model, state, data, options, workers, hooks);
  if (&state.kept(model) != &model) copy_state(state.kept(model), model);
  return result;
}

TrainingResult train(Layer& model, RunState& state, const TrainingData& data, const TrainingOptions& options,
                     Workers& workers, const TrainingHooks& hooks) {
  const TrainingPlan plan = plan_training(options, data.train.count());
  if (!data.validation && (options.keep == Keep::best || options.patience)) {
    throw Error("training: keep, patience: expected samples for validation, found none");
  }
  Batches batches(data.train, options.batch, options.seed, options.shuffle, options.augment, options.noise);
  const Parameters parameters = trained_parameters(model);
  Tape tape(workers), evaluation_tape(workers, Tape::Gradients::none);
  Stopwatch watch;

  // What is known after `step` steps.
  auto record_of = [&](std::int64_t step) {
    const std::int64_t epoch_steps = (step - 1) % plan.steps_per_epoch + 1;
    const auto steps = static_cast<double>(epoch_steps);
    return StepRecord{
        .step = step,
        .epoch = (step - 1) / plan.steps_per_epoch + 1,
        .lr = learning_rate(options, step - 1, plan),
        .loss = 0,
        .accuracy = 0,
        .epoch_loss = state.epoch_loss / steps,
        .epoch_accuracy = static_cast<double>(state.epoch_correct) / (steps * static_cast<double>(options.batch)),
        .epoch_steps = epoch_steps,
        .seconds = watch.seconds(),
        .ends_epoch = epoch_steps == plan.steps_per_epoch,
        .ends_training = is_finished(state, options, plan),
        .diverged = false,
        .evaluation = nullptr,
        .validation = nullptr};
  };

  TapeHook before_update;
  if (hooks.before_update) {
    before_update = [&](const Tape& t, bool diverged) { hooks.before_update(state.step + 1, t, diverged); };
  }

  TrainingResult result;
  StepRecord& record = result.last;
  if (state.step > 0) record = record_of(state.step);
  const auto forget_scores = [&] { result.evaluation = result.validation = std::nullopt; };
  const auto score = [&](const Layer& layer) {
    const auto scores_on = [&](const std::optional<Samples>& samples) -> std::optional<Evaluation> {
      if (!samples) return std::nullopt;
      return evaluate(layer, *samples, evaluation_tape, {}, hooks.loss);
    };
    result.evaluation = scores_on(data.test);
    result.validation = scores_on(data.validation);
  };
  for (Index step = state.step; !is_finished(state, options, plan); ++step) {
    result.stopped = hooks.should_stop && hooks.should_stop();
    if (result.stopped) {
      if (options.keep == Keep::best) forget_scores();
      return result;
    }
    forget_scores();
    watch.start();

    tape.clear();
    const StepOptions step_options{learning_rate(options, step, plan), options.clip, options.detect_anomaly};
    const StepResult done = training_step(model, parameters, *state.optimizer, step_options, batches.at(step, tape),
                                          hooks.loss, before_update);
    result.diverged = done.diverged;
    result.anomaly = done.anomaly;
    if (!done.diverged) state.step = step + 1;

    if (step % plan.steps_per_epoch == 0) state.epoch_loss = 0, state.epoch_correct = 0;
    state.epoch_loss += done.loss;
    state.epoch_correct += done.correct;
    watch.stop();

    record = record_of(step + 1);
    record.loss = done.loss;
    record.accuracy = static_cast<double>(done.correct) / static_cast<double>(options.batch);
    const bool asked = options.eval_every && record.step % *options.eval_every == 0;
    if (!result.diverged && (asked || record.ends_epoch || record.ends_training)) {
      score(model);
      for (const auto& [scores, name] :
           {std::pair(&result.evaluation, "the test loss"), {&result.validation, "the validation loss"}}) {
        if (!*scores || std::isfinite((*scores)->loss) || result.diverged) continue;
        result.diverged = true;
        result.anomaly = name;
      }
      if (!result.diverged) note_best(state, model, result.validation, options.keep);
      if (result.evaluation) record.evaluation = &*result.evaluation;
      if (result.validation) record.validation = &*result.validation;
    }
    record.diverged = result.diverged;
    record.ends_training = result.diverged || is_finished(state, options, plan);
    if (hooks.after_step) hooks.after_step(record);
    if (result.diverged) {
      forget_scores();
      return result;
    }
  }
  const bool scored = result.evaluation || result.validation;
  if (!scored || &state.kept(model) != &model) score(state.kept(model));
  return result;
}

}  // namespace TARE_NAMESPACE
