// tare train: trains one network, evaluates it, saves it if asked to; or goes on with a run from its checkpoint.
#include "apps/cli/commands.h"
#include "apps/cli/distinct_files.h"
#include "apps/cli/progress.h"
#include "apps/train/checkpoint.h"
#include "apps/train/log_file.h"
#include "apps/train/make_model.h"
#include "apps/train/regions.h"
#include "apps/train/training.h"
#include "core/machine/file.h"
#include "layers/files/model_file.h"
#include "layers/linear.h"

#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::ordered_json;

// How many biases the rule has dropped: one for every output of a Linear without one.
std::int64_t count_dropped_biases(const Sequential& model) {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const auto* linear = dynamic_cast<const Linear*>(&model[i]);
    if (linear != nullptr && !linear->bias) n += linear->weight.value.rows();
  }
  return n;
}

// Values, gradients and up to two numbers of optimizer state for every parameter must fit into memory.
void check_memory(const MlpOptions& network) {
  double numbers = 0, in = static_cast<double>(network.in);
  for (Index width : network.hidden) {
    numbers += in * static_cast<double>(width);
    in = static_cast<double>(width);
  }
  const double needed = 4 * sizeof(real) * (numbers + in * static_cast<double>(network.out));
  const double available = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  if (needed > available) {
    throw Error("--hidden: a network of this size needs {:.0f} GB to train, this machine has {:.0f} GB", needed / 1e9,
                available / 1e9);
  }
}

std::string widths(const MlpOptions& network) {
  std::string text = fmt::format("{}", network.in);
  for (Index width : network.hidden) text += fmt::format(" - {}", width);
  return text + fmt::format(" - {}", network.out);
}

// A notice of what is trained on, so that the wrong data is seen at once.
void announce(Progress& progress, const std::filesystem::path& folder, const DataSet& data, const TrainOptions& options,
              const TrainingPlan& plan) {
  progress.line("Data: {}: {} training and {} test images of {} x {}, {} classes", data_name(options.data, folder),
                grouped(data.train.count), grouped(data.test.count), data.train.rows, data.train.cols, data.classes);
  if (const Index dropped = data.train.count % options.batch; dropped != 0) {
    progress.line("Each epoch drops its last {} samples: {} = {} batches of {} + {}", dropped,
                  grouped(data.train.count), grouped(plan.steps_per_epoch), options.batch, dropped);
  }
}

void save(const TrainOptions& options, const Sequential& model) {
  Safetensors contents = state_tensors(model);
  contents.metadata = {{"format", "pt"},
                       {"activation", name_of(options.network.activation)},
                       {"pixels", name_of(options.pixels)},
                       {"network", model.describe()}};
  write_safetensors(options.save, contents);
}

bool all_finite(const Sequential& model) {
  return std::ranges::all_of(state_of(model), [](const ConstStateTensor& tensor) {
    const auto* numbers = std::get_if<View>(&tensor.data);
    return numbers == nullptr || numbers->allFinite();
  });
}

// The log of a new run, or of one that goes on, brought back to where the checkpoint left it.
LogFile open_log(const TrainOptions& options, const RunState& state, const std::optional<LogPosition>& position,
                 Progress& progress) {
  if (position && std::filesystem::is_regular_file(options.log)) return {options.log, *position};
  LogFile log(options.log);
  if (state.step > 0) progress.line("{} is new: its rows begin after step {}", options.log, grouped(state.step));
  return log;
}

ordered_json number(double x) { return std::isfinite(x) ? ordered_json(x) : ordered_json(nullptr); }

void print_json(const TrainOptions& options, const TrainingResult& result, const Sequential& model) {
  const std::optional<Evaluation>& test = result.evaluation;
  ordered_json out;
  out["test_accuracy"] = test ? number(test->accuracy()) : nullptr;
  out["test_loss"] = test ? number(test->loss) : nullptr;
  out["train_loss"] = result.last.step > 0 ? number(result.last.epoch_loss) : nullptr;
  out["train_accuracy"] = result.last.step > 0 ? number(result.last.epoch_accuracy) : nullptr;
  out["steps"] = result.last.step;
  out["epochs"] = result.last.epoch;
  out["parameters"] = count_parameters(model);
  out["dropped_biases"] = count_dropped_biases(model);
  out["seconds"] = result.last.seconds;
  out["seed"] = options.seed;
  out["diverged"] = result.diverged;
  fmt::print("{}\n", out.dump());
}

