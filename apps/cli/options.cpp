#include <tare/apps/cli/options.h>

#include <tare/apps/cli/names.h>

#include <algorithm>
#include <cctype>

namespace tare {

namespace {

std::string parts_text(const BatchNormParts& parts) {
  std::vector<const char*> names;
  for (const auto& [name, part] : kBatchNormParts) {
    if (parts.*part) names.push_back(name);
  }
  return fmt::to_string(fmt::join(names, ","));
}

// Of a name that stands in a file: a wrong one is no bad usage.
template <class T>
T named_in_file(const Names<T>& names, const std::string& name, const std::string& what) {
  try {
    return named(names, name, what);
  } catch (const UsageError& error) {
    throw Error("{}", error.what());
  }
}

}  // namespace

const char* name_of(Activation activation) { return name_in(kActivations, activation); }
const char* name_of(Pixels pixels) { return name_in(kPixels, pixels); }
const char* name_of(Work work) { return name_in(kWorks, work); }
Activation activation_named(const std::string& name, const std::string& what) {
  return named_in_file(kActivations, name, what);
}
Pixels pixels_named(const std::string& name, const std::string& what) { return named_in_file(kPixels, name, what); }

std::vector<std::pair<std::string, std::string>> words(const TrainOptions& o) {
  const MlpOptions& n = o.network;
  std::vector<std::pair<std::string, std::string>> words;
  const auto add = [&](const char* option, const auto& value) { words.emplace_back(option, fmt::format("{}", value)); };
  add("--precision", name_in(kPrecisions, o.precision));
  add("--pixels", name_of(o.pixels));
  add("--hidden", fmt::to_string(fmt::join(n.hidden, ",")));
  add("--norm", name_in(kNorms, n.norm));
  add("--bias", name_in(kBiasRules, n.bias));
  add("--batchnorm", name_in(kBatchNormKinds, o.batch_norm));
  // What is rarely given is said only where it is.
  if (n.norm_place != NormPlace::before) add("--norm-place", name_in(kNormPlaces, n.norm_place));
  if (n.parts != BatchNormParts{}) add("--bn-parts", parts_text(n.parts));
  if (n.bn_momentum != MlpOptions{}.bn_momentum) add("--bn-momentum", n.bn_momentum);
  if (o.ghost) add("--ghost", *o.ghost);
  if (n.residual) add("--residual", "");
  if (n.trained != Trained::all) add("--train", name_in(kTrained, n.trained));
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
  if (o.decay != Decay::all) add("--decay", name_in(kDecays, o.decay));
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
  if (o.noise > 0) add("--noise", o.noise);
  if (o.augment.any()) {
    std::vector<std::string> parts;
    for (const auto& [part, most] :
         {std::pair("shift", o.augment.shift), {"rotate", o.augment.rotate}, {"elastic", o.augment.elastic}}) {
      if (most > 0) parts.push_back(fmt::format("{}:{}", part, most));
    }
    add("--augment", fmt::to_string(fmt::join(parts, ",")));
  }
  if (o.validation > 0) add("--validation", o.validation);
  if (o.keep != Keep::last) add("--keep", name_in(kKeeps, o.keep));
  if (o.patience) add("--patience", *o.patience);
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
  for (const auto& [name, file] : {std::pair("--log", &o.log),
                                   {"--layers", &o.layers},
                                   {"--test", &o.test},
                                   {"--save", &o.save},
                                   {"--checkpoint", &o.checkpoint},
                                   {"--picture", &o.picture},
                                   {"--plot", &o.plot}}) {
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

}  // namespace tare
