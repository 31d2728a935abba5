#include <tare/apps/compare/comparison.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tare {
namespace {

using nlohmann::ordered_json;

// NaN without its sign, which is the processor's choice.
std::string text(double x) { return std::isnan(x) ? "nan" : fmt::format("{}", x); }
std::string text(const std::optional<double>& x) { return x ? text(*x) : ""; }

// JSON has no infinities and no NaN, and a curve that diverged ends in one: they become text.
ordered_json number(double x) { return std::isfinite(x) ? ordered_json(x) : ordered_json(text(x)); }
ordered_json number(const std::optional<double>& x) { return x ? number(*x) : ordered_json(nullptr); }

double as_number(const ordered_json& json) {
  return json.is_string() ? std::strtod(json.get<std::string>().c_str(), nullptr) : json.get<double>();
}
std::optional<double> as_optional(const ordered_json& json) {
  return json.is_null() ? std::nullopt : std::optional(as_number(json));
}

// In the order of their steps, those at which both curves have an accuracy.
template <class Each>
void at_common_steps(const std::vector<MeanPoint>& a, const std::vector<MeanPoint>& b, const Each& each) {
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].step == b[j].step) {
      each(a[i++], b[j++]);
    } else {
      ++(a[i].step < b[j].step ? i : j);
    }
  }
}

bool differ_in_bias_only(const TrainOptions& a, const TrainOptions& b) {
  if (a.network.norm != Norm::batch || a.network.bias == b.network.bias) return false;
  TrainOptions like_a = b;
  like_a.network.bias = a.network.bias;
  return words(like_a) == words(a);
}

}  // namespace

std::optional<double> Run::test_accuracy() const {
  if (diverged || curve.empty()) return std::nullopt;
  return curve.back().test_accuracy;
}

const CurvePoint* Run::reached(double accuracy) const {
  const auto point = std::ranges::find_if(curve, [&](const CurvePoint& p) { return p.test_accuracy >= accuracy; });
  return point == curve.end() ? nullptr : &*point;
}

ordered_json to_json(const Run& run) {
  ordered_json json;
  json["diverged"] = run.diverged;
  json["train_accuracy"] = number(run.train_accuracy);
  json["parameters"] = run.parameters;
  json["seconds"] = run.seconds;
  json["largest_bias_gradient"] = number(run.largest_bias_gradient);
  json["largest_beta_gradient"] = number(run.largest_beta_gradient);
  for (const auto& [name, numbers] : run.measured) {
    ordered_json& list = json["measured"][name] = ordered_json::array();
    for (double x : numbers) list.push_back(number(x));
  }
  for (const LayerRow& row : run.layers) {
    const LayerStatistics& l = row.statistics;
    json["layers"].push_back({row.step, row.description, l.place, number(l.output_mean), number(l.output_rms),
                              number(l.gradient_rms), number(l.saturated_share), number(l.weight_norm),
                              number(l.weight_gradient_norm), number(l.update_ratio), number(l.angle)});
  }
  ordered_json& curve = json["curve"] = ordered_json::array();
  for (const CurvePoint& p : run.curve) {
    ordered_json input = nullptr;
    if (p.input) input = {number((*p.input)[0]), number((*p.input)[1]), number((*p.input)[2])};
    curve.push_back({p.step, p.epoch, number(p.train_loss), number(p.test_loss), number(p.test_accuracy), p.seconds,
                     input, number(p.train_accuracy), number(p.epoch_loss), number(p.epoch_accuracy),
                     number(p.validation_loss), number(p.validation_accuracy)});
  }
  return json;
}

Run run_from_json(const ordered_json& json, const std::string& file) {
  try {
    Run run;
    run.diverged = json.at("diverged").get<bool>();
    run.train_accuracy = as_number(json.at("train_accuracy"));
    run.parameters = json.at("parameters").get<std::int64_t>();
    run.seconds = json.at("seconds").get<double>();
    run.largest_bias_gradient = as_optional(json.at("largest_bias_gradient"));
    run.largest_beta_gradient = as_optional(json.at("largest_beta_gradient"));
    if (json.contains("measured")) {
      for (const auto& [name, numbers] : json.at("measured").items()) {
        for (const ordered_json& x : numbers) run.measured[name].push_back(as_number(x));
      }
    }
    if (json.contains("layers")) {
      for (const ordered_json& row : json.at("layers")) {
        run.layers.push_back({.step = row.at(0).get<std::int64_t>(),
                              .description = row.at(1).get<std::string>(),
                              .statistics = {.place = row.at(2).get<std::string>(),
                                             .output_mean = as_number(row.at(3)),
                                             .output_rms = as_number(row.at(4)),
                                             .gradient_rms = as_optional(row.at(5)),
                                             .saturated_share = as_optional(row.at(6)),
                                             .weight_norm = as_optional(row.at(7)),
                                             .weight_gradient_norm = as_optional(row.at(8)),
                                             .update_ratio = as_optional(row.at(9)),
                                             .angle = as_optional(row.at(10))}});
      }
    }
    for (const ordered_json& p : json.at("curve")) {
      CurvePoint point{.step = p.at(0).get<std::int64_t>(),
                       .epoch = p.at(1).get<std::int64_t>(),
                       .train_loss = as_number(p.at(2)),
                       .test_loss = as_optional(p.at(3)),
                       .test_accuracy = as_optional(p.at(4)),
                       .seconds = p.at(5).get<double>(),
                       .input = std::nullopt,
                       .train_accuracy = as_optional(p.at(7)),
                       .epoch_loss = as_optional(p.at(8)),
                       .epoch_accuracy = as_optional(p.at(9)),
                       .validation_loss = as_optional(p.at(10)),
                       .validation_accuracy = as_optional(p.at(11))};
      if (const ordered_json& input = p.at(6); !input.is_null()) {
        point.input = Percentiles{as_number(input.at(0)), as_number(input.at(1)), as_number(input.at(2))};
      }
      run.curve.push_back(point);
    }
    return run;
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}: not a run that tare compare has written: {}", file, error.what());
  }
}

