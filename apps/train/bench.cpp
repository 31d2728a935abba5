// tare bench: how long an epoch of a fixed network takes, to compare with other frameworks. It times the training
// loop that `tare train` runs, without its evaluations. Single ops are timed by tests/bench.
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/train/commands.h>
#include <tare/apps/train/make_model.h>
#include <tare/apps/train/works.h>
#include <tare/optim/training/train.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>

namespace TARE_NAMESPACE {
namespace {

// Of the products alone: two operations for each weight and sample, forward and in both gradients; the images need
// none.
double operations_per_sample(const MlpOptions& network) {
  double operations = 0;
  Index in = network.in;
  auto add_layer = [&](Index out, int products) {
    operations += 2.0 * products * static_cast<double>(in * out);
    in = out;
  };
  for (std::size_t i = 0; i < network.hidden.size(); ++i) add_layer(network.hidden[i], i == 0 ? 2 : 3);
  add_layer(network.out, 3);
  return operations;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

}  // namespace

int run_bench(const BenchOptions& options) {
  watch_signals();
  const std::filesystem::path folder = find_data(options.data);
  DataSet data = load_data(folder);
  data.test = {};  // nothing to evaluate on
  TrainOptions training = options_of(options.work, data.train.features(), data.classes);
  training.epochs = options.epochs;
  training.threads = options.threads;
  const char* work = name_of(options.work);
  if (training.batch > data.train.count) {
    throw Error("--work: {} needs at least {} training images, {} has {}", work, training.batch, folder.string(),
                data.train.count);
  }
  Sequential model = make_model(training);
  const TrainingPlan plan = plan_training(training, data);
  Progress progress(options.quiet);
  const std::string network = fmt::format("{}: {}; batch {}, {} steps an epoch", work, model.describe(), training.batch,
                                          grouped(plan.steps_per_epoch));
  progress.line("{}", network);

  std::vector<double> seconds;  // of each epoch
  double before = 0;
  TrainingHooks hooks;
  hooks.should_stop = [] { return stop_signal() != 0; };
  hooks.after_step = [&](const StepRecord& s) {
    if (!s.ends_epoch) return;
    seconds.push_back(s.seconds - before);
    before = s.seconds;
    progress.line("epoch {}/{}: {:.3f} s, loss {:.4f}", s.epoch, plan.epochs, seconds.back(), s.epoch_loss);
  };
  Workers workers(options.threads);
  const TrainingResult result = train(model, training_data(data, training.pixels), training, workers, hooks);
  if (result.diverged) {
    print_error(fmt::format("the loss is {} in step {}: training has diverged", result.last.loss, result.last.step));
    return 3;
  }
  if (result.stopped) {
    progress.line("Stopped by signal {} after step {} of {}", stop_signal(), result.last.step, plan.steps);
    return 128 + stop_signal();
  }

  // The first epoch pays for memory that is touched for the first time.
  const std::span<const double> steady = std::span(seconds).subspan(seconds.size() > 1 ? 1 : 0);
  const double per_epoch = median({steady.begin(), steady.end()});
  const double samples = static_cast<double>(plan.steps_per_epoch * training.batch) / per_epoch;
  const double gflops = samples * operations_per_sample(training.network) / 1e9;
  if (options.json) {
    nlohmann::ordered_json out;
    out["work"] = work;
    out["data"] = folder.string();
    out["threads"] = options.threads;
    out["epochs"] = seconds.size();
    out["seconds_per_epoch"] = per_epoch;
    out["epoch_seconds"] = seconds;
    out["samples_per_second"] = samples;
    out["gflops"] = gflops;
    out["batch"] = training.batch;
    out["steps_per_epoch"] = plan.steps_per_epoch;
    out["train_loss"] = result.last.epoch_loss;
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  fmt::print("{} with {} thread{}: {:.4g} s an epoch, {} samples/s, {:.4g} GFLOP/s\n", work, options.threads,
             options.threads == 1 ? "" : "s", per_epoch, grouped(static_cast<std::int64_t>(samples)), gflops);
  if (seconds.size() > 1) {
    const auto [fastest, slowest] = std::ranges::minmax(steady);
    fmt::print("The median of {} epochs after the first, which took {:.4g} to {:.4g} s\n", steady.size(), fastest,
               slowest);
  }
  return 0;
}

}  // namespace TARE_NAMESPACE
