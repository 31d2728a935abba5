#include <tare/apps/compare/answer.h>

#include <tare/apps/cli/progress.h>
#include <tare/apps/compare/plots.h>
#include <tare/apps/compare/student_t.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

constexpr std::size_t k97 = 1;  // of kThresholds

std::optional<double> steps_to_97(const Run& run) {
  const CurvePoint* point = run.reached(kThresholds[k97]);
  return point == nullptr ? std::nullopt : std::optional(static_cast<double>(point->step));
}

PairedDifference paired_difference(const Comparison& comparison, std::size_t variant, std::size_t against) {
  PairedDifference d;
  d.variant = variant;
  d.against = against;
  std::vector<double> points, steps;
  for (std::size_t seed = 0; seed < comparison.runs[variant].size(); ++seed) {
    const std::optional<Run>&a = comparison.runs[variant][seed], &b = comparison.runs[against][seed];
    if (!a || !b) continue;
    const std::optional<double> of_a = a->test_accuracy(), of_b = b->test_accuracy();
    if (of_a && of_b) points.push_back(100 * (*of_a - *of_b));
    const std::optional<double> steps_a = steps_to_97(*a), steps_b = steps_to_97(*b);
    d.reached += steps_a.has_value();
    d.against_reached += steps_b.has_value();
    if (steps_a && steps_b) steps.push_back(*steps_b - *steps_a);
  }
  d.seeds = static_cast<int>(points.size());
  d.accuracy = mean_interval(points);
  d.both_reached = static_cast<int>(steps.size());
  d.steps_saved = spread(steps).median;
  return d;
}

std::string seeds(int n) { return n == 1 ? "1 seed" : fmt::format("{} seeds", n); }

std::string interval_text(const PairedDifference& d) {
  const Interval& a = d.accuracy;
  if (!a.low) return fmt::format("{}: no interval", seeds(d.seeds));
  return fmt::format("95 % interval {:+.2f} to {:+.2f}, {}", *a.low, *a.high, seeds(d.seeds));
}

std::string steps_text(const Comparison& comparison, const PairedDifference& d) {
  const std::string variant = comparison.options.cases[d.variant].variant,
                    against = comparison.options.cases[d.against].variant;
  if (d.reached == 0 && d.against_reached == 0) return "neither reaches 97 %";
  if (d.reached == 0) return "it does not reach 97 %, as \"" + against + "\" does";
  if (d.against_reached == 0) return "it alone reaches 97 %";
  if (d.both_reached == 0) return "no seed reaches 97 % with both";
  const std::string over = fmt::format("(median of {})", seeds(d.both_reached));
  if (d.steps_saved == 0) return fmt::format("97 % comes at the same step {}", over);
  const auto steps = static_cast<std::int64_t>(std::llround(std::abs(d.steps_saved)));
  return fmt::format("97 % comes {} steps {} {}", grouped(steps), d.steps_saved > 0 ? "sooner" : "later", over);
}

// "At learning rate 0.1, BatchNorm ends 0.52 percentage points above no BatchNorm (95 % interval ...), and ...".
std::string difference_sentence(const Comparison& comparison, const PairedDifference& d) {
  const Case &variant = comparison.options.cases[d.variant], &against = comparison.options.cases[d.against];
  if (d.seeds == 0) {
    return fmt::format("At {}, {} and {} cannot be compared: in no seed do both end without having diverged.",
                       variant.panel, variant.variant, against.variant);
  }
  const double points = d.accuracy.mean;
  return fmt::format("At {}, {} ends {:.2f} percentage points {} {} ({}{}), and {}.", variant.panel, variant.variant,
                     std::abs(points), points < 0 ? "below" : "above", against.variant, interval_text(d),
                     d.accuracy.contains_zero() ? ", which does not tell it from 0" : "", steps_text(comparison, d));
}

