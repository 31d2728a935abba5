#include <tare/apps/train/train_options.h>

#include <tare/apps/train/resumed_outputs.h>
#include <tare/apps/train/run_description.h>
#include <tare/layers/files/safetensors.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace tare {
namespace {

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

BatchNormParts batch_norm_parts(const std::string& option, const std::string& text) {
  BatchNormParts parts{.mean = false, .variance = false, .affine = false};
  std::string_view rest = text;
  for (bool more = true; more;) {
    more = rest.find(',') != rest.npos;
    const auto [name, others] = split_at(rest, ',');
    bool& part = parts.*named(kBatchNormParts, std::string(name), option);
    if (part) throw UsageError("{}: expected every part once, found \"{}\"", option, text);
    part = true;
    rest = others;
  }
  return parts;
}

AugmentOptions augment(const std::string& option, const std::string& text) {
  AugmentOptions options;
  std::map<std::string_view, double*> missing{
      {"shift", &options.shift}, {"rotate", &options.rotate}, {"elastic", &options.elastic}};
  const std::string parts = text + ',';
  for (std::string_view rest = parts; !rest.empty();) {
    const auto [part, others] = split_at(rest, ',');
    const auto [kind, value] = split_at(part, ':');
    const auto target = missing.find(kind);
    if (target == missing.end()) {
      throw UsageError("{}: expected some of shift:PIXELS,rotate:DEGREES,elastic:ALPHA, each once, found \"{}\"",
                       option, text);
    }
    *target->second = number<double>(fmt::format("{}: {}", option, kind), value, 0, kind == "rotate" ? 180 : kLargest);
    missing.erase(target);
    rest = others;
  }
  return options;
}

void add_lr(Command& c, Unresolved& u) {
  c.group(Group::optimizer).number<double>("--lr", "R", "Learning rate [0.05 with sgd, else 0.001]", 0, kLargest, u.lr);
}

}  // namespace

std::vector<Index> widths(const std::string& option, const std::string& text, Index widest) {
  std::vector<Index> result;
  std::size_t begin = 0;
  for (std::size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(',', begin);
    const std::string_view width = std::string_view(text).substr(begin, end == std::string::npos ? end : end - begin);
    result.push_back(number<Index>(option, width, 1, widest));
  }
  return result;
}

void add_threads(Command& c, int& threads) {
  c.group(Group::run)
      .number<int>("--threads", "N", "Threads; they never change a result [all cores]", 1, 1024, threads);
}

void add_json(Command& c, bool& json) {
  c.group(Group::output).flag("--json", "One JSON object on standard output instead of text", json);
}

void add_data(Command& c, std::string& data) {
  c.group(Group::data)
      .text("--data", "NAME|DIR|FILE.csv",
            "mnist; built in: digits, spirals, moons, circles, blobs; a folder of IDX files, or of folders of pictures "
            "named by class; a table of numbers whose column label, or else the last, is the class; auto: mnist, or "
            "digits where it is not found [auto]",
            data);
}

void add_test(Command& c, std::string& test) {
  c.group(Group::data)
      .text("--test", "FILE.csv", "With a table: test on all rows of this one [a fifth of --data, drawn by the seed]",
            test);
}

void add_quiet(Command& c, bool& quiet) { c.group(Group::output).flag("--quiet", "No progress and no notices", quiet); }

void add_common(Command& c, std::string& data, int& threads, bool& quiet, bool& json) {
  add_data(c, data);
  add_threads(c, threads);
  add_quiet(c, quiet);
  add_json(c, json);
}

void add_precision(Command& c, Precision& precision) {
  c.group(Group::run).choice("--precision", "Numbers to compute with", kPrecisions, precision);
}

