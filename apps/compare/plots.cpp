#include <tare/apps/compare/plots.h>

#include <tare/apps/cli/gnuplot.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>
#include <sstream>

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
      "noborder\nset key outside bottom center horizontal Left reverse samplen 3 noenhanced\n",
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
  double top() const { return low_ / 1.25; }

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
                       top(), tics);
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

// The mean curves of a panel's cases, and how they are drawn.
struct PanelCurves {
  struct Curve {
    std::size_t case_index;
    std::vector<MeanPoint> points;
  };
  struct Diverged {
    std::size_t case_index;
    std::string name;
    std::int64_t step;
  };
  std::vector<Curve> curves = {};
  std::vector<Diverged> diverged = {};
  bool by_median = false;  // with the range as the band: means and deviations would mislead
  int seeds = 0;           // the most that a point is made of
  std::int64_t steps = 0;
};

PanelCurves curves_of(const Comparison& comparison, const std::string& panel) {
  PanelCurves all;
  for (std::size_t i = 0; i < comparison.options.cases.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    if (c.panel != panel) continue;
    for (const auto& [seed, step] : diverged_runs(comparison.runs[i])) {
      all.diverged.push_back({i, fmt::format("{}, seed {}", c.variant, comparison.seed(seed)), step});
    }
    std::vector<MeanPoint> points = mean_curve(comparison.runs[i]);
    if (points.empty()) continue;
    for (const MeanPoint& p : points) {
      all.by_median = all.by_median || !p.accuracy.band_fits();
      all.seeds = std::max(all.seeds, p.accuracy.count);
    }
    all.by_median = all.by_median || points.back().accuracy.is_uneven();
    all.steps = std::max(all.steps, points.back().step);
    all.curves.push_back({i, std::move(points)});
  }
  return all;
}

// Crosses with names above the axis, one above the other; `bottom` and `top` are its ends, on a logarithmic scale.
std::string diverged_script(const PanelCurves& panel, std::span<const std::size_t> colours, double bottom, double top) {
  std::string points, labels;
  for (std::size_t k = 0; k < panel.diverged.size(); ++k) {
    const auto& run = panel.diverged[k];
    const double height = bottom * std::pow(top / bottom, 0.04 + 0.06 * static_cast<double>(k % 15));
    const bool left = run.step > panel.steps / 2;
    points += fmt::format("{} {} {}\n", run.step, height,
                          std::strtol(kColours[colours[run.case_index] % 7] + 1, nullptr, 16));
    labels += fmt::format("set label {} at {},{} {} offset {},0 font ',11' noenhanced front\n", quoted(run.name),
                          run.step, height, left ? "right" : "left", left ? -1 : 1);
  }
  return points.empty() ? "" : "$diverged << EOD\n" + points + "EOD\n" + labels;
}

// The curves of a panel; `set terminal` and the like come first in the script. Bands and crosses only in pictures.
std::string curve_script(const Comparison& comparison, const std::string& panel, bool picture) {
  AccuracyAxis axis(comparison.data.test_samples);
  std::string data, plot;
  const std::vector<std::string> series = series_of(comparison.options.cases);
  std::vector<std::size_t> colours;
  for (const Case& c : comparison.options.cases) {
    colours.push_back(static_cast<std::size_t>(std::ranges::find(series, c.series) - series.begin()));
  }
  const PanelCurves all = curves_of(comparison, panel);
  if (all.curves.empty()) return "";
  for (const auto& [i, points] : all.curves) {
    data += fmt::format("$d{} << EOD\n", i);
    for (const auto& [step, a] : points) {
      const double deviation = a.deviation.value_or(0);
      data += all.by_median
                  ? fmt::format("{} {} {} {}\n", step, axis.place(a.median), axis.place(a.high), axis.place(a.low))
                  : fmt::format("{} {} {} {}\n", step, axis.place(a.mean), axis.place(a.mean + deviation),
                                axis.place(a.mean - deviation));
    }
    data += "EOD\n";
    const std::size_t k = colours[i];
    if (picture && all.seeds > 1) {
      plot += fmt::format("{}$d{} using 1:3:4 with filledcurves lc rgb '{}' notitle", plot.empty() ? "" : ", ", i,
                          kColours[k % 7]);
    }
    plot +=
        fmt::format("{}$d{} using 1:2 with lines {} title {}", plot.empty() ? "" : ", ", i,
                    picture ? line_style(k) : fmt::format("lt {}", k + 1), quoted(comparison.options.cases[i].variant));
  }
  if (picture && !all.diverged.empty()) {
    data += diverged_script(all, colours, axis.bottom(), axis.top());
    plot += ", $diverged using 1:2:3 with points pt 2 lw 2 lc rgb variable notitle";
  }
  return data + axis.script() + "set xlabel 'step'\nset xrange [0:]\nset title " + quoted(panel) +
         " noenhanced\nplot " + plot + "\n";
}

