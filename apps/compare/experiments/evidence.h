// What experiments ask of the runs that are finished.
#pragma once

#include <tare/apps/compare/claims.h>
#include <tare/apps/compare/comparison.h>
#include <tare/apps/compare/plots.h>

namespace tare {

/// In the order of their seeds; none if there is no such variant. At one learning rate, or at all.
std::vector<const Run*> finished_runs(const Comparison& comparison, const std::string& variant,
                                      std::optional<double> lr = {});

/// A measurement of each of these that has it.
std::vector<std::vector<double>> measured(const Comparison& comparison, const std::string& variant,
                                          const std::string& name);

/// The last test accuracy of each, 0 of those that diverged.
std::vector<double> accuracies(std::span<const Run* const> runs);

/// The least difference of two accuracies that is one, in percentage points: half an error of 10,000.
inline constexpr double kLeastPoints = 0.005;

/// The end of an interval that has none.
inline constexpr double kNoEnd = 1e6;

/// The median over the seeds, in percent; nothing if no run is finished.
std::optional<double> median_accuracy(const Comparison& comparison, const std::string& variant);

double median(std::vector<double> numbers);
/// Over all numbers of all lists.
double median_of_all(const std::vector<std::vector<double>>& lists);

/// Adds a claim about what was measured, unless it was not.
void add_claim(std::vector<Claim>& claims, const std::string& claim, const std::string& source, double predicted,
               std::optional<double> measured, double low, double high);

/// The median over the lists at every place, in pieces of `piece` places of which each is a point, with the range over
/// the lists as its band. x is the middle of the piece, counted from 1.
Line line_over_steps(const std::string& title, const std::vector<std::vector<double>>& lists, std::size_t piece);

/// The test accuracy of a series' cases over their x, in percent: median and range over the seeds.
Line accuracy_line(const Comparison& comparison, const std::string& series);

}  // namespace tare