void add_run_options(Command& c, TrainOptions& o, Unresolved& u) {
  c.group(Group::data)
      .choice("--pixels", "Scaling: (x/255-0.1307)/0.3081, x/255, x>=128 [standard]", kPixels, u.pixels);

  c.flag("--no-shuffle", "Take the samples in the order of the file", o.shuffle, false);
  c.number<double>("--noise", "SIGMA", "In training, add N(0, SIGMA^2) to every scaled input [0]", 0, kLargest,
                   o.noise);
  c.option("--augment", "PART,...", "Distort training images: shift:PIXELS,rotate:DEGREES,elastic:ALPHA [off]",
           [&o](const std::string& option, const std::string& text) { o.augment = augment(option, text); });

  c.group(Group::network);
  c.option("--hidden", "W,W,...", "Widths of the hidden layers [256,128]",
           [&o](const std::string& option, const std::string& text) { o.network.hidden = widths(option, text); });
  c.choice("--norm", "After each hidden Linear", kNorms, o.network.norm);
  c.choice("--bias", "auto drops a bias that BatchNorm cancels", kBiasRules, o.network.bias);
  c.choice("--batchnorm", "How training computes it; diagonal has a wrong gradient", kBatchNormKinds, o.batch_norm);
  c.choice("--norm-place", "Of the activation; behind it a bias is not cancelled and stays", kNormPlaces,
           o.network.norm_place);
  c.option(
      "--bn-parts", "P,P,...", "What BatchNorm does, of mean, variance and affine (gamma, beta) [all]",
      [&o](const std::string& option, const std::string& text) { o.network.parts = batch_norm_parts(option, text); });
  c.number<double>("--bn-momentum", "M", "Weight of the newest batch in the running statistics [0.1]", 0, 1,
                   o.network.bn_momentum);
  c.number<Index>("--ghost", "N", "BatchNorm's statistics over pieces of N samples of the batch [the batch]", 2, kMany,
                  o.ghost);
  c.choice("--activation", "After the normalization [relu]", kActivations, u.activation);
  c.flag("--residual", "Hidden blocks add their input to their output where the widths agree", o.network.residual);
  c.choice("--train", "What is trained; norm: only gamma and beta", kTrained, o.network.trained);
  c.number<double>("--dropout", "P", "Probability, after the activation [0]", 0, kBelowOne, o.network.dropout);
  c.option("--init-scale", "he|xavier|normal:SIGMA", "Of the initial weights [he before relu, else xavier]",
           [&o](const std::string& option, const std::string& text) { o.network.init = init_scale(option, text); });

  c.group(Group::optimizer);
  c.choice("--optimizer", "Update rule", kOptimizers, o.optimizer);
  c.number<double>("--momentum", "M", "Only with sgd [0.9]", 0, kBelowOne, u.momentum);
  c.number<double>("--weight-decay", "W", "Of parameters; decoupled with adamw [0]", 0, kLargest, o.weight_decay);
  c.choice("--decay", "What --weight-decay acts on; weights: those of Linear only", kDecays, o.decay);
  c.option("--schedule", "S", "constant, step:EPOCHS,GAMMA, cosine[:WARMUP_STEPS] [constant]",
           [&o](const std::string& option, const std::string& text) { o.schedule = schedule(option, text); });
  c.number<double>("--clip", "NORM", "Clip the norm of the whole gradient [off]", kPositive, kLargest, o.clip);

  c.group(Group::run);
  c.number<Index>("--batch", "N", "Samples in a batch [128]", 1, kMany, o.batch);
  c.number<Index>("--epochs", "N", "Passes over the training data [5]", 1, kMany, o.epochs);
  c.number<Index>("--steps", "N", "Stop after N steps; alone, it lifts the limit of epochs", 1, kMany, o.steps);
}

