#include <tare/apps/compare/plots.h>

#include <tare/apps/cli/gnuplot.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace tare {
namespace {

// Okabe and Ito's colours, which people with any kind of colour vision tell apart; in grey, dashes and marks do it.
constexpr const char* kColours[] = {"#D55E00", "#0072B2", "#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"};
constexpr int kDashes[] = {1, 1, 2, 4, 5, 3, 2};
constexpr int kMarks[] = {6, 5, 9, 11, 4, 13, 8};

// gnuplot's words for the colour, dash and width of the k-th line.
std::string line_style(std::size_t k) {
  return fmt::format("lc rgb '{}' dt {} lw {}", kColours[k % 7], kDashes[k % 7], k == 1 ? 4 : 2);
}

constexpr auto quoted = quoted_for_gnuplot;

// With so many lines in the key below the plot, which gets no smaller by it.
std::string svg_terminal(std::size_t lines = 3) {
  return fmt::format(
      "set terminal svg size 520,{} dynamic enhanced font 'sans-serif,15' background rgb 'white'\n"
      "set encoding utf8\nset border lw 1\nset grid lc rgb '#cccccc' dt 1\nset style fill transparent solid 0.18 "
      "noborder\nset key outside bottom center horizontal Left reverse samplen 3\n",
      300 + 20 * std::max<std::size_t>(lines, 3));
}

double least_error(std::int64_t samples) { return 50.0 / static_cast<double>(samples); }  // half an error, in percent

// Accuracy, on an axis on which the error is logarithmic: otherwise the curves worth comparing lie on one another.
class AccuracyAxis {
 public:
  explicit AccuracyAxis(std::int64_t samples) : least_(least_error(samples)) {}

  double place(double accuracy) {
    const double error = std::max(100 * (1 - accuracy), least_);
    low_ = std::min(low_, error);
    high_ = std::max(high_, error);
    return error;
  }
  double bottom() const { return std::min(100.0, high_ * 1.25); }

  std::string script() const {
    std::string tics;
    for (double error : {0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 90.0}) {
      tics += fmt::format("{}'{:.{}f}' {}", tics.empty() ? "" : ",", 100 - error,
                          error < 0.1 ? 2
                          : error < 1 ? 1
                                      : 0,
                          error);
    }
    return fmt::format("set ylabel 'test accuracy (%)'\nset logscale y\nset yrange [{}:{}]\nset ytics ({})\n", bottom(),
                       low_ / 1.25, tics);
  }

