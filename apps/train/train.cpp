// tare train: trains one network, evaluates it, saves it if asked to; or goes on with a run from its checkpoint.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/gnuplot.h>
#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/shell.h>
#include <tare/apps/cli/signals.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/train/commands.h>
#include <tare/apps/train/curves.h>
#include <tare/apps/train/epoch_table.h>
#include <tare/apps/train/layer_rows.h>
#include <tare/apps/train/log_file.h>
#include <tare/apps/train/make_model.h>
#include <tare/apps/train/model_table.h>
#include <tare/apps/train/regions.h>
#include <tare/apps/train/resumed_outputs.h>
#include <tare/apps/train/run_description.h>
#include <tare/core/machine/file.h>
#include <tare/core/tools/layer_statistics.h>
#include <tare/layers/files/model_file.h>
#include <tare/optim/training/checkpoint.h>
#include <tare/optim/training/saved_model.h>
#include <tare/optim/training/train.h>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::ordered_json;

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

StepScores scores_of(const StepRecord& s) {
  const auto scores = [](const Evaluation* e) {
    return e == nullptr ? std::nullopt : std::optional(Scores{e->loss, e->accuracy()});
  };
  return {.step = s.step,
          .epoch = s.epoch,
          .batch = {s.loss, s.accuracy},
          .epoch_mean = {s.epoch_loss, s.epoch_accuracy},
          .test = scores(s.evaluation),
          .validation = scores(s.validation)};
}

constexpr const char* kLogHeader =
    "step,epoch,lr,train_loss,test_loss,test_accuracy,train_accuracy,epoch_loss,epoch_accuracy,validation_loss,"
    "validation_accuracy\n";

std::string log_row(const StepScores& s, double lr) {
  const auto text = [](const std::optional<Scores>& scores) {
    return scores ? fmt::format("{},{}", scores->loss, scores->accuracy) : ",";
  };
  return fmt::format("{},{},{},{},{},{},{},{},{}\n", s.step, s.epoch, lr, s.batch.loss, text(s.test), s.batch.accuracy,
                     s.epoch_mean.loss, s.epoch_mean.accuracy, text(s.validation));
}

bool all_finite(const Sequential& model) {
  return std::ranges::all_of(state_of(model), [](const ConstStateTensor& tensor) {
    const auto* numbers = std::get_if<View>(&tensor.data);
    return numbers == nullptr || numbers->allFinite();
  });
}

ordered_json number(double x) { return std::isfinite(x) ? ordered_json(x) : ordered_json(nullptr); }

