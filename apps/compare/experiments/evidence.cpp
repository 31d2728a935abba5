#include <tare/apps/compare/experiments/evidence.h>

#include <algorithm>

namespace tare {

std::vector<const Run*> finished_runs(const Comparison& comparison, const std::string& variant,
                                      std::optional<double> lr) {
  std::vector<const Run*> found;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    if (c.variant != variant || (lr && c.options.lr != *lr)) continue;
    for (const std::optional<Run>& run : comparison.runs[i]) {
      if (run) found.push_back(&*run);
    }
  }
  return found;
}

std::vector<std::vector<double>> measured(const Comparison& comparison, const std::string& variant,
                                          const std::string& name) {
  std::vector<std::vector<double>> lists;
  for (const Run* run : finished_runs(comparison, variant)) {
    const auto found = run->measured.find(name);
    if (found != run->measured.end() && !found->second.empty()) lists.push_back(found->second);
  }
  return lists;
}

std::vector<double> accuracies(std::span<const Run* const> runs) {
  std::vector<double> all;
  for (const Run* run : runs) all.push_back(run->test_accuracy().value_or(0));
  return all;
}

std::optional<double> median_accuracy(const Comparison& comparison, const std::string& variant) {
  const std::vector<const Run*> runs = finished_runs(comparison, variant);
  return runs.empty() ? std::nullopt : std::optional(100 * median(accuracies(runs)));
}

double median(std::vector<double> numbers) { return spread(std::move(numbers)).median; }

double median_of_all(const std::vector<std::vector<double>>& lists) {
  std::vector<double> all;
  for (const std::vector<double>& list : lists) all.insert(all.end(), list.begin(), list.end());
  return median(std::move(all));
}

void add_claim(std::vector<Claim>& claims, const std::string& claim, const std::string& source, double predicted,
               std::optional<double> measured, double low, double high) {
  if (measured) claims.push_back({claim, source, predicted, *measured, low, high});
}

Line accuracy_line(const Comparison& comparison, const std::string& series) {
  Line line{.title = series};
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    if (c.series != series) continue;
    const Spread s = spread(accuracies(finished_runs(comparison, c.variant, c.options.lr)));
    if (s.count > 0) {
      line.points.push_back({.x = c.x, .y = 100 * s.median, .low = 100 * s.low, .high = 100 * s.high});
    }
  }
  return line;
}

Line line_over_steps(const std::string& title, const std::vector<std::vector<double>>& lists, std::size_t piece) {
  Line line{.title = title};
  std::size_t longest = 0;
  for (const std::vector<double>& list : lists) longest = std::max(longest, list.size());
  for (std::size_t begin = 0; begin < longest; begin += piece) {
    std::vector<double> medians;
    for (const std::vector<double>& list : lists) {
      const std::size_t first = std::min(begin, list.size()), end = std::min(begin + piece, list.size());
      if (first == end) continue;
      medians.push_back(
          median({list.begin() + static_cast<std::ptrdiff_t>(first), list.begin() + static_cast<std::ptrdiff_t>(end)}));
    }
    const Spread s = spread(std::move(medians));
    const double x = static_cast<double>(begin) + static_cast<double>(std::min(piece, longest - begin) + 1) / 2;
    line.points.push_back({.x = x, .y = s.median, .low = s.low, .high = s.high});
  }
  return line;
}

}  // namespace tare