std::string run_name(const Case& c, std::uint64_t seed) {
  return fmt::format("{}, learning rate {}, seed {}", c.variant, c.options.lr, seed);
}

ordered_json origin(const CompareOptions& comparison, const Case& c, std::uint64_t seed, const std::string& data) {
  TrainOptions options = c.options;
  options.seed = seed;
  ordered_json json;
  json["tare"] = TARE_VERSION;
  json["data"] = data;
  for (const auto& [option, text] : words(options)) json[option] = text;
  json["--eval-every"] = options.eval_every ? fmt::format("{}", *options.eval_every) : "";
  // What is rarely given is said only where it is.
  if (comparison.measure != Measure::nothing) json["--experiment"] = comparison.experiment;
  if (comparison.layers) json["--layers"] = "";
  for (const auto& [name, value] : c.settings) json[name] = value;
  return json;
}

Spread spread(std::vector<double> numbers) {
  Spread s;
  if (numbers.empty()) return s;
  std::ranges::sort(numbers);
  const auto n = static_cast<double>(numbers.size());
  const std::size_t half = numbers.size() / 2;
  s.count = static_cast<int>(numbers.size());
  s.mean = std::accumulate(numbers.begin(), numbers.end(), 0.0) / n;
  double squares = 0;
  for (double x : numbers) squares += (x - s.mean) * (x - s.mean);
  if (numbers.size() > 1) s.deviation = std::sqrt(squares / (n - 1));
  s.median = numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
  s.low = numbers.front();
  s.high = numbers.back();
  return s;
}

CaseSummary summarize(const Runs& runs) {
  CaseSummary summary;
  std::vector<double> test, train, seconds;
  std::array<std::vector<double>, kThresholds.size()> steps_to, seconds_to;
  for (const std::optional<Run>& run : runs) {
    if (!run) continue;
    ++summary.finished;
    summary.parameters = run->parameters;
    seconds.push_back(run->seconds);
    if (const std::optional<double> accuracy = run->test_accuracy()) {
      test.push_back(*accuracy);
      train.push_back(run->train_accuracy);
    }
    summary.diverged += run->diverged;
    for (std::size_t i = 0; i < kThresholds.size(); ++i) {
      if (const CurvePoint* point = run->reached(kThresholds[i])) {
        steps_to[i].push_back(static_cast<double>(point->step));
        seconds_to[i].push_back(point->seconds);
      }
    }
  }
  summary.test_accuracy = spread(test);
  summary.train_accuracy = spread(train);
  summary.seconds = spread(seconds);
  for (std::size_t i = 0; i < kThresholds.size(); ++i) {
    summary.steps_to[i] = spread(steps_to[i]);
    summary.seconds_to[i] = spread(seconds_to[i]);
  }
  return summary;
}

std::string survivors(const CaseSummary& s, std::size_t wanted) {
  if (s.test_accuracy.count == 0 || static_cast<std::size_t>(s.test_accuracy.count) == wanted) return "";
  const bool all_finished = static_cast<std::size_t>(s.finished) == wanted;
  return fmt::format("{} of {} seeds that {}", s.test_accuracy.count, wanted,
                     s.diverged == 0 ? "are finished"
                     : all_finished  ? "did not diverge"
                                     : "are finished and did not diverge");
}

std::vector<DivergedRun> diverged_runs(const Runs& runs) {
  std::vector<DivergedRun> diverged;
  for (std::size_t seed = 0; seed < runs.size(); ++seed) {
    if (runs[seed] && runs[seed]->diverged) diverged.push_back({seed, runs[seed]->curve.back().step});
  }
  return diverged;
}