 private:
  double least_, low_ = 100, high_ = 0;
};

std::vector<std::string> series_of(std::span<const Case> cases) {
  std::vector<std::string> series;
  for (const Case& c : cases) {
    if (std::ranges::find(series, c.series) == series.end()) series.push_back(c.series);
  }
  return series;
}

// The curves of a panel's cases; `set terminal` and the like come first in the script.
std::string curve_script(const Comparison& comparison, const std::string& panel, bool bands) {
  AccuracyAxis axis(comparison.test_samples);
  std::string data, plot;
  const std::vector<std::string> series = series_of(comparison.options.cases);
  for (std::size_t i = 0; i < comparison.options.cases.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    if (c.panel != panel) continue;
    const std::vector<MeanPoint> curve = mean_curve(comparison.runs[i]);
    if (curve.empty()) continue;
    data += fmt::format("$d{} << EOD\n", i);
    for (const auto& [step, a] : curve) {
      data += fmt::format("{} {} {} {}\n", step, axis.place(a.mean), axis.place(std::min(1.0, a.mean + a.deviation)),
                          axis.place(std::max(0.0, a.mean - a.deviation)));
    }
    data += "EOD\n";
    const auto k = static_cast<std::size_t>(std::ranges::find(series, c.series) - series.begin());
    if (bands) {
      plot += fmt::format("{}$d{} using 1:3:4 with filledcurves lc rgb '{}' notitle", plot.empty() ? "" : ", ", i,
                          kColours[k % 7]);
    }
    const std::string style = bands ? line_style(k) : fmt::format("lt {}", k + 1);
    plot +=
        fmt::format("{}$d{} using 1:2 with lines {} title {}", plot.empty() ? "" : ", ", i, style, quoted(c.variant));
  }
  if (plot.empty()) return "";
  return data + axis.script() + "set xlabel 'step'\nset xrange [0:]\nset title " + quoted(panel) + "\nplot " + plot +
         "\n";
}

bool is_logarithmic(const std::set<double>& values) {
  return *values.begin() > 0 && *values.rbegin() / *values.begin() >= 50;
}

// The words for an x axis that shows exactly these values.
std::string x_axis(const std::string& label, const std::set<double>& values) {
  const bool logarithmic = is_logarithmic(values);
  std::string tics;
  for (double x : values) tics += fmt::format("{}'{}' {}", tics.empty() ? "" : ",", x, x);
  const double margin = (*values.rbegin() - *values.begin()) * 0.08;
  return fmt::format("set xlabel {}\n{}set xrange [{}:{}]\nset xtics ({})\n", quoted(label),
                     logarithmic ? "set logscale x\n" : "",
                     logarithmic ? *values.begin() / 1.5 : *values.begin() - margin,
                     logarithmic ? *values.rbegin() * 1.5 : *values.rbegin() + margin, tics);
}

// A line with bars for every series over the comparison's axis. `each` gives the middle, the low and the high end of a
// case, or nothing.
template <class Each>
std::string over_axis(const Comparison& comparison, const std::set<double>& values, const Each& each) {
  const bool logarithmic = is_logarithmic(values);
  const double range = *values.rbegin() - *values.begin();
  std::string data, plot;
  const std::vector<std::string> series = series_of(comparison.options.cases);
  for (std::size_t k = 0; k < series.size(); ++k) {
    std::string points;
    for (std::size_t i = 0; i < comparison.options.cases.size(); ++i) {
      const Case& c = comparison.options.cases[i];
      if (c.series != series[k]) continue;
      if (const std::optional<Percentiles> p = each(summarize(comparison.runs[i]))) {
        // A little beside one another, so that equal results are both seen.
        const double aside = static_cast<double>(k) - static_cast<double>(series.size() - 1) / 2;
        const double x = logarithmic ? c.x * std::pow(1.05, aside) : c.x + 0.01 * aside * range;
        points += fmt::format("{} {} {} {}\n", x, (*p)[1], (*p)[0], (*p)[2]);
      }
    }
    if (points.empty()) continue;
    data += fmt::format("$d{} << EOD\n{}EOD\n", k, points);
    plot += fmt::format(
        "{0}$d{1} using 1:2 with lines {2} notitle, $d{1} using 1:2:3:4 with yerrorbars lc rgb '{3}' pt {4} "
        "ps 0.9 lw 2 notitle, NaN with linespoints {2} pt {4} title {5}",
        plot.empty() ? "" : ", ", k, line_style(k), kColours[k % 7], kMarks[k % 7], quoted(series[k]));
  }
  return plot.empty() ? "" : data + "plot " + plot + "\n";
}

}  // namespace

std::vector<std::string> panels_of(std::span<const Case> cases) {
  std::vector<std::string> panels;
  for (const Case& c : cases) {
    if (std::ranges::find(panels, c.panel) == panels.end()) panels.push_back(c.panel);
  }
  return panels;
}

std::vector<Plot> plot_curves(const Comparison& comparison) {
  std::vector<Plot> plots;
  for (const std::string& panel : panels_of(comparison.options.cases)) {
    const std::string script = curve_script(comparison, panel, true);
    if (script.empty()) continue;
    plots.push_back(
        {.name = "curves-" + file_name(panel),
         .caption = fmt::format("Test accuracy while training, {}: the mean over the seeds, and a band of one "
                                "deviation to either side. The axis is logarithmic in the error.",
                                panel),
         .svg = gnuplot(svg_terminal() + script)});
  }
  return plots;
}

std::vector<Plot> plot_over_axis(const Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  std::set<double> values;
  for (const Case& c : options.cases) values.insert(c.x);
  if (values.size() < 2) return {};
  std::vector<Plot> plots;

  AccuracyAxis axis(comparison.test_samples);
  const std::string accuracy = over_axis(comparison, values, [&](const CaseSummary& s) -> std::optional<Percentiles> {
    const Spread& a = s.test_accuracy;
    if (a.count == 0) return std::nullopt;
    return Percentiles{axis.place(std::max(0.0, a.mean - a.deviation)), axis.place(a.mean),
                       axis.place(std::min(1.0, a.mean + a.deviation))};
  });
  if (!accuracy.empty()) {
    plots.push_back(
        {.name = "accuracy",
         .caption = fmt::format("Final test accuracy against {}: the mean over the seeds that did not diverge, "
                                "with one deviation to either side. The axis is logarithmic in the error.",
                                options.axis),
         .svg = gnuplot(svg_terminal() + axis.script() + x_axis(options.axis, values) + accuracy)});
  }
  const std::string steps = over_axis(comparison, values, [](const CaseSummary& s) -> std::optional<Percentiles> {
    const Spread& to_97 = s.steps_to[1];
    if (to_97.count == 0) return std::nullopt;
    return Percentiles{to_97.low, to_97.median, to_97.high};
  });
  if (!steps.empty()) {
    plots.push_back(
        {.name = "steps-to-97",
         .caption = fmt::format("Steps until the test accuracy is first at least 97 %, against {}: the median over "
                                "the seeds that get there, with the range over them.",
                                options.axis),
         .svg = gnuplot(svg_terminal() + x_axis(options.axis, values) +
                        "set logscale y 2\nset ylabel 'steps to 97 % test accuracy'\n" + steps)});
  }
  return plots;
}

