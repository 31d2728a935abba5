// The command line: every option with its range, default and help. What it accepts ends up in the structs of options.h.
#include "apps/options.h"

#include "apps/commands.h"
#include "apps/experiments.h"
#include "apps/fetch.h"
#include "apps/run_description.h"
#include "layers/safetensors.h"

#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace tare {
namespace {

template <class T>
using Names = std::vector<std::pair<const char*, T>>;

const Names<Activation> kActivations{
    {"relu", Activation::relu}, {"sigmoid", Activation::sigmoid}, {"tanh", Activation::tanh}};
const Names<Pixels> kPixels{{"standard", Pixels::standard}, {"unit", Pixels::unit}, {"binary", Pixels::binary}};
const Names<Norm> kNorms{{"batch", Norm::batch}, {"layer", Norm::layer}, {"none", Norm::none}};
const Names<BiasRule> kBiasRules{{"auto", BiasRule::drop_cancelled}, {"keep", BiasRule::keep}};
const Names<BatchNormKind> kBatchNormKinds{
    {"fused", BatchNormKind::fused}, {"composed", BatchNormKind::composed}, {"diagonal", BatchNormKind::diagonal}};
const Names<OptimizerKind> kOptimizers{
    {"sgd", OptimizerKind::sgd}, {"adam", OptimizerKind::adam}, {"adamw", OptimizerKind::adamw}};
const Names<Work> kWorks{{"W1", Work::w1}, {"W2", Work::w2}, {"W3", Work::w3}, {"W4", Work::w4}};
const Names<Precision> kPrecisions{{"float", Precision::float32}, {"double", Precision::float64}};

constexpr Index kMany = 1'000'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class T>
T named(const Names<T>& names, const std::string& name, const std::string& what) {
  std::vector<const char*> known;
  for (const auto& [known_name, value] : names) {
    if (name == known_name) return value;
    known.push_back(known_name);
  }
  throw UsageError("{}: expected {}, found \"{}\"", what, fmt::join(known, ", "), name);
}

template <class T>
const char* name_in(const Names<T>& names, T value) {
  for (const auto& [name, known] : names) {
    if (known == value) return name;
  }
  return "";
}

/// Reads the whole text as a number from low to high, or throws UsageError naming the option.
template <class T>
T number(const std::string& option, std::string_view text, T low, T high) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && value >= low && value <= high) return value;  // never true of nan
  const char* kind = std::is_integral_v<T> ? "whole number" : "number";
  if (high == std::numeric_limits<T>::max() || static_cast<double>(high) == kInfinity) {
    throw UsageError("{}: expected a {} of at least {}, found \"{}\"", option, kind, low, text);
  }
  throw UsageError("{}: expected a {} from {} to {}, found \"{}\"", option, kind, low, high, text);
}

constexpr std::uint64_t kLargestFirstSeed = std::numeric_limits<std::uint64_t>::max() - 1000;
constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kPositive = std::numeric_limits<double>::min();  // smaller ones are taken for 0
const double kBelowOne = std::nextafter(1.0, 0.0);

std::pair<std::string_view, std::string_view> split_at(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::vector<Index> widths(const std::string& option, const std::string& text, Index widest = 1'000'000) {
  std::vector<Index> result;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(',', begin);
    const std::string_view width = std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin);
    result.push_back(number<Index>(option, width, 1, widest));
  }
  return result;
}

ScheduleOptions schedule(const std::string& option, const std::string& text) {
  const auto [kind, rest] = split_at(text, ':');
  if (text == "constant") return {};
  if (kind == "step") {
    const auto [period, gamma] = split_at(rest, ',');
    return {.kind = ScheduleOptions::Kind::step,
            .period = number<Index>(option, period, 1, kMany),
            .gamma = number<double>(option, gamma, 0, kLargest)};
  }
  if (text == "cosine") return {.kind = ScheduleOptions::Kind::cosine};
  if (kind == "cosine") {
    return {.kind = ScheduleOptions::Kind::cosine, .warmup = number<Index>(option, rest, 0, kMany)};
  }
  throw UsageError("{}: expected constant, step:EPOCHS,GAMMA or cosine[:WARMUP_STEPS], found \"{}\"", option, text);
}

InitScale init_scale(const std::string& option, const std::string& text) {
  const auto [kind, sigma] = split_at(text, ':');
  if (text == "he") return {.kind = InitScale::Kind::he};
  if (text == "xavier") return {.kind = InitScale::Kind::xavier};
  if (kind == "normal") {
    return {.kind = InitScale::Kind::normal, .sigma = number<double>(option, sigma, 0, kLargest)};
  }
  throw UsageError("{}: expected he, xavier or normal:SIGMA, found \"{}\"", option, text);
}