void print_json(const TrainOptions& options, const std::string& data, const TrainingResult& result,
                const RunState& state, const Sequential& model) {
  ordered_json out;
  for (const auto& [name, scores] : {std::pair("test", &result.evaluation), {"validation", &result.validation}}) {
    out[fmt::format("{}_accuracy", name)] = *scores ? number((*scores)->accuracy()) : nullptr;
    out[fmt::format("{}_loss", name)] = *scores ? number((*scores)->loss) : nullptr;
  }
  if (options.keep == Keep::best) out["best_step"] = state.best ? ordered_json(state.best->step) : nullptr;
  out["train_loss"] = result.last.step > 0 ? number(result.last.epoch_loss) : nullptr;
  out["train_accuracy"] = result.last.step > 0 ? number(result.last.epoch_accuracy) : nullptr;
  out["steps"] = result.last.step;
  out["epochs"] = result.last.epoch;
  out["parameters"] = count_parameters(model);
  out["dropped_biases"] = count_dropped_biases(model);
  out["seconds"] = result.last.seconds;
  out["seed"] = options.seed;
  out["data"] = data;
  out["diverged"] = result.diverged;
  fmt::print("{}\n", out.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

// A line of the summary, which a terminal may have to break.
void print_fact(const char* name, const std::string& text) {
  constexpr std::size_t kIndent = 15;
  fmt::print("{:<{}}{}\n", name, kIndent, is_terminal(Stream::out) ? wrapped(text, terminal_columns(), kIndent) : text);
}

// `first` is the step it began after.
void print_summary(const TrainOptions& options, const TrainingResult& result, const Sequential& model,
                   std::int64_t first) {
  const StepRecord& last = result.last;
  for (const auto& [name, scores] :
       {std::pair("Test accuracy", &result.evaluation), {"Validation", &result.validation}}) {
    if (!*scores) continue;
    const Evaluation& e = **scores;
    print_fact(name, fmt::format("{:.2f} %: {} errors out of {}, loss {:.4f}", 100 * e.accuracy(),
                                 grouped(e.samples - e.correct), grouped(e.samples), e.loss));
  }
  const std::int64_t dropped = count_dropped_biases(model);
  print_fact("Network",
             fmt::format(
                 "{}: {} parameters{}", widths(options.network), grouped(count_parameters(model)),
                 dropped == 0 ? "" : fmt::format(", {} biases dropped that BatchNorm would cancel", grouped(dropped))));
  if (last.step > first) {
    const double samples = static_cast<double>(last.step - first) * static_cast<double>(options.batch);
    print_fact("Training",
               fmt::format("{} steps, {} {} in {}: {} samples/s; last epoch: loss {:.4f}, accuracy {:.2f} %",
                           grouped(last.step), grouped(last.epoch), last.epoch == 1 ? "epoch" : "epochs",
                           duration(last.seconds), grouped(static_cast<std::int64_t>(samples / last.seconds)),
                           last.epoch_loss, 100 * last.epoch_accuracy));
  }
}

// As wide as the terminal, but no wider than is pleasant. Nothing if gnuplot fails: nobody has asked for it.
std::string curves_on_terminal(const Curves& curves) {
  try {
    return text_plot(curves, static_cast<int>(std::min<std::size_t>(terminal_columns(), 80)));
  } catch (const Error&) {
    return "";
  }
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
                  {"--picture", options.picture},
                  {"--plot", options.plot}},
                 inputs(options, folder));
  for (const std::string& file : {options.save, options.checkpoint, options.picture, options.plot}) {
    if (!file.empty()) check_writable(file);
  }
  if (!options.plot.empty() && !can_plot()) {
    throw Error("--plot: expected gnuplot to draw with, found none; on Debian: apt-get install gnuplot-nox");
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
  ImageSet hold_out();
  Sequential first_model();
  void resume();
  std::optional<LogFile> open_csv(const std::string& file, const char* header, const std::optional<LogPosition>& end);
  void announce();
  void write_checkpoint();
  bool is_logged(std::int64_t step) const;
  void before_update(std::int64_t step, const Tape& tape, bool diverged);
  void after_step(const StepRecord& s);
  const Sequential& kept() const { return dynamic_cast<const Sequential&>(state_.kept(model_)); }
  /// Whether there is a model to save.
  bool is_saved(const TrainingResult& result) const;
  void print(const TrainingResult& result);
  int exit_code(const TrainingResult& result);
  void write_plot();

  TrainOptions options_;
  Progress progress_;
  std::filesystem::path folder_;
  std::optional<Safetensors> init_;
  DataSet data_;
  RunDescription description_;
  ImageSet validation_;
  TrainingPlan plan_;
  Sequential model_;
  RunState state_;
  std::int64_t first_ = 0;  // the step it begins after
  std::optional<LogFile> log_, layers_;
  EpochTable table_;
  bool has_header_ = false;          // of the table, on the screen
  bool shows_plot_;                  // as text, behind the summary
  std::optional<Curves> curves_;     // for this and for --plot
  std::optional<LayerProbe> probe_;  // of this step, if it is to be logged
  Workers workers_;
};

TrainCommand::TrainCommand(const TrainOptions& options)
    : options_(options),
      progress_(options.quiet),
      folder_(checked_files(options)),
      init_(options.init.empty() ? std::nullopt : std::optional(read_safetensors(options.init))),
      data_(load_data(folder_, {.seed = options.seed, .test = options.test})),
      description_{.options = all_words(options_), .data = {}, .log = {}, .layers = {}, .curves = {}},
      validation_(hold_out()),
      plan_(plan_training(options, data_)),
      model_(first_model()),
      state_(model_, options),
      table_(plan_.epochs, options.eval_every.has_value(), data_.test.count > 0, validation_.count > 0),
      shows_plot_(!options.json && is_terminal(Stream::out) && can_plot()),
      workers_(options.threads) {
  if (!options.plot.empty() || shows_plot_) curves_.emplace();
  if (!options.checkpoint.empty()) to_metadata(description_);  // whether it can be written
  if (!options.resume.empty()) resume();
  log_ = open_csv(options.log, kLogHeader, description_.log);
  layers_ = open_csv(options.layers, kLayersHeader, description_.layers);
}

// Takes the samples for validation out of the training set.
ImageSet TrainCommand::hold_out() {
  if (!options_.checkpoint.empty() || !options_.resume.empty()) description_.data = digest_of(data_);  // of all
  if (options_.validation == 0) return {};
  if (options_.validation >= data_.train.count) {
    throw Error("--validation: expected fewer than the {} training samples, found {}", data_.train.count,
                options_.validation);
  }
  Split<ImageSet> parts = split(data_.train, options_.validation, options_.seed);
  data_.train = std::move(parts.train);
  return std::move(parts.test);
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
    throw Error("--data: expected the samples that {} was trained on ({}), found others in {} ({})", options_.resume,
                saved.data, folder_.string(), description_.data);
  }
  if (plan_.steps < state_.step) {
    throw UsageError(
        "--resume {}: expected --epochs and --steps not to end before step {}, which it has done, found {}",
        options_.resume, state_.step, plan_.steps);
  }
  description_.log = saved.log;
  description_.layers = saved.layers;
  if (curves_ && saved.curves) curves_ = saved.curves;
  first_ = state_.step;
  if (const std::string outputs = outputs_text(options_); !outputs.empty()) {
    progress_.line("{} writes {}", options_.resume, outputs);
  }
}

