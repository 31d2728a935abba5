// tare train: trains one network, evaluates it, saves it if asked to; or goes on with a run from its checkpoint.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/shell.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/train/commands.h>
#include <tare/apps/train/layer_rows.h>
#include <tare/apps/train/log_file.h>
#include <tare/apps/train/make_model.h>
#include <tare/apps/train/regions.h>
#include <tare/apps/train/run_description.h>
#include <tare/core/machine/file.h>
#include <tare/core/tools/layer_statistics.h>
#include <tare/layers/files/model_file.h>
#include <tare/layers/linear.h>
#include <tare/optim/training/checkpoint.h>
#include <tare/optim/training/saved_model.h>
#include <tare/optim/training/train.h>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::ordered_json;

// How many biases the rule has dropped: one for every output of a Linear without one.
std::int64_t count_dropped_biases(const Sequential& model) {
  std::int64_t n = 0;
  for (const Layer* layer : innermost_layers(model)) {
    const auto* linear = dynamic_cast<const Linear*>(layer);
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

constexpr const char* kLogHeader = "step,epoch,lr,train_loss,test_loss,test_accuracy\n";

std::string log_row(const StepRecord& s) {
  const Evaluation* test = s.evaluation;
  return fmt::format("{},{},{},{},{},{}\n", s.step, s.epoch, s.lr, s.loss, test ? fmt::format("{}", test->loss) : "",
                     test ? fmt::format("{}", test->accuracy()) : "");
}

bool all_finite(const Sequential& model) {
  return std::ranges::all_of(state_of(model), [](const ConstStateTensor& tensor) {
    const auto* numbers = std::get_if<View>(&tensor.data);
    return numbers == nullptr || numbers->allFinite();
  });
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
  std::vector<NamedFile> files{
      {"--init", options.init, "--save"}, {"--resume", options.resume, "--checkpoint"}, {"--test", options.test}};
  for (const std::filesystem::path& file : data_files(data)) files.push_back({"--data", file});
  return files;
}

// Where the data is. Error if an output cannot be written, or is something that is still needed.
std::filesystem::path checked_files(const TrainOptions& options) {
  std::filesystem::path folder = find_data(options.data, options.test);
  check_distinct({{"--save", options.save},
                  {"--log", options.log},
                  {"--layers", options.layers},
                  {"--checkpoint", options.checkpoint},
                  {"--picture", options.picture}},
                 inputs(options, folder));
  for (const std::string& file : {options.save, options.checkpoint, options.picture}) {
    if (!file.empty()) check_writable(file);
  }
  return folder;
}

class TrainCommand {
 public:
  /// Whatever can go wrong does so here, before the training and not after it.
  explicit TrainCommand(const TrainOptions& options);
  /// Trains, and returns the exit code.
  int run();

 private:
  bool in_the_plane() const { return data_.train.features() == 2; }
  Sequential first_model();
  void resume();
  std::optional<LogFile> open_csv(const std::string& file, const char* header, const std::optional<LogPosition>& end);
  void announce();
  void write_checkpoint();
  bool is_logged(std::int64_t step) const;
  void before_update(std::int64_t step, const Tape& tape, bool diverged);
  void after_step(const StepRecord& s);
  void print(const TrainingResult& result);
  int exit_code(const TrainingResult& result);

  TrainOptions options_;
  Progress progress_;
  std::filesystem::path folder_;
  std::optional<Safetensors> init_;
  DataSet data_;
  TrainingPlan plan_;
  Sequential model_;
  RunState state_;
  RunDescription description_;
  std::int64_t first_ = 0;  // the step it begins after
  std::optional<LogFile> log_, layers_;
  std::optional<LayerProbe> probe_;  // of this step, if it is to be logged
  Workers workers_;
};

TrainCommand::TrainCommand(const TrainOptions& options)
    : options_(options),
      progress_(options.quiet),
      folder_(checked_files(options)),
      init_(options.init.empty() ? std::nullopt : std::optional(read_safetensors(options.init))),
      data_(load_data(folder_, {.seed = options.seed, .test = options.test})),
      plan_(plan_training(options, data_)),
      model_(first_model()),
      state_(model_, options),
      description_{.options = all_words(options_), .data = {}, .log = {}, .layers = {}},
      workers_(options.threads) {
  if (!options.checkpoint.empty() || !options.resume.empty()) description_.data = digest_of(data_);
  if (!options.checkpoint.empty()) to_metadata(description_);  // whether it can be written
  if (!options.resume.empty()) resume();
  log_ = open_csv(options.log, kLogHeader, description_.log);
  layers_ = open_csv(options.layers, kLayersHeader, description_.layers);
}

Sequential TrainCommand::first_model() {
  if (!options_.picture.empty() && !in_the_plane()) {
    throw Error("--picture: expected data of 2 numbers a sample, as spirals, found {} x {} in {}", data_.train.rows,
                data_.train.cols, folder_.string());
  }
  options_.network.in = data_.train.features();
  options_.network.out = data_.classes;
  check_memory(options_.network);
  Sequential model = make_model(options_);
  if (init_) load_state(model, *init_, options_.init);
  return model;
}

void TrainCommand::resume() {
  const Safetensors checkpoint = read_safetensors(options_.resume);
  load_checkpoint(checkpoint, options_.resume, model_, state_);
  const RunDescription saved = from_metadata(checkpoint.metadata, options_.resume);
  if (saved.data != description_.data) {
    throw Error("--data: expected the images that {} was trained on ({}), found others in {} ({})", options_.resume,
                saved.data, folder_.string(), description_.data);
  }
  if (plan_.steps < state_.step) {
    throw UsageError(
        "--resume {}: expected --epochs and --steps not to end before step {}, which it has done, found {}",
        options_.resume, state_.step, plan_.steps);
  }
  description_.log = saved.log;
  description_.layers = saved.layers;
  first_ = state_.step;
}

// The file of a new run, or of one that goes on, brought back to where the checkpoint left it; nothing without a name.
std::optional<LogFile> TrainCommand::open_csv(const std::string& file, const char* header,
                                              const std::optional<LogPosition>& end) {
  if (file.empty()) return std::nullopt;
  if (end && std::filesystem::is_regular_file(file)) return std::make_optional<LogFile>(file, *end);
  if (first_ > 0) progress_.line("{} is new: its rows begin after step {}", file, grouped(first_));
  return std::make_optional<LogFile>(file, header);
}

// What is trained on, so that the wrong data is seen at once.
void TrainCommand::announce() {
  progress_.line("Data: {}: {} training and {} test {}, {} classes", data_name(options_.data, folder_),
                 grouped(data_.train.count), grouped(data_.test.count), samples_text(data_.train), data_.classes);
  if (!data_.notice.empty()) progress_.line("{}: {}", folder_.string(), data_.notice);
  if (const Index dropped = data_.train.count % options_.batch; dropped != 0) {
    progress_.line("Each epoch drops its last {} samples: {} = {} batches of {} + {}", dropped,
                   grouped(data_.train.count), grouped(plan_.steps_per_epoch), options_.batch, dropped);
  }
  if (!options_.resume.empty()) {
    progress_.line("{} stands at step {} of {}{}", options_.resume, grouped(first_), grouped(plan_.steps),
                   first_ == plan_.steps ? ": the run is finished; larger --epochs or --steps would go on" : "");
  }
}

void TrainCommand::write_checkpoint() {
  description_.log = log_ ? std::optional(log_->position()) : std::nullopt;
  description_.layers = layers_ ? std::optional(layers_->position()) : std::nullopt;
  write_safetensors(options_.checkpoint, make_checkpoint(model_, state_, to_metadata(description_)));
}

bool TrainCommand::is_logged(std::int64_t step) const {
  return step % options_.log_every.value_or(plan_.steps_per_epoch) == 0 || step % plan_.steps_per_epoch == 0 ||
         step == plan_.steps;
}

void TrainCommand::before_update(std::int64_t step, const Tape& tape, bool diverged) {
  // (A step that is evaluated may turn out to have diverged, and is logged then.)
  const bool evaluated = options_.eval_every && step % *options_.eval_every == 0;
  if (is_logged(step) || evaluated || diverged) probe_.emplace(tape);
}

void TrainCommand::after_step(const StepRecord& s) {
  if (is_logged(s.step) || s.diverged) {
    if (log_) log_->write(log_row(s));
    if (layers_) {
      for (const LayerRow& row : layer_rows(s.step, *probe_, model_)) layers_->write(csv(row));
    }
  }
  const bool due =
      s.ends_epoch || s.ends_training || (options_.checkpoint_every && s.step % *options_.checkpoint_every == 0);
  // The last one that was good stays.
  if (!options_.checkpoint.empty() && due && !s.diverged && all_finite(model_)) write_checkpoint();
  progress_.update({.step = s.step,
                    .steps = plan_.steps,
                    .epoch = s.epoch,
                    .epochs = plan_.epochs,
                    .loss = s.epoch_loss,
                    .accuracy = s.epoch_accuracy,
                    .seconds = s.seconds,
                    .steps_timed = s.step - first_,
                    .batch = options_.batch});
  if (s.evaluation != nullptr) {
    progress_.line("epoch {}/{}, step {}/{}: loss {:.4f}, accuracy {:.2f} %; test loss {:.4f}, accuracy {:.2f} %; {}",
                   s.epoch, plan_.epochs, grouped(s.step), grouped(plan_.steps), s.epoch_loss, 100 * s.epoch_accuracy,
                   s.evaluation->loss, 100 * s.evaluation->accuracy(), duration(s.seconds));
  }
}

void TrainCommand::print(const TrainingResult& result) {
  if (options_.json) {
    print_json(options_, result, model_);
  } else {
    print_summary(options_, result, model_, first_);
  }
  if (!in_the_plane() || result.diverged || (options_.json && options_.picture.empty())) return;
  const Plane plane(data_);
  const Regions regions = decision_regions(model_, plane, options_.pixels, workers_);
  const ImageSet points = plane.points(data_.test);
  if (!options_.json) {
    fmt::print("\nThe model's regions, and test samples as their labels:\n{}", regions_text(regions, points));
  }
  if (!options_.picture.empty()) write_regions(options_.picture, regions, points);
}

// And what is to be said about it.
int TrainCommand::exit_code(const TrainingResult& result) {
  if (result.diverged) {
    const std::string where = fmt::format("step {} (epoch {})", result.last.step, result.last.epoch);
    const std::string what =
        result.anomaly.empty() ? fmt::format("the loss is {}", result.last.loss) : result.anomaly + " is not finite";
    print_error(fmt::format("{} in {}: training has diverged{}; a lower --lr may help", what, where,
                            options_.save.empty() ? "" : ", nothing was saved"));
    return 3;
  }
  if (result.stopped) {
    const std::string on = options_.checkpoint.empty()
                               ? "with --checkpoint FILE it could go on from there"
                               : "to go on: tare train --resume " + shell_word(options_.checkpoint);
    progress_.line("Stopped by signal {} after step {} of {}; {}", stop_signal(), grouped(result.last.step),
                   grouped(plan_.steps), on);
    return 128 + stop_signal();
  }
  return 0;
}

int TrainCommand::run() {
  announce();
  TrainingHooks hooks;
  hooks.should_stop = [] { return stop_signal() != 0; };
  if (layers_) {
    hooks.before_update = [this](std::int64_t step, const Tape& tape, bool diverged) {
      before_update(step, tape, diverged);
    };
  }
  hooks.after_step = [this](const StepRecord& s) { after_step(s); };
  const TrainingResult result = train(model_, state_, training_data(data_, options_.pixels), options_, workers_, hooks);
  progress_.clear();

  if (!options_.checkpoint.empty() && result.stopped && all_finite(model_)) write_checkpoint();
  if (!options_.save.empty() && !result.diverged)
    save_model(options_.save, model_, options_.network.activation, options_.pixels, data_.form);
  print(result);
  return exit_code(result);
}

}  // namespace

int run_train(const TrainOptions& options) {
  watch_signals();
  return TrainCommand(options).run();
}

}  // namespace TARE_NAMESPACE