/// Adds options to a subcommand, each as a function of its name and its text. CLI11 finds the words; their meaning and
/// ranges are checked here, so that every message has the same form.
class Command {
 public:
  Command(CLI::App& parent, const char* name, const char* description, const char* example)
      : app_(parent.add_subcommand(name, description)) {
    app_->footer(fmt::format("\nExample: {}", example));
    app_->get_formatter()->column_width(34);
  }

  CLI::App& app() { return *app_; }
  std::string name() const { return app_->get_name(); }
  bool given() const { return app_->parsed(); }

  template <class Read>
  void option(const std::string& name, const char* argument, const std::string& help, const Read& read) {
    app_->add_option_function<std::string>(
            name, [name, read](const std::string& text) { read(name, text); }, help)
        ->type_name(argument)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }

  template <class T>
  void choice(const std::string& name, const char* help, const Names<T>& names, T& target) {
    add_choice(name, fmt::format("{} [{}]", help, name_in(names, target)), names, target);
  }
  template <class T>
  void choice(const std::string& name, const char* help, const Names<T>& names, std::optional<T>& target) {
    add_choice(name, help, names, target);
  }

  template <class T, class Target>
  void number(const std::string& name, const char* argument, const char* help, T low, T high, Target& target) {
    option(name, argument, help, [&target, low, high](const std::string& option, const std::string& text) {
      target = tare::number<T>(option, text, low, high);
    });
  }

  void text(const std::string& name, const char* argument, const char* help, std::string& target) {
    option(name, argument, help, [&target](const std::string& option, const std::string& text) {
      if (text.empty()) throw UsageError("{}: expected a name, found nothing", option);
      target = text;
    });
  }

  void flag(const std::string& name, const char* help, bool& target, bool value = true) {
    app_->add_flag_callback(
        name, [&target, value] { target = value; }, help);
  }

 private:
  template <class T, class Target>
  void add_choice(const std::string& name, const std::string& help, const Names<T>& names, Target& target) {
    std::vector<const char*> known;
    for (const auto& [known_name, value] : names) known.push_back(known_name);
    option(name, "NAME", fmt::format("{}: {}", fmt::join(known, ", "), help),
           [&](const std::string& option, const std::string& text) { target = named(names, text, option); });
  }

  CLI::App* app_;
};

void add_threads(Command& c, int& threads) {
  c.number<int>("--threads", "N", "Threads; they never change a result [all cores]", 1, 1024, threads);
}

void add_json(Command& c, bool& json) { c.flag("--json", "One JSON object on standard output instead of text", json); }

void add_common(Command& c, std::string& data, int& threads, bool& quiet, bool& json) {
  c.text("--data", "NAME|DIR",
         "mnist; built in: digits, spirals, moons, circles, blobs; a folder of IDX files; auto: mnist, or digits where "
         "it is not found [auto]",
         data);
  add_threads(c, threads);
  c.flag("--quiet", "No progress and no notices", quiet);
  add_json(c, json);
}

void add_precision(Command& c, Precision& precision) {
  c.choice("--precision", "Numbers to compute with", kPrecisions, precision);
}

struct Unresolved {  // what has no default of its own
  std::optional<double> lr, momentum;
};