// The file of a new run, or of one that goes on, brought back to where the checkpoint left it; nothing without a name.
std::optional<LogFile> TrainCommand::open_csv(const std::string& file, const char* header,
                                              const std::optional<LogPosition>& end) {
  if (file.empty()) return std::nullopt;
  if (end && std::filesystem::is_regular_file(file) && !descriptor_named(file)) {
    return std::make_optional<LogFile>(file, header, *end);
  }
  if (first_ > 0) progress_.line("{} is new: its rows begin after step {}", file, grouped(first_));
  return std::make_optional<LogFile>(file, header);
}

// What is trained on, so that the wrong data is seen at once.
void TrainCommand::announce() {
  const std::string held_out =
      validation_.count > 0 ? fmt::format(", {} validation", grouped(validation_.count)) : std::string();
  progress_.line("Data: {}: {} training{} and {} test {}, {} classes", data_name(options_.data, folder_),
                 grouped(data_.train.count), held_out, grouped(data_.test.count), samples_text(data_.train),
                 data_.classes);
  if (!data_.notice.empty()) progress_.line("{}: {}", folder_.string(), data_.notice);
  if (const Index dropped = data_.train.count % options_.batch; dropped != 0) {
    progress_.line("Each epoch drops its last {} samples: {} = {} batches of {} + {}", dropped,
                   grouped(data_.train.count), grouped(plan_.steps_per_epoch), options_.batch, dropped);
  }
  for (const std::string& doubt : doubts(options_, plan_)) progress_.line("{}", doubt);
  if (!options_.resume.empty()) {
    const char* more = first_ == plan_.steps ? "larger --epochs or --steps" : "a larger --patience";
    progress_.line(
        "{} stands at step {} of {}{}", options_.resume, grouped(first_), grouped(plan_.steps),
        is_finished(state_, options_, plan_) ? fmt::format(": the run is finished; {} would go on", more) : "");
  }
  progress_.lines("\n" + model_table(model_, data_.train.features()) + "\n");
}