void add_train_options(Command& c, TrainOptions& o, Unresolved& u) {
  add_data(c, o.data);
  add_test(c, o.test);
  add_lr(c, u);
  add_run_options(c, o, u);
  c.number<std::uint64_t>("--seed", "N", "Of the weights, the order of samples and all other draws [1]", 0,
                          kLargestSeed, o.seed);
  c.number<Index>("--validation", "N", "Hold N training samples out, drawn by the seed, and evaluate on them, too [0]",
                  0, kMany, o.validation);
  c.number<Index>("--patience", "E", "Stop after E epochs without a lower validation loss [off]", 1, kMany, o.patience);
  c.number<Index>("--eval-every", "K", "Evaluate every K steps, besides the ends of epochs", 1, kMany, o.eval_every);
  c.text("--init", "FILE", "Start from the tensors of this model, with its activation and pixels", o.init);
  c.text("--checkpoint", "FILE", "Keep the whole training state here, as of every epoch's end and when stopped",
         o.checkpoint);
  c.number<Index>("--checkpoint-every", "K", "Write the checkpoint every K steps, besides the ends of epochs", 1, kMany,
                  o.checkpoint_every);
  c.text("--resume", "FILE", "Go on from this checkpoint, exactly; its options need not be given again", o.resume);
  c.flag("--detect-anomaly", "Stop at the first value or gradient that is not finite, and name its op and layer",
         o.detect_anomaly);
  add_precision(c, o.precision);
  add_threads(c, o.threads);

  c.group(Group::output);
  c.text("--save", "FILE", "Save the model (safetensors)", o.save);
  c.choice("--keep", "What --save holds: the last model, or that of the lowest validation loss", kKeeps, o.keep);
  c.text("--log", "FILE",
         "Write a CSV: step, epoch, lr; train_loss, train_accuracy: of this batch, before its update; epoch_loss, "
         "epoch_accuracy: the means of the epoch so far; test_loss, test_accuracy, validation_loss, "
         "validation_accuracy: after the update, where evaluated",
         o.log);
  c.number<Index>("--log-every", "K", "Log every K steps, besides the ends of epochs [one epoch]", 1, kMany,
                  o.log_every);
  c.text("--layers", "FILE", "Write a CSV with a row for every layer and logged step: outputs, gradients, updates",
         o.layers);
  c.text("--plot", "FILE.svg", "Draw this run's loss and accuracy over its steps (needs gnuplot)", o.plot);
  c.text("--picture", "FILE.png", "With data in the plane: write the decision regions as a PNG", o.picture);
  add_quiet(c, o.quiet);
  add_json(c, o.json);
}

void read_words(const std::string& what, const std::string& text, TrainOptions& o, Unresolved& u) {
  std::vector<std::string> words;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    if (!word.starts_with('-') && word.find('=') != word.npos) word.insert(0, "--");
    words.push_back(word);
  }
  try {
    parse_words(words, [&](Command& c) {
      add_precision(c, o.precision);
      add_run_options(c, o, u);
      add_lr(c, u);
    });
  } catch (const UsageError& error) {
    throw UsageError("{}: {}; tare compare --help lists the options of a variant", what, error.what());
  }
}

namespace {

// What the model of --init was trained with is what it goes on with.
void heed_init(TrainOptions& o, const Unresolved& u) {
  const std::map<std::string, std::string> metadata = read_safetensors(o.init).metadata;
  const auto heed = [&](const char* key, auto of_name, const auto& given, auto& value) {
    const auto found = metadata.find(key);
    if (found == metadata.end()) return;
    value = of_name(found->second, fmt::format("{}: metadata \"{}\"", o.init, key));
    if (given && *given != value) {
      throw UsageError("--{}: {} was trained with {}, found {}", key, o.init, found->second, name_of(*given));
    }
  };
  heed("activation", activation_named, u.activation, o.network.activation);
  heed("pixels", pixels_named, u.pixels, o.pixels);
}

}  // namespace

void resolve(TrainOptions& o, const Unresolved& u) {
  const bool sgd = o.optimizer == OptimizerKind::sgd;
  o.lr = u.lr.value_or(sgd ? 0.05 : 0.001);
  if (u.momentum && !sgd) {
    throw UsageError("--momentum: expected only with --optimizer sgd, found {}", name_in(kOptimizers, o.optimizer));
  }
  o.momentum = u.momentum.value_or(o.momentum);
  o.network.activation = u.activation.value_or(o.network.activation);
  o.pixels = u.pixels.value_or(o.pixels);
  if (!o.init.empty()) heed_init(o, u);
  if (!o.epochs && !o.steps) o.epochs = 5;
  if (!o.resume.empty() && !o.init.empty()) {
    throw UsageError("--init: expected without --resume, which goes on from the weights of {}", o.resume);
  }
  if (o.checkpoint_every && o.checkpoint.empty()) {
    throw UsageError("--checkpoint-every: expected together with --checkpoint FILE");
  }
  if (o.validation == 0 && o.keep == Keep::best) {
    throw UsageError("--keep best: expected together with --validation N, whose loss says which is best");
  }
  if (o.validation == 0 && o.patience) throw UsageError("--patience: expected together with --validation N");
  const bool has_batch_norm = o.network.norm == Norm::batch && !o.network.hidden.empty();
  if (o.network.trained == Trained::norm && (o.network.norm == Norm::none || o.network.hidden.empty())) {
    throw UsageError("--train norm: expected hidden layers with a normalization, found none");
  }
  if (o.network.trained == Trained::norm && o.network.norm == Norm::batch && !o.network.parts.affine) {
    throw UsageError("--train norm: expected a gamma and a beta to train, found --bn-parts without affine");
  }
  if (o.batch_norm != BatchNormKind::fused && !(o.network.parts.mean && o.network.parts.variance)) {
    throw UsageError("--batchnorm: expected fused with --bn-parts that leave something out, found {}",
                     name_in(kBatchNormKinds, o.batch_norm));
  }
  if (o.ghost && has_batch_norm && o.batch % *o.ghost != 0) {
    throw UsageError("--ghost: expected a divisor of the batch of {}, found {}", o.batch, *o.ghost);
  }
  if (o.batch == 1 && has_batch_norm) {
    throw UsageError("--batch: BatchNorm needs at least 2 samples in a batch to have a variance, found 1");
  }
}