// What a run computes, besides its data, its learning rate and its seed.
void add_run_options(Command& c, TrainOptions& o, Unresolved& u) {
  c.choice("--pixels", "Scaling: (x/255-0.1307)/0.3081, x/255, x>=128", kPixels, o.pixels);

  c.option("--hidden", "W,W,...", "Widths of the hidden layers [256,128]",
           [&o](const std::string& option, const std::string& text) { o.network.hidden = widths(option, text); });
  c.choice("--norm", "After each hidden Linear", kNorms, o.network.norm);
  c.choice("--bias", "auto drops a bias that BatchNorm cancels", kBiasRules, o.network.bias);
  c.choice("--batchnorm", "How training computes it; diagonal has a wrong gradient", kBatchNormKinds,
           o.network.batch_norm_kind);
  c.choice("--activation", "After the normalization", kActivations, o.network.activation);
  c.number<double>("--dropout", "P", "Probability, after the activation [0]", 0, kBelowOne, o.network.dropout);
  c.option("--init-scale", "he|xavier|normal:SIGMA", "Of the initial weights [he before relu, else xavier]",
           [&o](const std::string& option, const std::string& text) { o.network.init = init_scale(option, text); });

  c.choice("--optimizer", "Update rule", kOptimizers, o.optimizer);
  c.number<double>("--momentum", "M", "Only with sgd [0.9]", 0, kBelowOne, u.momentum);
  c.number<double>("--weight-decay", "W", "On every parameter; decoupled with adamw [0]", 0, kLargest, o.weight_decay);
  c.option("--schedule", "S", "constant, step:EPOCHS,GAMMA, cosine[:WARMUP_STEPS] [constant]",
           [&o](const std::string& option, const std::string& text) { o.schedule = schedule(option, text); });
  c.number<double>("--clip", "NORM", "Clip the norm of the whole gradient [off]", kPositive, kLargest, o.clip);

  c.number<Index>("--batch", "N", "Samples in a batch [128]", 1, kMany, o.batch);
  c.number<Index>("--epochs", "N", "Passes over the training data [5]", 1, kMany, o.epochs);
  c.number<Index>("--steps", "N", "Stop after N steps; alone, it lifts the limit of epochs", 1, kMany, o.steps);
  c.flag("--no-shuffle", "Take the samples in the order of the file", o.shuffle, false);
}

void add_train_options(Command& c, TrainOptions& o, Unresolved& u) {
  add_common(c, o.data, o.threads, o.quiet, o.json);
  add_precision(c, o.precision);
  add_run_options(c, o, u);
  c.number<double>("--lr", "R", "Learning rate [0.05 with sgd, else 0.001]", 0, kLargest, u.lr);
  c.number<std::uint64_t>("--seed", "N", "Of the weights, the order of samples and dropout [1]", 0,
                          std::numeric_limits<std::uint64_t>::max(), o.seed);

  c.text("--log", "FILE", "Write a CSV: step,epoch,lr,train_loss,test_loss,test_accuracy", o.log);
  c.number<Index>("--log-every", "K", "Log every K steps, besides the ends of epochs [one epoch]", 1, kMany,
                  o.log_every);
  c.number<Index>("--eval-every", "K", "Evaluate every K steps, besides the ends of epochs", 1, kMany, o.eval_every);
  c.text("--save", "FILE", "Save the model (safetensors)", o.save);
  c.text("--init", "FILE", "Start from the tensors of this model", o.init);
  c.text("--checkpoint", "FILE", "Keep the whole training state here, as of every epoch's end and when stopped",
         o.checkpoint);
  c.number<Index>("--checkpoint-every", "K", "Write the checkpoint every K steps, besides the ends of epochs", 1, kMany,
                  o.checkpoint_every);
  c.text("--resume", "FILE", "Go on from this checkpoint, exactly; its options need not be given again", o.resume);
  c.text("--picture", "FILE.png", "With data in the plane: write the decision regions as a PNG", o.picture);
  c.flag("--detect-anomaly", "Stop at the first value or gradient that is not finite, and name its op and layer",
         o.detect_anomaly);
}

void add_saved_model(Command& c, SavedModelOptions& o) {
  c.app().add_option("MODEL", o.model, "A saved model (safetensors)")->required();
  add_precision(c, o.precision);
  c.choice("--activation", "For a file that does not say [relu]", kActivations, o.activation);
  c.choice("--pixels", "For a file that does not say [standard]", kPixels, o.pixels);
}

void add_eval_options(Command& c, EvalOptions& o) {
  add_common(c, o.data, o.threads, o.quiet, o.json);
  add_saved_model(c, o);
  c.text("--worst", "FILE.png", "Write the images that the model is most wrong about as a picture", o.worst);
}

void add_predict_options(Command& c, PredictOptions& o) {
  add_saved_model(c, o);
  c.app().add_option("FILE", o.files, "PNG or PGM files, folders of them, or - for standard input")->required();
  c.flag("--as-is", "Scale the whole picture, light on dark, instead of finding its ink and centring it", o.as_is);
  c.flag("--brief", "One line per file, without the picture", o.brief);
  add_threads(c, o.threads);
  add_json(c, o.json);
}

void add_bench_options(Command& c, BenchOptions& o) {
  add_common(c, o.data, o.threads, o.quiet, o.json);
  c.choice("--work", "Network", kWorks, o.work);
  c.number<Index>("--epochs", "N", "The result is the median of all but the first [5]", 1, kMany, o.epochs);
}

struct CompareArguments {
  std::vector<std::string> variants;
  std::optional<Experiment> experiment;
  std::vector<double> lrs;  // empty: not given
};