void TrainCommand::write_checkpoint() {
  description_.log = log_ ? std::optional(log_->position()) : std::nullopt;
  description_.layers = layers_ ? std::optional(layers_->position()) : std::nullopt;
  if (!options_.plot.empty()) description_.curves = curves_;
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
  const StepScores scores = scores_of(s);
  if (curves_) curves_->add(scores);
  if (is_logged(s.step) || s.diverged) {
    if (log_) log_->write(log_row(scores, s.lr));
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
  if (s.evaluation == nullptr && s.validation == nullptr && !s.ends_epoch) return;
  if (!has_header_) progress_.line("{}", table_.header());
  has_header_ = true;
  progress_.line("{}", table_.row(scores, s.seconds));
}

bool TrainCommand::is_saved(const TrainingResult& result) const {
  return !options_.save.empty() && (!result.diverged || &kept() != &model_);
}

void TrainCommand::print(const TrainingResult& result) {
  if (options_.json) {
    print_json(options_, folder_.string(), result, state_, model_);
  } else {
    print_summary(options_, result, model_, first_);
    if (&kept() != &model_) {
      fmt::print("Best           step {}, where the validation loss was {:.4f}, the lowest\n",
                 grouped(state_.best->step), state_.best->loss);
    }
    if (is_saved(result)) fmt::print("Saved          {}\n", printable(options_.save));
  }
  if (!in_the_plane() || result.diverged || (options_.json && options_.picture.empty())) return;
  const Plane plane(data_);
  const Regions regions = decision_regions(kept(), plane, options_.pixels, workers_);
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
                            options_.save.empty() ? ""
                            : is_saved(result)    ? ", the best model was saved"
                                                  : ", nothing was saved"));
    return 3;
  }
  if (result.stopped) {
    const std::string on =
        options_.checkpoint.empty()
            ? "with --checkpoint FILE it could go on from there"
            : "to go on: tare train --resume " + shell_word(options_.checkpoint) + outputs_to_repeat(options_);
    progress_.line("Stopped by signal {} after step {} of {}; {}", stop_signal(), grouped(result.last.step),
                   grouped(plan_.steps), on);
    return 128 + stop_signal();
  }
  if (result.last.step < plan_.steps) {
    progress_.line("Stopped after epoch {}: {} {} without a lower validation loss than that of step {}",
                   result.last.epoch, *options_.patience, *options_.patience == 1 ? "epoch" : "epochs",
                   grouped(state_.best->step));
  }
  return 0;
}

void TrainCommand::write_plot() {
  if (curves_->any()) {
    write_file(options_.plot, svg(*curves_));
  } else {
    progress_.line("{} was not written: a curve needs two steps", options_.plot);
  }
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
  TrainingData data = training_data(data_, options_.pixels);
  if (validation_.count > 0) data.validation.emplace(validation_, options_.pixels);
  const TrainingResult result = train(model_, state_, data, options_, workers_, hooks);
  progress_.clear();

  if (!options_.checkpoint.empty() && result.stopped && all_finite(model_)) write_checkpoint();
  if (is_saved(result)) save_model(options_.save, kept(), options_.network.activation, options_.pixels, data_.form);
  print(result);
  if (shows_plot_ && curves_->any()) fmt::print("\n{}", curves_on_terminal(*curves_));
  const int code = exit_code(result);
  if (options_.plot.empty()) return code;
  try {
    write_plot();
  } catch (const Error& error) {  // what the training itself has come to counts more
    print_error(fmt::format("--plot: {}", error.what()));
    return std::max(code, 1);
  }
  return code;
}

}  // namespace

int run_train(const TrainOptions& options) {
  watch_signals();
  return TrainCommand(options).run();
}

}  // namespace TARE_NAMESPACE