// " The mean of LayerNorm ends as that of the 3 of 5 seeds that did not diverge.", for every case of the panel that
// needs it.
std::string survivor_sentences(const Comparison& comparison, const std::string& panel, bool by_median) {
  std::string text;
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    const std::string of = survivors(summarize(comparison.runs[i]), comparison.runs[i].size());
    if (c.panel != panel || of.empty()) continue;
    text += fmt::format(" The {} of {} ends as that of the {}.", by_median ? "median" : "mean", c.variant, of);
  }
  return text;
}

std::string curve_caption(const Comparison& comparison, const std::string& panel) {
  const PanelCurves all = curves_of(comparison, panel);
  const char* const how =
      all.seeds < 2   ? "one seed, so there is no deviation"
      : all.by_median ? "the median over the seeds and, as a band, their range: the seeds are too far apart for "
                        "a mean and its deviation"
                      : "the mean over the seeds, and a band of one deviation to either side";
  std::string text =
      fmt::format("Test accuracy while training, {}: {}. The axis is logarithmic in the error.", panel, how);
  for (const auto& run : all.diverged) {
    text += fmt::format("{} {} in step {}", &run == &all.diverged.front() ? " A cross marks a run that diverged:" : ",",
                        run.name, run.step);
  }
  if (!all.diverged.empty()) text += ".";
  return text + survivor_sentences(comparison, panel, all.by_median);
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
  const auto finite = [](double x) { return std::min(x, std::numeric_limits<double>::max()); };
  return fmt::format("set xlabel {} noenhanced\n{}set xrange [{}:{}]\nset xtics ({})\n", quoted(label),
                     logarithmic ? "set logscale x\n" : "",
                     logarithmic ? *values.begin() / 1.5 : *values.begin() - margin,
                     finite(logarithmic ? *values.rbegin() * 1.5 : *values.rbegin() + margin), tics);
}

// A line through the medians of every series over the comparison's axis, and a point for every seed. `each` gives a
// run's number, or nothing.
template <class Each>
std::string over_axis(const Comparison& comparison, const std::set<double>& values, const Each& each) {
  const bool logarithmic = is_logarithmic(values);
  const double range = *values.rbegin() - *values.begin();
  std::string data, plot;
  const std::vector<std::string> series = series_of(comparison.options.cases);
  for (std::size_t k = 0; k < series.size(); ++k) {
    std::string medians, seeds;
    for (std::size_t i = 0; i < comparison.options.cases.size(); ++i) {
      const Case& c = comparison.options.cases[i];
      if (c.series != series[k]) continue;
      // A little beside one another, so that equal results are both seen.
      const double aside = static_cast<double>(k) - static_cast<double>(series.size() - 1) / 2;
      const double x = logarithmic ? c.x * std::pow(1.05, aside) : c.x + 0.01 * aside * range;
      std::vector<double> numbers;
      for (const std::optional<Run>& run : comparison.runs[i]) {
        const std::optional<double> number = run ? each(*run) : std::nullopt;
        if (!number) continue;
        numbers.push_back(*number);
        seeds += fmt::format("{} {}\n", x, *number);
      }
      if (!numbers.empty()) medians += fmt::format("{} {}\n", x, spread(std::move(numbers)).median);
    }
    if (medians.empty()) continue;
    data += fmt::format("$d{0} << EOD\n{1}EOD\n$s{0} << EOD\n{2}EOD\n", k, medians, seeds);
    plot += fmt::format(
        "{0}$s{1} using 1:2 with points lc rgb '{3}' pt 7 ps 0.35 notitle, "
        "$d{1} using 1:2 with linespoints {2} pt {4} ps 0.9 title {5}",
        plot.empty() ? "" : ", ", k, line_style(k), kColours[k % 7], kMarks[k % 7], quoted(series[k]));
  }
  return plot.empty() ? "" : data + "plot " + plot + "\n";
}

}  // namespace

void draw(Plot& plot) {
  plot.svg = gnuplot(plot.script);
  if (plot.svg.empty()) throw Error("gnuplot has drawn nothing");
}

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
    plots.push_back({.name = "curves-" + file_name(panel),
                     .caption = curve_caption(comparison, panel),
                     .script = svg_terminal() + script});
  }
  return plots;
}