// Adds what the words of a variant or an experiment say to the options.
void read_words(const std::string& what, const std::string& text, TrainOptions& o, Unresolved& u) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (!word.starts_with('-') && word.find('=') != word.npos) word.insert(0, "--");
    words.insert(words.begin(), word);  // CLI11 takes them in reverse
  }
  CLI::App parent;
  Command c(parent, "variant", "", "");
  add_run_options(c, o, u);
  c.number<double>("--lr", "R", "", 0, kLargest, u.lr);
  try {
    words.emplace_back("variant");
    parent.parse(words);
  } catch (const CLI::ParseError& error) {
    throw UsageError("{}: {}; tare compare --help lists the options of a variant", what, error.what());
  } catch (const UsageError& error) {
    throw UsageError("{}: {}", what, error.what());
  }
}

void add_compare_options(Command& c, CompareOptions& o, Unresolved& u, CompareArguments& a) {
  c.option("--experiment", "NAME", fmt::format("Other defaults: {}", fmt::join(experiment_names(), ", ")),
           [&](const std::string& option, const std::string& text) {
             a.experiment = experiment_named(text, option);
             read_words(option, a.experiment->words, o.base, u);
             o.base.eval_every = a.experiment->eval_every;
             o.seeds = a.experiment->seeds;
           });
  c.text("--out", "DIR", "Where to write; what stands there of the same comparison is not run again", o.out);
  add_common(c, o.base.data, o.base.threads, o.base.quiet, o.base.json);
  add_precision(c, o.base.precision);
  c.app()
      .add_option("--variant", a.variants,
                  "NAME:OPTIONS, as in 'wide:--hidden 500 --norm layer'; may be given often [no BatchNorm, BatchNorm + "
                  "bias, BatchNorm]")
      ->type_name("V")
      ->allow_extra_args(false);
  c.option("--lrs", "R,R,...", "Learning rates, of every variant without --lr [0.01,0.1,1]",
           [&a](const std::string& option, const std::string& text) {
             a.lrs.clear();
             for (std::string_view rest = text;;) {
               const auto [rate, others] = split_at(rest, ',');
               a.lrs.push_back(number<double>(option, rate, 0, kLargest));
               if (rest.find(',') == rest.npos) break;
               rest = others;
             }
           });
  c.number<Index>("--seeds", "N", "Train every variant from N seeds [5]", 1, 1000, o.seeds);
  c.number<std::uint64_t>("--seed", "N", "The first of them [1]", 0, kLargestFirstSeed, o.base.seed);
  c.number<Index>("--eval-every", "K", "Evaluate every K steps, besides the ends of epochs [50]", 1, kMany,
                  o.base.eval_every);
  add_run_options(c, o.base, u);
}

void add_tape_options(Command& c, TapeOptions& o) {
  c.option("--hidden", "W,W,...", "Widths of the hidden layers [4]",
           [&o](const std::string& option, const std::string& text) { o.network.hidden = widths(option, text, 1000); });
  c.choice("--norm", "After each hidden Linear", kNorms, o.network.norm);
  c.choice("--bias", "auto drops a bias that BatchNorm cancels", kBiasRules, o.network.bias);
  c.choice("--batchnorm", "How it is computed", kBatchNormKinds, o.network.batch_norm_kind);
  c.choice("--activation", "After the normalization", kActivations, o.network.activation);
  c.number<Index>("--batch", "N", "Samples in the batch [5]", 2, 1000, o.batch);
  c.number<std::uint64_t>("--seed", "N", "Of weights and samples [1]", 0, std::numeric_limits<std::uint64_t>::max(),
                          o.seed);
  c.flag("--dot", "Print the graph in Graphviz's language: tare tape --dot | dot -Tsvg -o tape.svg", o.dot);
}

/// What depends on more than one option.
void resolve(TrainOptions& o, const Unresolved& u) {
  const bool sgd = o.optimizer == OptimizerKind::sgd;
  o.lr = u.lr.value_or(sgd ? 0.05 : 0.001);
  if (u.momentum && !sgd) {
    throw UsageError("--momentum: expected only with --optimizer sgd, found {}", name_in(kOptimizers, o.optimizer));
  }
  o.momentum = u.momentum.value_or(o.momentum);
  if (!o.epochs && !o.steps) o.epochs = 5;
  if (!o.resume.empty() && !o.init.empty()) {
    throw UsageError("--init: expected without --resume, which goes on from the weights of {}", o.resume);
  }
  if (o.checkpoint_every && o.checkpoint.empty()) {
    throw UsageError("--checkpoint-every: expected together with --checkpoint FILE");
  }
  if (o.batch == 1 && o.network.norm == Norm::batch && !o.network.hidden.empty()) {
    throw UsageError("--batch: BatchNorm needs at least 2 samples in a batch to have a variance, found 1");
  }
  const std::pair<const char*, const std::string&> files[] = {
      {"--save", o.save}, {"--log", o.log}, {"--checkpoint", o.checkpoint}, {"--picture", o.picture}};
  for (std::size_t i = 0; i < std::size(files); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const std::string& file = files[i].second;
      if (!file.empty() && file == files[j].second) {
        throw UsageError("{}: expected another file than {}, found {}", files[i].first, files[j].first, file);
      }
    }
  }
}

