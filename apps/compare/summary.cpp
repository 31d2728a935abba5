#include <tare/apps/compare/summary.h>

#include <tare/apps/cli/progress.h>

#include <nlohmann/json.hpp>

namespace tare {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const Spread& s) {
  if (s.count == 0) return {{"count", 0}};
  return {{"count", s.count},   {"mean", s.mean}, {"deviation", s.deviation},
          {"median", s.median}, {"low", s.low},   {"high", s.high}};
}

}  // namespace

const char* const kReading =
    "Accuracies are means over seeds with one sample deviation. Nothing here was chosen by its test accuracy: no "
    "learning "
    "rate, no step to stop at. Whoever picks the best of many curves on the test set reports its luck as skill; to "
    "choose, "
    "hold out part of the training set and look at the test set once.";

std::string bias_sentence(std::span<const Case> cases, const BiasEvidence& e) {
  return fmt::format(
      "{}: with and without the bias the mean curves differ by at most {:.2f} percentage points, at step {}, where the "
      "deviation over seeds is {:.2f}. The largest gradient of a bias before BatchNorm was {:.2g}, that of a beta "
      "behind "
      "it {:.2g}. Dropping the biases saves {} parameters.",
      cases[e.kept].panel, 100 * e.largest.difference, grouped(e.largest.step), 100 * e.largest.deviation,
      e.largest_bias_gradient, e.largest_beta_gradient, grouped(e.parameters_saved));
}

ordered_json summary_json(const Comparison& comparison, std::span<const Claim> claims) {
  const CompareOptions& options = comparison.options;
  ordered_json json;
  json["command"] = options.command;
  json["data"] = options.base.data;
  json["seeds"] = options.seeds;
  json["first_seed"] = options.base.seed;
  json["cases"] = ordered_json::array();
  for (std::size_t i = 0; i < options.cases.size(); ++i) {
    const Case& c = options.cases[i];
    const CaseSummary s = summarize(comparison.runs[i]);
    ordered_json one;
    one["variant"] = c.variant;
    one["lr"] = c.options.lr;
    for (const auto& [option, text] : words(c.options)) {
      if (option != "--seed") one["options"][option] = text;
    }
    one["finished"] = s.finished;
    one["diverged"] = s.diverged;
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
                            {"deviation_there", e.largest.deviation},
                            {"largest_difference_of_a_seed", e.largest_difference_of_a_seed}});
  }
  if (!claims.empty()) {
    for (const Claim& claim : claims) json["claims"].push_back(to_json(claim));
  }
  return json;
}

}  // namespace tare