std::vector<Plot> plot_inputs(const Comparison& comparison) {
  std::vector<Plot> plots;
  for (std::size_t i = 0; i < comparison.options.cases.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    const auto run = std::ranges::find_if(comparison.runs[i], &std::optional<Run>::has_value);
    if (run == comparison.runs[i].end()) continue;
    std::string points;
    for (const CurvePoint& p : (*run)->curve) {
      if (p.input && std::ranges::all_of(*p.input, [](double x) { return std::isfinite(x); })) {
        points += fmt::format("{} {} {} {}\n", p.step, (*p.input)[0], (*p.input)[1], (*p.input)[2]);
      }
    }
    if (points.empty()) continue;
    const std::string title = c.variant + ", " + c.panel;
    const std::string script = fmt::format(
        "$d << EOD\n{}EOD\nset xlabel 'step'\nset xrange [0:]\nset ylabel 'input to the activation'\nset title {}\n"
        "plot $d using 1:2:4 with filledcurves lc rgb '#0072B2' notitle, "
        "$d using 1:4 with lines lc rgb '#0072B2' dt 2 lw 1.5 title '85th percentile', "
        "$d using 1:3 with lines lc rgb '#000000' lw 2 title 'median', "
        "$d using 1:2 with lines lc rgb '#0072B2' dt 4 lw 1.5 title '15th'\n",
        points, quoted(title));
    plots.push_back(
        {.name = "inputs-" + file_name(title),
         .caption = fmt::format("{}: percentiles over test images of the input to the activation of the last "
                                "hidden layer's first unit, one seed.",
                                title),
         .svg = gnuplot(svg_terminal() + script)});
  }
  return plots;
}

std::vector<Plot> plot_bias(const Comparison& comparison) {
  std::vector<Plot> plots;
  for (const BiasEvidence& e : bias_evidence(comparison.options.cases, comparison.runs)) {
    std::string points;
    for (const Difference& d : e.differences) {
      points += fmt::format("{} {} {} {}\n", d.step, 100 * d.difference, -100 * d.deviation, 100 * d.deviation);
    }
    if (points.empty()) continue;
    const Case& c = comparison.options.cases[e.kept];
    const std::string script = fmt::format(
        "$d << EOD\n{}EOD\nset xlabel 'step'\nset xrange [0:]\nset ylabel 'percentage points'\nset title {}\n"
        "plot $d using 1:3:4 with filledcurves lc rgb '#0072B2' title 'deviation over seeds', "
        "$d using 1:2 with lines lc rgb '#000000' lw 2 title 'with the bias minus without'\n",
        points, quoted(c.panel));
    plots.push_back(
        {.name = "bias-" + file_name(c.panel),
         .caption = fmt::format("Test accuracy with the bias minus that without, {}: the difference of the means "
                                "over the seeds, beside one deviation over the seeds.",
                                c.panel),
         .svg = gnuplot(svg_terminal() + script)});
  }
  return plots;
}