/// The options that the words of a checkpoint say, with those of a command line behind them; not resolved.
struct ResumedOptions {
  TrainOptions options;
  Unresolved unresolved;

  ResumedOptions(const std::map<std::string, std::string>& saved, const std::vector<std::string>& given, int threads) {
    options.threads = threads;
    CLI::App app("", "tare");
    Command train(app, "train", "", "");
    add_train_options(train, options, unresolved);
    std::vector<std::string> words{"train"};
    for (const auto& [name, text] : saved) words.push_back(text.empty() ? name : name + "=" + text);
    words.insert(words.end(), given.begin(), given.end());
    std::ranges::reverse(words);  // as CLI11 wants them
    app.parse(words);
    // A checkpoint says both where they apply.
    options.lr = unresolved.lr.value_or(0);
    options.momentum = unresolved.momentum.value_or(0);
  }
};

/// What may be given anew, because it changes neither what has been computed nor the log's rows.
bool may_change(const std::string& option, const ScheduleOptions& schedule) {
  // The data may have moved; its bytes are compared. Without the cosine the end does not change what comes before.
  constexpr std::string_view kFree[] = {"--checkpoint", "--checkpoint-every", "--data", "--detect-anomaly",
                                        "--log",        "--picture",          "--save"};
  constexpr std::string_view kEnd[] = {"--epochs", "--steps"};
  return std::ranges::find(kFree, option) != std::end(kFree) ||
         (schedule.kind != ScheduleOptions::Kind::cosine && std::ranges::find(kEnd, option) != std::end(kEnd));
}

/// The options of the run that `file` is a checkpoint of, with what `words` adds to them. UsageError if these contradict.
TrainOptions resume_options(const std::string& file, const std::vector<std::string>& words, int threads) {
  const RunDescription run = from_metadata(read_safetensors(file).metadata, file);
  std::map<std::string, std::string> before;
  try {
    before = all_words(ResumedOptions(run.options, {}, threads).options);
  } catch (const Error& error) {
    throw Error("{}: its options cannot be read: {}", file, error.what());
  } catch (const CLI::ParseError& error) {
    throw Error("{}: its options cannot be read: {}", file, error.what());
  }
  ResumedOptions resumed(run.options, words, threads);
  std::vector<std::string> expected, found;
  for (const auto& [name, text] : all_words(resumed.options)) {
    const auto saved = before.find(name);
    if ((saved != before.end() && saved->second == text) || may_change(name, resumed.options.schedule)) continue;
    expected.push_back(saved == before.end() ? "no " + name : name + " " + saved->second);
    found.push_back(text.empty() ? name : name + " " + text);
  }
  if (!found.empty()) {
    throw UsageError("--resume {}: expected {}, as in the run that was saved, found {}", file,
                     fmt::join(expected, ", "), fmt::join(found, ", "));
  }
  resolve(resumed.options, resumed.unresolved);
  return resumed.options;
}

