// The plots of a comparison, drawn by gnuplot: as SVG for files and pages, as text for the terminal.
#pragma once

#include <tare/apps/compare/comparison.h>

namespace tare {

struct Plot {
  std::string name;      // of the file, without .svg
  std::string caption;   // what it shows, in a sentence or two
  std::string script;    // for gnuplot
  std::string svg = {};  // once it is drawn
};

/// Fills in the SVG. Error if gnuplot fails.
void draw(Plot& plot);

/// A panel: one learning rate, or one value on the experiment's axis. In the order of the cases.
std::vector<std::string> panels_of(std::span<const Case> cases);

/// Test accuracy over steps, a plot for every panel: the mean over seeds with a band of one deviation or, where that
/// misleads, their median and range; and the runs that diverged, where they ended.
std::vector<Plot> plot_curves(const Comparison& comparison);
/// Final accuracy and steps to 97 % over the comparison's axis: every seed, and their median. None if the axis has a
/// single value.
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
std::optional<Plot> line_plot(const LinePlot& plot);

/// What the layers did, over the layers: median over seeds and steps. A plot for every quantity and panel.
std::vector<Plot> plot_layers(const Comparison& comparison);

/// The curves of a panel as text, `columns` wide. Error if gnuplot fails.
std::string text_curves(const Comparison& comparison, const std::string& panel, std::size_t columns);

}  // namespace tare