std::optional<Plot> draw(const LinePlot& plot) {
  std::string data, lines, guides;
  for (std::size_t k = 0; k < plot.lines.size(); ++k) {
    const Line& line = plot.lines[k];
    data += fmt::format("$d{} << EOD\n", k);
    bool has_band = false;
    std::size_t shown = 0;
    for (const Line::Point& p : line.points) {
      const auto can_be_shown = [](double x, bool logarithmic) { return std::isfinite(x) && (!logarithmic || x > 0); };
      if (!can_be_shown(p.x, plot.log_x) || !can_be_shown(p.y, plot.log_y)) continue;
      const bool whole = can_be_shown(p.low, plot.log_y) && can_be_shown(p.high, plot.log_y);
      data += fmt::format("{} {} {} {}\n", p.x, p.y, whole ? p.low : p.y, whole ? p.high : p.y);
      has_band = has_band || (whole && p.low < p.high);
      ++shown;
    }
    data += "EOD\n";
    if (shown == 0) continue;
    if (line.title.empty()) {
      guides += fmt::format(", $d{} using 1:2 with lines lc rgb '#888888' lw 1 notitle", k);
      continue;
    }
    const auto add = [&](const std::string& text) { lines += (lines.empty() ? "" : ", ") + text; };
    if (has_band) add(fmt::format("$d{} using 1:3:4 with filledcurves lc rgb '{}' notitle", k, kColours[k % 7]));
    const bool few = shown <= 12;
    add(fmt::format("$d{} using 1:2 with {} {}{} title {}", k, few ? "linespoints" : "lines", line_style(k),
                    few ? fmt::format(" pt {} ps 0.9", kMarks[k % 7]) : "", quoted(line.title)));
  }
  if (lines.empty()) return std::nullopt;
  const std::string axes =
      fmt::format("set xlabel {} offset 0,0.3\nset ylabel {}\n{}{}", quoted(plot.x_label), quoted(plot.y_label),
                  plot.log_x ? "set logscale x\n" : "", plot.log_y ? "set logscale y\nset format y '10^{%T}'\n" : "");
  return Plot{.name = plot.name,
              .caption = plot.caption,
              .svg = gnuplot(svg_terminal(plot.lines.size()) + data + axes + "plot " + lines + guides + "\n")};
}

std::vector<Plot> plot_layers(const Comparison& comparison) {
  struct Quantity {
    const char *name, *what, *layers;
    std::optional<double> (*of)(const LayerStatistics&);
  };
  static constexpr Quantity kQuantities[] = {
      {"gradient", "root mean square of the gradient at the output", "Linear",
       [](const LayerStatistics& l) { return l.gradient_rms; }},
      {"output", "root mean square of the output", "Linear",
       [](const LayerStatistics& l) { return std::optional(l.output_rms); }},
      {"update", "update over weight", "Linear", [](const LayerStatistics& l) { return l.update_ratio; }},
      {"angle", "angle of the weight in a step (radians)", "Linear", [](const LayerStatistics& l) { return l.angle; }},
      {"saturated", "share of saturated units", "activations",
       [](const LayerStatistics& l) { return l.saturated_share; }}};
  const CompareOptions& options = comparison.options;
  std::vector<Plot> plots;
  for (const std::string& panel : panels_of(options.cases)) {
    for (const Quantity& quantity : kQuantities) {
      const bool of_linear = quantity.layers == std::string("Linear");
      LinePlot plot{
          .name = fmt::format("layers-{}-{}", quantity.name, file_name(panel)),
          .caption = fmt::format("Layer by layer, {}: {}; median over the seeds and the steps in which the test "
                                 "set was evaluated, with the range over the seeds.",
                                 panel, quantity.what),
          .x_label = of_linear ? "Linear layer" : "activation",
          .y_label = quantity.what,
          .log_y = of_linear};
      for (std::size_t i = 0; i < options.cases.size(); ++i) {
        if (options.cases[i].panel != panel) continue;
        std::vector<std::vector<double>> medians;  // of a layer, over the seeds
        for (const std::optional<Run>& run : comparison.runs[i]) {
          if (!run) continue;
          std::vector<std::string> places;  // in the order of the layers
          std::map<std::string, std::vector<double>> values;
          for (const LayerRow& row : run->layers) {
            const std::optional<double> value = quantity.of(row.statistics);
            if (!value || row.description.starts_with("Linear") != of_linear) continue;
            if (!values.contains(row.statistics.place)) places.push_back(row.statistics.place);
            values[row.statistics.place].push_back(*value);
          }
          medians.resize(std::max(medians.size(), places.size()));
          for (std::size_t k = 0; k < places.size(); ++k) medians[k].push_back(spread(values[places[k]]).median);
        }
        Line line{.title = options.cases[i].variant};
        for (std::size_t k = 0; k < medians.size(); ++k) {
          const Spread s = spread(medians[k]);
          line.points.push_back({.x = static_cast<double>(k + 1), .y = s.median, .low = s.low, .high = s.high});
        }
        if (!line.points.empty()) plot.lines.push_back(line);
      }
      if (std::optional<Plot> drawn = draw(plot)) plots.push_back(std::move(*drawn));
    }
  }
  return plots;
}

std::string text_curves(const Comparison& comparison, const std::string& panel, int columns) {
  const std::string script = curve_script(comparison, panel, false);
  if (script.empty()) return "";
  return gnuplot(fmt::format("set terminal dumb noenhanced size {},16\nset key outside right\n", columns) + script);
}

}  // namespace tare
