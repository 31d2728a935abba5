#include <tare/apps/compare/summary.h>

#include <tare/apps/cli/progress.h>
#include <tare/apps/compare/answer.h>

#include <sys/utsname.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace tare {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Spread& s) {
  if (s.count == 0) return {{"count", 0}};
  ordered_json json{{"count", s.count}, {"mean", s.mean}, {"deviation", nullptr}};
  if (s.deviation) json["deviation"] = *s.deviation;
  json["median"] = s.median;
  json["low"] = s.low;
  json["high"] = s.high;
  return json;
}

ordered_json to_json(const std::optional<double>& x) { return x ? ordered_json(*x) : ordered_json(nullptr); }

std::string processor_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != line.npos) return line.substr(colon + 2);
  }
  utsname names{};
  return uname(&names) == 0 ? names.machine : "";
}

ordered_json answer_json(const Comparison& comparison) {
  const std::vector<Case>& cases = comparison.options.cases;
  ordered_json json{{"sentences", answer(comparison)},
                    {"of", "final test accuracy, the variant's minus the other's, seed by seed"},
                    {"unit", "percentage points"},
                    {"interval", "95 %, Student's t"},
                    {"differences", ordered_json::array()}};
  for (const PairedDifference& d : paired_differences(comparison)) {
    ordered_json one{{"panel", cases[d.variant].panel},
                     {"lr", cases[d.variant].options.lr},
                     {"variant", cases[d.variant].variant},
                     {"against", cases[d.against].variant},
                     {"bias_only", d.bias_only},
                     {"seeds", d.seeds},
                     {"difference", nullptr},
                     {"low", to_json(d.accuracy.low)},
                     {"high", to_json(d.accuracy.high)},
                     {"steps_to_97_saved", nullptr},
                     {"seeds_that_reach_97", {{"variant", d.reached}, {"against", d.against_reached}}}};
    if (d.seeds > 0) one["difference"] = d.accuracy.mean;
    if (d.both_reached > 0) one["steps_to_97_saved"] = d.steps_saved;
    for (const auto& [key, i] : {std::pair("variant_diverged", d.variant), std::pair("against_diverged", d.against)}) {
      one[key] = summarize(comparison.runs[i]).diverged;
    }
    json["differences"].push_back(one);
  }
  return json;
}

}  // namespace

std::string reading(const Comparison& comparison) {
  return std::string(comparison.options.seeds == 1 ? "Accuracies are those of a single seed, which has no deviation. "
                                                   : "Accuracies are means over seeds with one sample deviation. ") +
         "Nothing here was chosen by its test accuracy: no learning rate, no step to stop at. Whoever picks the best "
         "of many curves on the test set reports its luck as skill; to choose, hold out part of the training set and "
         "look at the test set once.";
}

std::string bias_sentence(std::span<const Case> cases, const BiasEvidence& e) {
  const std::string deviation =
      e.largest.deviation ? fmt::format("where the deviation over seeds is {:.2f}", 100 * *e.largest.deviation)
                          : "of one seed, which has no deviation";
  return fmt::format(
      "{}: with and without the bias the mean curves differ by at most {:.2f} percentage points, at step {}, {}. The "
      "largest gradient of a bias before BatchNorm was {:.2g}, that of a beta behind it {:.2g}. Dropping the biases "
      "saves "
      "{} parameters.",
      cases[e.kept].panel, 100 * e.largest.difference, grouped(e.largest.step), deviation, e.largest_bias_gradient,
      e.largest_beta_gradient, grouped(e.parameters_saved));
}

ordered_json summary_json(const Comparison& comparison, std::span<const Claim> claims) {
  const CompareOptions& options = comparison.options;
  ordered_json json;
  json["title"] = options.title;
  json["about"] = options.about;
  json["command"] = options.command;
  json["answer"] = answer_json(comparison);
  json["reading"] = reading(comparison);
  json["data"] = comparison.data.name;
  json["data_folder"] = comparison.data.folder;
  json["data_digest"] = comparison.data.digest;
  json["training_samples"] = comparison.data.training_samples;
  json["test_samples"] = comparison.data.test_samples;
  json["axis"] = options.axis;
  const std::vector<std::string> missing = comparison.missing();
  json["runs_wanted"] = comparison.wanted();
  json["runs_finished"] = comparison.wanted() - missing.size();
  json["missing"] = missing;
  json["seeds"] = options.seeds;
  json["first_seed"] = options.base.seed;
  json["cases"] = ordered_json::array();
  for (std::size_t i = 0; i < options.cases.size(); ++i) {
    const Case& c = options.cases[i];
    const CaseSummary s = summarize(comparison.runs[i]);
    ordered_json one;
    one["variant"] = c.variant;
    one["lr"] = c.options.lr;
    one["panel"] = c.panel;
    one["series"] = c.series;
    one["x"] = c.x;
    for (const auto& [option, text] : words(c.options)) {
      if (option != "--seed") one["options"][option] = text;
    }
    one["finished"] = s.finished;
    one["diverged"] = s.diverged;
    one["diverged_runs"] = ordered_json::array();
    for (const auto& [place, step] : diverged_runs(comparison.runs[i])) {
      one["diverged_runs"].push_back({{"seed", comparison.seed(place)}, {"step", step}});
    }
    one["accuracy_of"] = survivors(s, comparison.runs[i].size());
    one["parameters"] = s.parameters;
    one["test_accuracy"] = to_json(s.test_accuracy);
    one["train_accuracy"] = to_json(s.train_accuracy);
    for (std::size_t k = 0; k < kThresholds.size(); ++k) {
      const std::string threshold = fmt::format("{}", kThresholds[k]);
      one["steps_to"][threshold] = to_json(s.steps_to[k]);
      one["seconds_to"][threshold] = to_json(s.seconds_to[k]);
    }
    one["seconds"] = to_json(s.seconds);
    json["cases"].push_back(one);
  }
  json["bias"] = ordered_json::array();
  for (const BiasEvidence& e : bias_evidence(options.cases, comparison.runs)) {
    json["bias"].push_back({{"with", options.cases[e.kept].variant},
                            {"without", options.cases[e.dropped].variant},
                            {"lr", options.cases[e.kept].options.lr},
                            {"largest_bias_gradient", e.largest_bias_gradient},
                            {"largest_beta_gradient", e.largest_beta_gradient},
                            {"parameters_saved", e.parameters_saved},
                            {"largest_difference", e.largest.difference},
                            {"at_step", e.largest.step},
                            {"deviation_there", to_json(e.largest.deviation)},
                            {"largest_difference_of_a_seed", e.largest_difference_of_a_seed}});
  }
  if (!claims.empty()) {
    for (const Claim& claim : claims) json["claims"].push_back(to_json(claim));
  }
  json["machine"] = {{"processor", processor_name()}, {"threads", options.base.threads}, {"tare", TARE_VERSION}};
  return json;
}

}  // namespace tare
