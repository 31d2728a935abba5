// The plots of a comparison, drawn by gnuplot: as SVG for files and pages, as text for the terminal.
#pragma once

#include <tare/apps/compare/comparison.h>

namespace tare {

struct Plot {
  std::string name;     // of the file, without .svg
  std::string caption;  // what it shows, in a sentence or two
  std::string svg;
};

/// A panel: one learning rate, or one value on the experiment's axis. In the order of the cases.
std::vector<std::string> panels_of(std::span<const Case> cases);

/// Test accuracy over steps, the mean over seeds with a band of one deviation: a plot for every panel.
std::vector<Plot> plot_curves(const Comparison& comparison);
/// Final accuracy and steps to 97 % over the comparison's axis. None if it has a single value.
std::vector<Plot> plot_over_axis(const Comparison& comparison);
/// Percentiles of the input to an activation over training, of the first seed: a plot for every case.
std::vector<Plot> plot_inputs(const Comparison& comparison);

/// What the bias that BatchNorm cancels changes: the difference of the mean curves with and without it.
std::vector<Plot> plot_bias(const Comparison& comparison);

/// A plot of an experiment's own.
struct Line {
  struct Point {
    double x, y, low = y, high = y;
  };
  std::string title;
  std::vector<Point> points = {};
};
struct LinePlot {
  std::string name, caption, x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<Line> lines = {};
};
/// With a band from low to high. Points that an axis cannot show are left out; nothing if no line has others.
std::optional<Plot> draw(const LinePlot& plot);

/// What the layers did, over the layers: median over seeds and steps. A plot for every quantity and panel.
std::vector<Plot> plot_layers(const Comparison& comparison);

/// The curves of a panel as text, `columns` wide.
std::string text_curves(const Comparison& comparison, const std::string& panel, int columns);

}  // namespace tare