// `first` is the step it began after.
void print_summary(const TrainOptions& options, const TrainingResult& result, const Sequential& model,
                   std::int64_t first) {
  const StepRecord& last = result.last;
  if (const std::optional<Evaluation>& test = result.evaluation) {
    fmt::print("Test accuracy  {:.2f} %: {} errors out of {}, loss {:.4f}\n", 100 * test->accuracy(),
               grouped(test->samples - test->correct), grouped(test->samples), test->loss);
  }
  fmt::print("Network        {}: {} parameters", widths(options.network), grouped(count_parameters(model)));
  if (const std::int64_t dropped = count_dropped_biases(model); dropped > 0) {
    fmt::print(", {} biases dropped that BatchNorm would cancel", grouped(dropped));
  }
  fmt::print("\n");
  if (last.step > first) {
    const double samples = static_cast<double>(last.step - first) * static_cast<double>(options.batch);
    fmt::print("Training       {} steps, {} {} in {}: {} samples/s; last epoch: loss {:.4f}, accuracy {:.2f} %\n",
               grouped(last.step), grouped(last.epoch), last.epoch == 1 ? "epoch" : "epochs", duration(last.seconds),
               grouped(static_cast<std::int64_t>(samples / last.seconds)), last.epoch_loss, 100 * last.epoch_accuracy);
  }
  if (!options.save.empty() && !result.diverged) fmt::print("Saved          {}\n", options.save);
}

std::vector<NamedFile> inputs(const TrainOptions& options, const std::filesystem::path& data) {
  std::vector<NamedFile> files{{"--init", options.init, "--save"}, {"--resume", options.resume, "--checkpoint"}};
  for (const std::filesystem::path& file : data_files(data)) files.push_back({"--data", file});
  return files;
}

}  // namespace