/// A case for every variant and learning rate.
void resolve(CompareOptions& o, const Unresolved& base, const CompareArguments& a) {
  if (o.out.empty()) throw UsageError("--out: expected the folder to write to, found nothing");
  std::vector<VariantWords> variants = a.experiment ? a.experiment->variants : default_variants();
  if (!a.variants.empty()) {
    variants.clear();
    for (const std::string& text : a.variants) {
      const auto [name, words] = split_at(text, ':');
      variants.push_back({.name = std::string(name), .words = std::string(words)});
    }
  }
  if (a.experiment) {
    o.title = a.experiment->title;
    o.about = a.experiment->about;
    if (a.variants.empty()) o.axis = a.experiment->axis;
  }
  std::vector<double> lrs = a.lrs;
  if (lrs.empty()) lrs = a.experiment ? a.experiment->lrs : std::vector{0.01, 0.1, 1.0};
  std::ranges::sort(lrs);
  lrs.erase(std::unique(lrs.begin(), lrs.end()), lrs.end());

  std::set<std::string> names;
  for (const VariantWords& v : variants) {
    const std::string what = "--variant " + v.name;
    const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr(" .+-=_", c); };
    if (v.name.empty() || v.name.size() > 60 || !std::ranges::all_of(v.name, allowed)) {
      throw UsageError(
          "--variant: expected NAME:OPTIONS with a NAME of at most 60 letters, digits, spaces and .+-=_, "
          "found \"{}\"",
          v.name);
    }
    if (!names.insert(file_name(v.name)).second)
      throw UsageError("{}: this name, or one like it, is there twice", what);
    TrainOptions options = o.base;
    Unresolved unresolved = base;
    read_words(what, v.words, options, unresolved);
    for (double lr : unresolved.lr ? std::vector{*unresolved.lr} : lrs) {
      unresolved.lr = lr;
      try {
        resolve(options, unresolved);
      } catch (const UsageError& error) {
        throw UsageError("{}: {}", what, error.what());
      }
      Case& c = o.cases.emplace_back(Case{.variant = v.name,
                                          .options = options,
                                          .series = v.series.empty() ? v.name : v.series,
                                          .panel = fmt::format("learning rate {}", lr),
                                          .x = v.x.value_or(lr)});
      if (!v.x) continue;
      c.panel = fmt::format("{} {}", o.axis, *v.x);
      if (lrs.size() > 1) c.panel += fmt::format(", learning rate {}", lr);
      if (lrs.size() > 1) c.series += fmt::format(", learning rate {}", lr);
    }
  }
}

// The words of the command line as a shell takes them, the program by its name alone.
std::string shell_words(int argc, char** argv) {
  std::string command = "tare";
  for (const std::string& word : std::vector<std::string>(argv + 1, argv + argc)) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-_./,=:+", c); };
    if (!word.empty() && std::ranges::all_of(word, plain)) {
      command += " " + word;
      continue;
    }
    command += " '";
    for (char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += "'";
  }
  return command;
}

}  // namespace

const char* name_of(Activation activation) { return name_in(kActivations, activation); }
const char* name_of(Pixels pixels) { return name_in(kPixels, pixels); }
const char* name_of(Work work) { return name_in(kWorks, work); }
Activation activation_named(const std::string& name, const std::string& what) {
  return named(kActivations, name, what);
}
Pixels pixels_named(const std::string& name, const std::string& what) { return named(kPixels, name, what); }

std::vector<std::pair<std::string, std::string>> words(const TrainOptions& o) {
  const MlpOptions& n = o.network;
  std::vector<std::pair<std::string, std::string>> words;
  const auto add = [&](const char* option, const auto& value) { words.emplace_back(option, fmt::format("{}", value)); };
  add("--precision", name_in(kPrecisions, o.precision));
  add("--pixels", name_of(o.pixels));
  add("--hidden", fmt::to_string(fmt::join(n.hidden, ",")));
  add("--norm", name_in(kNorms, n.norm));
  add("--bias", name_in(kBiasRules, n.bias));
  add("--batchnorm", name_in(kBatchNormKinds, n.batch_norm_kind));
  add("--activation", name_of(n.activation));
  add("--dropout", n.dropout);
  switch (n.init.kind) {
    case InitScale::Kind::by_activation:
      add("--init-scale", n.activation == Activation::relu ? "he" : "xavier");
      break;
    case InitScale::Kind::he:
      add("--init-scale", "he");
      break;
    case InitScale::Kind::xavier:
      add("--init-scale", "xavier");
      break;
    case InitScale::Kind::normal:
      add("--init-scale", fmt::format("normal:{}", n.init.sigma));
      break;
  }
  add("--optimizer", name_in(kOptimizers, o.optimizer));
  add("--lr", o.lr);
  if (o.optimizer == OptimizerKind::sgd) add("--momentum", o.momentum);
  add("--weight-decay", o.weight_decay);
  switch (o.schedule.kind) {
    case ScheduleOptions::Kind::constant:
      add("--schedule", "constant");
      break;
    case ScheduleOptions::Kind::step:
      add("--schedule", fmt::format("step:{},{}", o.schedule.period, o.schedule.gamma));
      break;
    case ScheduleOptions::Kind::cosine:
      add("--schedule", fmt::format("cosine:{}", o.schedule.warmup));
      break;
  }
  if (o.clip) add("--clip", *o.clip);
  add("--batch", o.batch);
  if (o.epochs) add("--epochs", *o.epochs);
  if (o.steps) add("--steps", *o.steps);
  if (!o.shuffle) add("--no-shuffle", "");
  add("--seed", o.seed);
  return words;
}

