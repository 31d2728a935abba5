// The curves of one training, loss and accuracy over its steps, and how gnuplot draws them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tare {

struct Scores {
  double loss, accuracy;
};

/// What is known of a step.
struct StepScores {
  std::int64_t step, epoch;
  Scores batch, epoch_mean;
  std::optional<Scores> test = {}, validation = {};  // where evaluated
};

/// A curve, of which every 2nd, 4th ... point is kept when there are many.
struct Curve {
  using Point = std::array<double, 4>;  // step, epoch, loss, accuracy
  std::int64_t every = 1, seen = 0;
  std::vector<Point> points = {};

  void add(std::int64_t step, std::int64_t epoch, const Scores& scores);
};

struct Curves {
  Curve batch, epoch_mean, test, validation;

  void add(const StepScores& s);
  /// Whether there is a line to draw.
  bool any() const { return epoch_mean.points.size() >= 2; }
};

/// Both quantities as an SVG picture. Error, with gnuplot's message, if it cannot be drawn.
std::string svg(const Curves& curves);
/// The loss as text, at most `columns` wide and 12 lines high. Error likewise.
std::string text_plot(const Curves& curves, int columns);

}  // namespace tare