namespace {

/// The options that the words of a checkpoint say, with those of a command line behind them; not resolved.
struct ResumedOptions {
  TrainOptions options;
  Unresolved unresolved;

  ResumedOptions(const std::map<std::string, std::string>& saved, const std::vector<std::string>& given, int threads) {
    options.threads = threads;
    std::vector<std::string> words;
    for (const auto& [name, text] : saved) words.push_back(text.empty() ? name : name + "=" + text);
    words.insert(words.end(), given.begin(), given.end());
    parse_words(words, [this](Command& c) { add_train_options(c, options, unresolved); });
    // A checkpoint says both where they apply.
    options.lr = unresolved.lr.value_or(0);
    options.momentum = unresolved.momentum.value_or(0);
    options.network.activation = unresolved.activation.value_or(options.network.activation);
    options.pixels = unresolved.pixels.value_or(options.pixels);
  }
};

/// What may be given anew, because it changes neither what has been computed nor the log's rows.
bool may_change(const std::string& option, const ScheduleOptions& schedule) {
  // The data may have moved; its bytes are compared. Without the cosine the end does not change what comes before.
  constexpr std::string_view kFree[] = {
      "--checkpoint", "--checkpoint-every", "--data", "--detect-anomaly", "--layers", "--log",
      "--patience",   "--picture",          "--plot", "--save",           "--test"};
  constexpr std::string_view kEnd[] = {"--epochs", "--steps"};
  return std::ranges::find(kFree, option) != std::end(kFree) ||
         (schedule.kind != ScheduleOptions::Kind::cosine && std::ranges::find(kEnd, option) != std::end(kEnd));
}

}  // namespace

TrainOptions resume_options(const std::string& file, const std::vector<std::string>& words, int threads) {
  const RunDescription run = from_metadata(read_safetensors(file).metadata, file);
  std::map<std::string, std::string> before;
  try {
    before = all_words(ResumedOptions(run.options, {}, threads).options);
  } catch (const Error& error) {
    throw Error("{}: its options cannot be read: {}", file, error.what());
  }
  ResumedOptions resumed(run.options, words, threads);
  std::vector<std::string> expected, found;
  const std::map<std::string, std::string> now = all_words(resumed.options);
  for (const auto& [name, text] : now) {
    const auto saved = before.find(name);
    if ((saved != before.end() && saved->second == text) || may_change(name, resumed.options.schedule)) continue;
    expected.push_back(saved == before.end() ? "no " + name : name + " " + saved->second);
    found.push_back(text.empty() ? name : name + " " + text);
  }
  // Some options are no words where they are the default.
  for (const auto& [name, text] : before) {
    if (now.contains(name) || may_change(name, resumed.options.schedule)) continue;
    expected.push_back(name + " " + text);
    found.push_back("another " + name);
  }
  if (!found.empty()) {
    throw UsageError("--resume {}: expected {}, as in the run that was saved, found {}", file,
                     fmt::join(expected, ", "), fmt::join(found, ", "));
  }
  resolve(resumed.options, resumed.unresolved);
  check_resumed_outputs(resumed.options, ResumedOptions({}, words, threads).options, run, file);
  return resumed.options;
}

}  // namespace tare