std::vector<MeanPoint> mean_curve(const Runs& runs) {
  std::map<std::int64_t, std::vector<double>> accuracies;
  for (const std::optional<Run>& run : runs) {
    if (!run) continue;
    for (const CurvePoint& p : run->curve) {
      if (p.test_accuracy) accuracies[p.step].push_back(*p.test_accuracy);
    }
  }
  std::vector<MeanPoint> curve;
  for (auto& [step, values] : accuracies) curve.push_back({step, spread(std::move(values))});
  return curve;
}

std::vector<BiasEvidence> bias_evidence(std::span<const Case> cases, std::span<const Runs> runs) {
  std::vector<BiasEvidence> all;
  for (std::size_t kept = 0; kept < cases.size(); ++kept) {
    if (cases[kept].options.network.bias != BiasRule::keep) continue;
    const auto dropped = static_cast<std::size_t>(
        std::ranges::find_if(cases,
                             [&](const Case& c) { return differ_in_bias_only(cases[kept].options, c.options); }) -
        cases.begin());
    if (dropped == cases.size()) continue;
    BiasEvidence e;
    e.kept = kept;
    e.dropped = dropped;

    Runs with, without;  // of the seeds of which both are finished
    for (std::size_t seed = 0; seed < runs[kept].size(); ++seed) {
      const std::optional<Run>&a = runs[kept][seed], &b = runs[dropped][seed];
      if (!a || !b) continue;
      with.push_back(a);
      without.push_back(b);
      e.largest_bias_gradient = std::max(e.largest_bias_gradient, a->largest_bias_gradient.value_or(0));
      e.largest_beta_gradient = std::max(e.largest_beta_gradient, a->largest_beta_gradient.value_or(0));
      e.parameters_saved = a->parameters - b->parameters;
      at_common_steps(mean_curve({a}), mean_curve({b}), [&](const MeanPoint& p, const MeanPoint& q) {
        const double difference = std::abs(p.accuracy.mean - q.accuracy.mean);
        e.largest_difference_of_a_seed = std::max(e.largest_difference_of_a_seed, difference);
      });
    }
    if (with.empty()) continue;
    at_common_steps(mean_curve(with), mean_curve(without), [&](const MeanPoint& p, const MeanPoint& q) {
      const std::optional<double> deviation = std::max(p.accuracy.deviation, q.accuracy.deviation);
      const Difference& d =
          e.differences.emplace_back(Difference{p.step, p.accuracy.mean - q.accuracy.mean, deviation});
      if (e.largest.step == 0 || std::abs(d.difference) > e.largest.difference) {
        e.largest = {d.step, std::abs(d.difference), d.deviation};
      }
    });
    all.push_back(e);
  }
  return all;
}

namespace {

// Calls each(prefix, run) for every finished run, with what the first columns say of it: "BatchNorm,1,0.05,".
template <class Each>
void for_each_run(const Comparison& comparison, const Each& each) {
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    for (std::size_t j = 0; j < comparison.runs[i].size(); ++j) {
      const std::optional<Run>& run = comparison.runs[i][j];
      if (run) each(fmt::format("{},{},{},", c.variant, comparison.seed(j), c.options.lr), *run);
    }
  }
}

}  // namespace

bool Comparison::has_curves() const {
  return std::ranges::any_of(runs, [](const Runs& of_case) {
    return std::ranges::any_of(of_case, [](const std::optional<Run>& run) { return run && !run->curve.empty(); });
  });
}

std::vector<std::string> Comparison::missing() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (std::size_t j = 0; j < runs[i].size(); ++j) {
      if (!runs[i][j]) names.push_back(run_name(options.cases[i], seed(j)));
    }
  }
  return names;
}

std::string curves_csv(const Comparison& comparison) {
  std::string csv =
      "variant,seed,lr,step,epoch,train_loss,test_loss,test_accuracy,train_accuracy,epoch_loss,epoch_accuracy,"
      "validation_loss,validation_accuracy\n";
  for_each_run(comparison, [&](const std::string& prefix, const Run& run) {
    for (const CurvePoint& p : run.curve) {
      csv += fmt::format("{}{},{},{},{},{},{},{},{},{},{}\n", prefix, p.step, p.epoch, text(p.train_loss),
                         text(p.test_loss), text(p.test_accuracy), text(p.train_accuracy), text(p.epoch_loss),
                         text(p.epoch_accuracy), text(p.validation_loss), text(p.validation_accuracy));
    }
  });
  return csv;
}

std::string layers_csv(const Comparison& comparison) {
  std::string lines = fmt::format("variant,seed,lr,{}", kLayersHeader);
  for_each_run(comparison, [&](const std::string& prefix, const Run& run) {
    for (const LayerRow& row : run.layers) lines += prefix + csv(row);
  });
  return lines;
}

std::string measured_csv(const Comparison& comparison) {
  std::string csv = "variant,seed,lr,name,index,value\n";
  for_each_run(comparison, [&](const std::string& prefix, const Run& run) {
    for (const auto& [name, numbers] : run.measured) {
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        csv += fmt::format("{}{},{},{}\n", prefix, name, i, text(numbers[i]));
      }
    }
  });
  return csv;
}

}  // namespace tare