std::map<std::string, std::string> all_words(const TrainOptions& o) {
  std::map<std::string, std::string> all;
  for (const auto& [name, text] : words(o)) all[name] = text;
  all["--data"] = o.data;
  for (const auto& [name, steps] : {std::pair("--log-every", o.log_every),
                                    {"--eval-every", o.eval_every},
                                    {"--checkpoint-every", o.checkpoint_every}}) {
    if (steps) all[name] = fmt::format("{}", *steps);
  }
  for (const auto& [name, file] :
       {std::pair("--log", &o.log), {"--save", &o.save}, {"--checkpoint", &o.checkpoint}, {"--picture", &o.picture}}) {
    if (!file->empty()) all[name] = *file;
  }
  if (o.detect_anomaly) all["--detect-anomaly"] = "";
  return all;
}

std::string file_name(const std::string& text) {
  std::string name = text;
  std::ranges::replace_if(
      name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)) && c != '.'; }, '-');
  return name;
}

int run_command_line(int argc, char** argv) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  TrainOptions train_options;
  EvalOptions eval_options;
  PredictOptions predict_options;
  BenchOptions bench_options;
  train_options.threads = eval_options.threads = predict_options.threads = bench_options.threads = cores;
  Unresolved unresolved;

  CLI::App app("Tare trains small neural networks and shows why a bias before batch normalization cancels.", "tare");
  app.require_subcommand(1);
  app.footer("\nExample: tare train --data data/mnist --save model.safetensors");
  app.set_version_flag("--version", "tare " TARE_VERSION);
  Command train(
      app, "train", "Train a network, evaluate it, and save it if asked to",
      "tare train --hidden 256,128 --norm batch --epochs 5 --save model.safetensors\n"
      "         tare train --checkpoint run.ckpt    (stopped, it goes on with: tare train --resume run.ckpt)");
  add_train_options(train, train_options, unresolved);
  Command eval(app, "eval", "Accuracy, loss and confusion matrix of a saved model on the test set",
               "tare eval model.safetensors --data data/mnist");
  add_eval_options(eval, eval_options);
  Command predict(app, "predict", "Classify pictures (PNG or PGM) and show them as the model sees them",
                  "tare predict model.safetensors seven.png scans/");
  add_predict_options(predict, predict_options);

  CancelOptions cancel_options;
  Command cancel(app, "cancel",
                 "Show, equation by equation, that a bias before BatchNorm cancels, and when it does not",
                 "tare cancel --precision float");
  cancel.choice("--precision", "Numbers to compute with", kPrecisions, cancel_options.precision);
  cancel.flag("--json", "One JSON object with all checks instead of text", cancel_options.json);
  GradcheckOptions gradcheck_options;
  Command gradcheck(app, "gradcheck", "Check the derivative of every op and layer against finite differences",
                    "tare gradcheck");
  gradcheck.flag("--json", "One JSON object instead of a table", gradcheck_options.json);
  CompareOptions compare_options;
  compare_options.base.threads = cores;
  compare_options.base.eval_every = 50;
  Unresolved compare_unresolved;
  CompareArguments compare_arguments;
  Command compare(
      app, "compare", "Train variants side by side over seeds and learning rates; write curves and a report",
      "tare compare --out comparison --lrs 0.05 --variant 'plain:--norm none' --variant 'batch:--norm batch'");
  add_compare_options(compare, compare_options, compare_unresolved, compare_arguments);
  TapeOptions tape_options;
  Command tape(app, "tape", "Print one training step's tape with shapes, values and gradients",
               "tare tape --norm batch --bias keep");
  add_tape_options(tape, tape_options);
  Command bench(app, "bench", "Time epochs of fixed networks, to compare with other frameworks",
                "tare bench --work W1 --threads 1\n\n"
                "W1  784-256-128-10 with BatchNorm, batch 128\n"
                "W2  the same with biases instead of BatchNorm\n"
                "W3  784-32-10 with BatchNorm, batch 16\n"
                "W4  784-1024-1024-1024-10 with BatchNorm, batch 256\n"
                "In float, SGD with momentum 0.9 and learning rate 0.05. What is timed is training alone.");
  add_bench_options(bench, bench_options);
  FoldOptions fold_options;
  Command fold(app, "fold", "Fold BatchNorm into the Linear layers of a saved model",
               "tare fold model.safetensors folded.safetensors");
  fold.app().add_option("IN", fold_options.in, "A saved model (safetensors)")->required();
  fold.app().add_option("OUT", fold_options.out, "The file to write")->required();
  fold.flag("--drop-bias", "Only drop the biases that BatchNorm cancels", fold_options.drop_bias);
  fold.flag("--quiet", "Say nothing", fold_options.quiet);

  Command data(app, "data", "Make, fetch or show a data set", "tare data show digits");
  data.app().require_subcommand(1);
  DataMakeOptions make_options;
  Command make(data.app(), "make", "Write a built-in set as IDX files", "tare data make digits-1 --seed 1");
  make.app()
      .add_option("DIR", make_options.folder, "The folder to write into; it is made if it is not there")
      ->required();
  make.text("--data", "NAME", "digits, spirals, moons, circles or blobs [digits]", make_options.data);
  make.number<std::uint64_t>("--seed", "N", "Of what is drawn; 1 is what --data NAME uses [1]", 0,
                             std::numeric_limits<std::uint64_t>::max(), make_options.seed);
  make.flag("--quiet", "Say nothing", make_options.quiet);
  FetchOptions fetch_options;
  Command fetch(data.app(), "fetch", "Download MNIST, verified, for --data mnist", "tare data fetch mnist");
  fetch.app().add_option("NAME", fetch_options.set, "mnist")->required();
  fetch.app().add_option("DIR", fetch_options.folder, "Where to [data/mnist]");
  fetch.text("--mirror", "URL", "Download from here instead of the known mirrors", fetch_options.mirror);
  fetch.number<int>("--timeout", "SECONDS", "Without any data, before a mirror is given up [20]", 1, 86400,
                    fetch_options.timeout);
  fetch.flag("--quiet", "No progress and no notices", fetch_options.quiet);
  DataShowOptions show_options;
  Command show(data.app(), "show", "Samples, class counts, mean and deviation of a set",
               "tare data show mnist --png mnist.png");
  show.app().add_option("NAME|DIR", show_options.data, "As --data of tare train [auto]");
  show.text("--png", "FILE.png", "Write the samples as a picture", show_options.png);
  show.flag("--json", "One JSON object on standard output instead of text", show_options.json);

  const Command* commands[] = {&train, &eval, &predict, &cancel, &gradcheck, &tape, &bench, &fold, &compare, &data};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    const auto* named = std::ranges::find_if(commands, &Command::given);
    const std::string command = named == std::end(commands) ? "" : (*named)->name() + " ";
    throw UsageError("{}; tare {}--help lists what there is", message, command);
  }

  if (train.given()) {
    if (train_options.resume.empty()) {
      resolve(train_options, unresolved);
    } else {
      char** const given = std::find(argv, argv + argc, std::string_view("train")) + 1;
      train_options = resume_options(train_options.resume, {given, argv + argc}, cores);
    }
    const bool single = train_options.precision == Precision::float32;
    return single ? float32::run_train(train_options) : float64::run_train(train_options);
  }
  if (compare.given()) {
    resolve(compare_options, compare_unresolved, compare_arguments);
    compare_options.command = shell_words(argc, argv);
    return run_compare(compare_options);
  }
  if (eval.given()) {
    const bool single = eval_options.precision == Precision::float32;
    return single ? float32::run_eval(eval_options) : float64::run_eval(eval_options);
  }
  if (predict.given()) {
    const bool single = predict_options.precision == Precision::float32;
    return single ? float32::run_predict(predict_options) : float64::run_predict(predict_options);
  }
  if (make.given()) return run_data_make(make_options);
  if (fetch.given()) {
    if (fetch_options.set != "mnist") throw UsageError("NAME: expected mnist, found \"{}\"", fetch_options.set);
    return run_fetch(fetch_options);
  }
  if (show.given()) return run_data_show(show_options);
  if (cancel.given()) {
    const bool single = cancel_options.precision == Precision::float32;
    return single ? float32::run_cancel(cancel_options) : float64::run_cancel(cancel_options);
  }
  if (bench.given()) return float32::run_bench(bench_options);
  if (fold.given()) {  // in the precision of the file
    const Safetensors contents = read_safetensors(fold_options.in);
    const bool twice =
        std::ranges::any_of(contents.tensors, [](const auto& t) { return t.second.dtype == Dtype::F64; });
    return twice ? float64::run_fold(fold_options, contents) : float32::run_fold(fold_options, contents);
  }
  return gradcheck.given() ? float64::run_gradcheck(gradcheck_options) : float64::run_tape(tape_options);
}

}  // namespace tare