// "Diverged: 3 of 5 runs of no BatchNorm at learning rate 1".
std::string divergence_sentence(const Comparison& comparison) {
  std::vector<std::string> diverged;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    const CaseSummary s = summarize(comparison.runs[i]);
    if (s.diverged == 0) continue;
    diverged.push_back(fmt::format("{} of {} runs of {} at {}", s.diverged, s.finished, c.variant, c.panel));
  }
  if (diverged.empty()) return "No run diverged.";
  return fmt::format("Diverged: {}.", fmt::join(diverged, "; "));
}

std::string bias_sentence(const Comparison& comparison, std::span<const PairedDifference> differences) {
  std::vector<std::string> each;
  int intervals = 0, with_zero = 0;
  std::int64_t saved = 0;
  for (const PairedDifference& d : differences) {
    if (!d.bias_only || d.seeds == 0) continue;
    each.push_back(fmt::format("{:+.2f} at {} ({})", d.accuracy.mean, comparison.options.cases[d.variant].panel,
                               interval_text(d)));
    intervals += d.accuracy.low.has_value();
    with_zero += d.accuracy.contains_zero();
    saved = summarize(comparison.runs[d.against]).parameters - summarize(comparison.runs[d.variant]).parameters;
  }
  if (each.empty()) return "";
  const std::string verdict = intervals == 0 ? ""
                              : intervals == with_zero
                                  ? ": no difference that these seeds can tell from 0"
                                  : fmt::format(": {} of {} intervals contain 0", with_zero, intervals);
  return fmt::format(
      "Without the bias that BatchNorm cancels the final accuracy changes, in percentage points, by {}{}. Dropping it "
      "saves {} parameters.",
      fmt::join(each, ", "), verdict, grouped(saved));
}

}  // namespace

Interval mean_interval(std::span<const double> numbers) {
  const Spread s = spread({numbers.begin(), numbers.end()});
  Interval interval{.mean = s.mean};
  if (!s.deviation) return interval;
  const double half = t_quantile_95(s.count - 1) * *s.deviation / std::sqrt(s.count);
  interval.low = s.mean - half;
  interval.high = s.mean + half;
  return interval;
}

std::vector<PairedDifference> paired_differences(const Comparison& comparison) {
  const std::vector<Case>& cases = comparison.options.cases;
  std::vector<std::pair<std::size_t, std::size_t>> bias;  // without, with
  for (const BiasEvidence& e : bias_evidence(cases, comparison.runs)) bias.emplace_back(e.dropped, e.kept);
  const auto differ_in_bias = [&](std::size_t a, std::size_t b) {
    return std::ranges::find(bias, std::pair(a, b)) != bias.end() ||
           std::ranges::find(bias, std::pair(b, a)) != bias.end();
  };

  std::vector<PairedDifference> all;
  for (const std::string& panel : panels_of(cases)) {
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (cases[i].panel != panel) continue;
      if (!first) {
        first = i;
      } else if (!differ_in_bias(i, *first)) {
        all.push_back(paired_difference(comparison, i, *first));
      }
    }
  }
  for (const auto& [without, with] : bias) {
    all.push_back(paired_difference(comparison, without, with));
    all.back().bias_only = true;
  }
  return all;
}

std::vector<std::string> answer(const Comparison& comparison) {
  if (!comparison.has_curves()) return {};
  std::vector<std::string> sentences;
  const std::vector<std::string> missing = comparison.missing();
  if (!missing.empty()) {
    sentences.push_back(fmt::format("Unfinished: {} of {} runs are missing, and what follows is about the others.",
                                    missing.size(), comparison.wanted()));
  }
  const std::vector<PairedDifference> differences = paired_differences(comparison);
  for (const PairedDifference& d : differences) {
    if (!d.bias_only) sentences.push_back(difference_sentence(comparison, d));
  }
  if (const std::string bias = bias_sentence(comparison, differences); !bias.empty()) sentences.push_back(bias);
  sentences.push_back(divergence_sentence(comparison));
  return sentences;
}

}  // namespace tare
