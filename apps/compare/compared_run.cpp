// One run of a comparison: trains as `tare train` does, on one thread or more, and takes down what is compared.
#include <tare/apps/compare/compared_run.h>
#include <tare/apps/compare/instruments/instruments.h>
#include <tare/apps/train/make_model.h>
#include <tare/core/tools/layer_statistics.h>
#include <tare/layers/linear.h>
#include <tare/optim/training/train.h>

#include <cmath>
#include <utility>

namespace TARE_NAMESPACE {
namespace {

constexpr Index kImages = 1000;  // at most, of the test set, behind the percentiles

bool is_activation(const Layer& layer) { return dynamic_cast<const Elementwise*>(&layer) != nullptr; }

// Of what the first unit of the last hidden layer passes on to its activation. Nothing without a hidden layer, or if it
// is inside of another layer.
std::optional<Percentiles> input_percentiles(const Sequential& model, const ImageSet& set, Pixels pixels, Tape& tape) {
  std::size_t last = model.size();
  while (last > 0 && !is_activation(model[last - 1])) --last;
  if (last == 0) return std::nullopt;
  tape.clear();
  Var x = gather(set, pixels, 0, std::min<Index>(kImages, set.count), tape);
  for (std::size_t i = 0; i + 1 < last; ++i) x = evaluate(model[i], x);

  std::vector<double> values;
  for (Index i = 0; i < x.rows(); ++i) values.push_back(static_cast<double>(x.value()(i, 0)));
  const auto percentile = [&](int p) {
    const auto at = values.begin() + std::ssize(values) * p / 100;
    std::ranges::nth_element(values, at);
    return *at;
  };
  return Percentiles{percentile(15), percentile(50), percentile(85)};
}

double largest(const Parameter& p) { return static_cast<double>(p.grad.cwiseAbs().maxCoeff()); }

void raise(std::optional<double>& maximum, double x) { maximum = std::max(maximum.value_or(0), x); }

void take_bias_gradients(const Sequential& model, Run& run) {
  const std::vector<const Layer*> layers = innermost_layers(model);
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    const auto* linear = dynamic_cast<const Linear*>(layers[i]);
    const auto* batch_norm = dynamic_cast<const BatchNorm*>(layers[i + 1]);
    if (linear == nullptr || batch_norm == nullptr || !linear->bias) continue;
    raise(run.largest_bias_gradient, largest(*linear->bias));
    raise(run.largest_beta_gradient, largest(batch_norm->beta));
  }
}

}  // namespace

std::optional<Run> compared_run(const RunRequest& request, const DataSet& data, const StopHook& should_stop) {
  TrainOptions options = request.options;
  options.network.in = data.train.features();
  options.network.out = data.classes;
  Sequential model = make_model(options);
  Workers workers(options.threads);
  Tape tape(workers, Tape::Gradients::none);
  const RunSetting setting{options, request.settings, data, workers};
  const std::unique_ptr<Instrument> instrument = make_instrument(request.measure, setting);
  if (instrument) instrument->start(model);

  Run run;
  run.parameters = count_parameters(model);
  if (instrument && !instrument->trains()) {
    run.measured = instrument->measured;
    return run;
  }
  const TrainingPlan plan = plan_training(options, data);
  Index step = 0;
  std::optional<LayerProbe> probe;
  TrainingHooks hooks;
  hooks.should_stop = [&] { return should_stop(step); };
  hooks.before_update = [&](std::int64_t s, const Tape& training_tape, bool diverged) {
    if (instrument && !diverged) instrument->before_update(s, training_tape);
    const bool evaluated = s % options.eval_every.value_or(plan.steps) == 0 || s % plan.steps_per_epoch == 0;
    if (request.layers && (evaluated || diverged || s == plan.steps)) probe.emplace(training_tape);
  };
  if (!instrument && !request.layers) hooks.before_update = {};
  hooks.after_step = [&](const StepRecord& s) {
    step = s.step;
    if (instrument && !s.diverged) instrument->after_step(s.step);
    if (std::isfinite(s.loss)) take_bias_gradients(model, run);
    if (s.evaluation == nullptr && !s.ends_training) return;
    CurvePoint point{.step = s.step,
                     .epoch = s.epoch,
                     .train_loss = s.loss,
                     .test_loss = std::nullopt,
                     .test_accuracy = std::nullopt,
                     .seconds = s.seconds,
                     .input = std::nullopt,
                     .train_accuracy = s.accuracy,
                     .epoch_loss = s.epoch_loss,
                     .epoch_accuracy = s.epoch_accuracy,
                     .validation_loss = std::nullopt,
                     .validation_accuracy = std::nullopt};
    if (s.evaluation != nullptr) {
      point.test_loss = s.evaluation->loss;
      point.test_accuracy = s.evaluation->accuracy();
      point.input = input_percentiles(model, data.test, options.pixels, tape);
    }
    if (s.validation != nullptr) {
      point.validation_loss = s.validation->loss;
      point.validation_accuracy = s.validation->accuracy();
    }
    run.curve.push_back(point);
    if (!probe) return;
    for (LayerRow& row : layer_rows(s.step, *probe, model)) run.layers.push_back(std::move(row));
  };
  std::unique_ptr<Optimizer> optimizer = instrument ? instrument->optimizer() : nullptr;
  RunState state = optimizer ? RunState(std::move(optimizer)) : RunState(model, options);
  const TrainingResult result = train(model, state, training_data(data, options.pixels), options, workers, hooks);
  if (result.stopped) return std::nullopt;
  run.diverged = result.diverged;
  run.train_accuracy = result.last.epoch_accuracy;
  run.seconds = result.last.seconds;
  if (instrument) {
    if (!run.diverged) instrument->finish();
    run.measured = instrument->measured;
  }
  return run;
}

}  // namespace TARE_NAMESPACE