std::vector<Plot> plot_over_axis(const Comparison& comparison) {
  const CompareOptions& options = comparison.options;
  std::set<double> values;
  for (const Case& c : options.cases) values.insert(c.x);
  if (values.size() < 2) return {};
  std::vector<Plot> plots;

  AccuracyAxis axis(comparison.data.test_samples);
  const std::string accuracy = over_axis(comparison, values, [&](const Run& run) {
    const std::optional<double> a = run.test_accuracy();
    return a ? std::optional(axis.place(*a)) : std::nullopt;
  });
  if (!accuracy.empty()) {
    std::string caption = fmt::format(
        "Final test accuracy against {}: a point for every seed that did not diverge, and a line through their "
        "medians. "
        "The axis is logarithmic in the error.",
        options.axis);
    for (std::size_t i = 0; i < options.cases.size(); ++i) {
      const CaseSummary s = summarize(comparison.runs[i]);
      if (s.diverged == 0) continue;
      caption += fmt::format(" {} of {} runs of {} at {} diverged.", s.diverged, s.finished, options.cases[i].variant,
                             options.cases[i].panel);
    }
    plots.push_back({.name = "accuracy",
                     .caption = std::move(caption),
                     .script = svg_terminal() + axis.script() + x_axis(options.axis, values) + accuracy});
  }
  const std::string steps = over_axis(comparison, values, [](const Run& run) {
    const CurvePoint* point = run.reached(kThresholds[1]);
    return point == nullptr ? std::nullopt : std::optional(static_cast<double>(point->step));
  });
  if (!steps.empty()) {
    plots.push_back(
        {.name = "steps-to-97",
         .caption = fmt::format("Steps until the test accuracy is first at least 97 %, against {}: a point for every "
                                "seed that gets there, and a line through their medians.",
                                options.axis),
         .script = svg_terminal() + x_axis(options.axis, values) +
                   "set logscale y 2\nset ylabel 'steps to 97 % test accuracy'\n" + steps});
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
        "$d << EOD\n{}EOD\nset xlabel 'step'\nset xrange [0:]\nset ylabel 'input to the activation'\nset title {} "
        "noenhanced\n"
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
         .script = svg_terminal() + script});
  }
  return plots;
}

std::vector<Plot> plot_bias(const Comparison& comparison) {
  std::vector<Plot> plots;
  for (const BiasEvidence& e : bias_evidence(comparison.options.cases, comparison.runs)) {
    std::string points;
    bool has_band = false;
    for (const Difference& d : e.differences) {
      const double deviation = d.deviation.value_or(0);
      points += fmt::format("{} {} {} {}\n", d.step, 100 * d.difference, -100 * deviation, 100 * deviation);
      has_band = has_band || d.deviation;
    }
    if (points.empty()) continue;
    const Case& c = comparison.options.cases[e.kept];
    const std::string script = fmt::format(
        "$d << EOD\n{}EOD\nset xlabel 'step'\nset xrange [0:]\nset ylabel 'percentage points'\nset title {} "
        "noenhanced\nplot {}$d using 1:2 with lines lc rgb '#000000' lw 2 title 'with the bias minus without'\n",
        points, quoted(c.panel),
        has_band ? "$d using 1:3:4 with filledcurves lc rgb '#0072B2' title 'deviation over seeds', " : "");
    plots.push_back({.name = "bias-" + file_name(c.panel),
                     .caption = fmt::format("Test accuracy with the bias minus that without, {}: {}.", c.panel,
                                            has_band ? "the difference of the means over the seeds, beside one "
                                                       "deviation over the seeds"
                                                     : "the difference of one seed, which has no deviation"),
                     .script = svg_terminal() + script});
  }
  return plots;
}

std::optional<Plot> line_plot(const LinePlot& plot) {
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
  const std::string axes = fmt::format("set xlabel {} offset 0,0.3 noenhanced\nset ylabel {} noenhanced\n{}{}",
                                       quoted(plot.x_label), quoted(plot.y_label), plot.log_x ? "set logscale x\n" : "",
                                       plot.log_y ? "set logscale y\nset format y '10^{%T}'\n" : "");
  return Plot{.name = plot.name,
              .caption = plot.caption,
              .script = svg_terminal(plot.lines.size()) + data + axes + "plot " + lines + guides + "\n"};
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
      if (std::optional<Plot> drawn = line_plot(plot)) plots.push_back(std::move(*drawn));
    }
  }
  return plots;
}

std::string text_curves(const Comparison& comparison, const std::string& panel, std::size_t columns) {
  const std::string script = curve_script(comparison, panel, false);
  if (script.empty()) return "";
  std::istringstream lines(
      gnuplot(fmt::format("set terminal dumb noenhanced size {},16\nset key outside right\n", columns) + script));
  std::string text;
  for (std::string line; std::getline(lines, line);) {  // gnuplot begins with a form feed and fills lines with blanks
    const std::size_t end = line.find_last_not_of(" \f");
    if (end != line.npos) text += line.substr(0, end + 1) + "\n";
  }
  return text;
}

}  // namespace tare
