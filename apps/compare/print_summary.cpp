#include <tare/apps/compare/print_summary.h>

#include <tare/apps/cli/gnuplot.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/compare/answer.h>
#include <tare/apps/compare/plots.h>
#include <tare/apps/compare/summary.h>
#include <tare/apps/compare/text_table.h>

#include <algorithm>
#include <cmath>

namespace tare {
namespace {

std::string accuracy_text(const Spread& s) {
  if (s.count == 0) return "-";
  if (s.is_uneven()) return fmt::format("{:.2f} ({:.2f} to {:.2f}) %", 100 * s.median, 100 * s.low, 100 * s.high);
  if (!s.deviation) return fmt::format("{:.2f} %", 100 * s.mean);
  return fmt::format("{:.2f} +- {:.2f} %", 100 * s.mean, 100 * *s.deviation);
}

std::string steps_text(const CaseSummary& s, std::size_t threshold) {
  const Spread& steps = s.steps_to[threshold];
  if (steps.count == 0) return "-";
  const std::string text = grouped(static_cast<std::int64_t>(steps.median));
  return steps.count < s.finished ? fmt::format("{} ({}/{})", text, steps.count, s.finished) : text;
}

std::string seeds_text(const CaseSummary& s, Index wanted) {
  if (s.diverged > 0) return fmt::format("{} of {} diverged", s.diverged, s.finished);
  return s.finished < wanted ? fmt::format("{} of {}", s.finished, wanted) : fmt::format("{}", s.finished);
}

void print_table(const Comparison& comparison, std::size_t width) {
  constexpr int kAlways = 100;
  TextColumn variant{.head = "variant"}, lr{.head = "lr", .importance = kAlways},
      accuracy{.head = "test accuracy", .importance = kAlways}, to_97{.head = "97 % at", .importance = 90},
      seeds{.head = "seeds", .importance = kAlways}, to_95{.head = "95 % at", .importance = 80},
      to_98{.head = "98 % at", .importance = 70}, training{.head = "training", .importance = 60},
      parameters{.head = "parameters", .importance = 50}, seconds{.head = "97 % after", .importance = 40};
  std::string notes;
  bool uneven = false;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    const CaseSummary s = summarize(comparison.runs[i]);
    if (s.finished == 0) continue;
    variant.cells.push_back(c.variant);
    lr.cells.push_back(fmt::format("{}", c.options.lr));
    accuracy.cells.push_back(accuracy_text(s.test_accuracy));
    seeds.cells.push_back(seeds_text(s, comparison.options.seeds));
    to_95.cells.push_back(steps_text(s, 0));
    to_97.cells.push_back(steps_text(s, 1));
    to_98.cells.push_back(steps_text(s, 2));
    training.cells.push_back(s.train_accuracy.count > 0 ? fmt::format("{:.2f} %", 100 * s.train_accuracy.mean) : "-");
    parameters.cells.push_back(grouped(s.parameters));
    seconds.cells.push_back(s.seconds_to[1].count > 0 ? fmt::format("{:.1f} s", s.seconds_to[1].median) : "-");
    uneven = uneven || s.test_accuracy.is_uneven();
    if (const std::string of = survivors(s, comparison.runs[i].size()); !of.empty()) {
      notes += wrapped(fmt::format("{} at learning rate {}: {} of the {}.", c.variant, c.options.lr,
                                   s.test_accuracy.is_uneven() ? "median" : "mean", of),
                       width) +
               "\n";
    }
  }
  const TextColumn columns[] = {variant, lr, accuracy, seeds, to_95, to_97, to_98, training, parameters, seconds};
  fmt::print("{}", text_table({std::begin(columns), std::end(columns)}, width));
  if (uneven) {
    notes +=
        wrapped("a (b to c) %: the median and the range, as the seeds are too far apart for a mean and its deviation.",
                width) +
        "\n";
  }
  fmt::print("{}", notes);
}

}  // namespace

void print_summary(const Comparison& comparison, std::span<const Claim> claims) {
  const CompareOptions& options = comparison.options;
  const std::size_t columns = terminal_columns();
  for (const Claim& claim : claims) fmt::print("{}\n", wrapped(sentence(claim), columns));
  if (!comparison.has_curves()) return;
  for (const std::string& sentence : answer(comparison)) fmt::print("{}\n", wrapped(sentence, columns));
  fmt::print("\n");
  if (can_plot()) {
    const std::vector<std::string> panels = panels_of(options.cases);
    for (std::size_t i = 0; i < std::min<std::size_t>(panels.size(), 3); ++i) {
      try {
        fmt::print("{}\n", text_curves(comparison, panels[i], columns));
      } catch (const Error&) {  // the picture of the same curves has failed as well, which was said
      }
    }
  }
  print_table(comparison, columns);
  for (const BiasEvidence& e : bias_evidence(options.cases, comparison.runs)) {
    fmt::print("\n{}\n", wrapped(bias_sentence(options.cases, e), columns));
  }
  fmt::print("\n{}\n", wrapped(reading(comparison), columns));
}

}  // namespace tare