int run_train(const TrainOptions& given) {
  watch_signals();
  TrainOptions options = given;
  Progress progress(options.quiet);

  // Whatever can go wrong should do so before the training, not after it.
  const std::filesystem::path folder = find_data(options.data);
  check_distinct({{"--save", options.save},
                  {"--log", options.log},
                  {"--checkpoint", options.checkpoint},
                  {"--picture", options.picture}},
                 inputs(options, folder));
  for (const std::string& file : {options.save, options.checkpoint, options.picture}) {
    if (!file.empty()) check_writable(file);
  }
  const std::optional<Safetensors> init =
      options.init.empty() ? std::nullopt : std::optional(read_safetensors(options.init));
  const DataSet data = load_data(folder);
  const TrainingPlan plan = plan_training(options, data.train);
  options.network.in = data.train.features();
  const bool plane = options.network.in == 2;
  if (!options.picture.empty() && !plane) {
    throw Error("--picture: expected data of 2 numbers a sample, as spirals, found {} x {} in {}", data.train.rows,
                data.train.cols, folder.string());
  }
  options.network.out = data.classes;
  check_memory(options.network);
  Sequential model = make_model(options);
  if (init) load_state(model, *init, options.init);
  RunState state(model, options);
  RunDescription run{.options = all_words(options), .data = {}, .log = {}};
  if (!options.checkpoint.empty() || !options.resume.empty()) run.data = digest_of(data);
  if (!options.checkpoint.empty()) to_metadata(run);  // whether it can be written
  if (!options.resume.empty()) {
    const Safetensors checkpoint = read_safetensors(options.resume);
    load_checkpoint(checkpoint, options.resume, model, state);
    const RunDescription saved = from_metadata(checkpoint.metadata, options.resume);
    if (saved.data != run.data) {
      throw Error("--data: expected the images that {} was trained on ({}), found others in {} ({})", options.resume,
                  saved.data, folder.string(), run.data);
    }
    if (plan.steps < state.step) {
      throw UsageError(
          "--resume {}: expected --epochs and --steps not to end before step {}, which it has done, found {}",
          options.resume, state.step, plan.steps);
    }
    run.log = saved.log;
  }
  const std::int64_t first = state.step;
  std::optional<LogFile> log;
  if (!options.log.empty()) log.emplace(open_log(options, state, run.log, progress));
  auto checkpoint = [&] {
    run.log = log ? std::optional(log->position()) : std::nullopt;
    write_safetensors(options.checkpoint, make_checkpoint(model, state, run));
  };

  announce(progress, folder, data, options, plan);
  if (!options.resume.empty()) {
    progress.line("{} stands at step {} of {}{}", options.resume, grouped(first), grouped(plan.steps),
                  first == plan.steps ? ": the run is finished; larger --epochs or --steps would go on" : "");
  }
  const Index log_every = options.log_every.value_or(plan.steps_per_epoch);
  TrainingHooks hooks;
  hooks.should_stop = [] { return stop_signal() != 0; };
  hooks.after_step = [&](const StepRecord& s) {
    if (log && (s.step % log_every == 0 || s.ends_epoch || s.ends_training)) {
      LogRow row{s.step, s.epoch, s.lr, s.loss, std::nullopt, std::nullopt};
      if (s.evaluation != nullptr) {
        row.test_loss = s.evaluation->loss;
        row.test_accuracy = s.evaluation->accuracy();
      }
      log->write(row);
    }
    const bool due =
        s.ends_epoch || s.ends_training || (options.checkpoint_every && s.step % *options.checkpoint_every == 0);
    // The last one that was good stays.
    if (!options.checkpoint.empty() && due && !s.diverged && all_finite(model)) checkpoint();
    progress.update({.step = s.step,
                     .steps = plan.steps,
                     .epoch = s.epoch,
                     .epochs = plan.epochs,
                     .loss = s.epoch_loss,
                     .accuracy = s.epoch_accuracy,
                     .seconds = s.seconds,
                     .steps_timed = s.step - first,
                     .batch = options.batch});
    if (s.evaluation != nullptr) {
      progress.line("epoch {}/{}, step {}/{}: loss {:.4f}, accuracy {:.2f} %; test loss {:.4f}, accuracy {:.2f} %; {}",
                    s.epoch, plan.epochs, grouped(s.step), grouped(plan.steps), s.epoch_loss, 100 * s.epoch_accuracy,
                    s.evaluation->loss, 100 * s.evaluation->accuracy(), duration(s.seconds));
    }
  };
  Workers workers(options.threads);
  const TrainingResult result = train(model, state, data, options, workers, hooks);
  progress.clear();

  if (!options.checkpoint.empty() && result.stopped && all_finite(model)) checkpoint();
  if (!options.save.empty() && !result.diverged) save(options, model);
  if (options.json) {
    print_json(options, result, model);
  } else {
    print_summary(options, result, model, first);
  }
  if (plane && !result.diverged && (!options.json || !options.picture.empty())) {
    const Regions regions = decision_regions(model, options.pixels, workers);
    if (!options.json)
      fmt::print("\nThe model's regions, and test samples as their labels:\n{}", regions_text(regions, data.test));
    if (!options.picture.empty()) write_regions(options.picture, regions, data.test);
  }
  if (result.diverged) {
    const std::string where = fmt::format("step {} (epoch {})", result.last.step, result.last.epoch);
    const std::string what =
        result.anomaly.empty() ? fmt::format("the loss is {}", result.last.loss) : result.anomaly + " is not finite";
    print_error(fmt::format("{} in {}: training has diverged{}; a lower --lr may help", what, where,
                            options.save.empty() ? "" : ", nothing was saved"));
    return 3;
  }
  if (result.stopped) {
    const std::string on = options.checkpoint.empty() ? "with --checkpoint FILE it could go on from there"
                                                      : "to go on: tare train --resume " + options.checkpoint;
    progress.line("Stopped by signal {} after step {} of {}; {}", stop_signal(), grouped(result.last.step),
                  grouped(plan.steps), on);
    return 128 + stop_signal();
  }
  return 0;
}

}  // namespace TARE_NAMESPACE
