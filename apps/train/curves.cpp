#include <tare/apps/train/curves.h>

#include <tare/apps/cli/gnuplot.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tare {
namespace {

constexpr std::size_t kMostPoints = 1000;

struct Line {
  const char* title;
  const Curve* curve;
  const char* style;
};

// In the order in which they are drawn, the first ones below; in Okabe and Ito's colours.
std::vector<Line> lines_of(const Curves& c) {
  std::vector<Line> lines;
  for (const Line& line : {Line{"training batch", &c.batch, "lines lc rgb '#bbbbbb' lw 1"},
                           Line{"training, epoch so far", &c.epoch_mean, "lines lc rgb '#0072B2' lw 2"},
                           Line{"test", &c.test, "linespoints lc rgb '#D55E00' lw 2 pt 7 ps 0.5"},
                           Line{"validation", &c.validation, "linespoints lc rgb '#009E73' lw 2 pt 5 ps 0.5"}}) {
    if (!line.curve->points.empty()) lines.push_back(line);
  }
  return lines;
}

// Where an epoch begins, its mean begins anew: an empty line interrupts what is drawn.
std::string data_of(const Line& line, std::size_t number, bool by_epoch) {
  std::string data = fmt::format("$d{} << EOD\n", number);
  double epoch = 0;
  for (const auto& [step, in_epoch, loss, accuracy] : line.curve->points) {
    if (by_epoch && in_epoch != epoch && epoch != 0) data += "\n";
    data += fmt::format("{} {} {}\n", step, loss, 100 * accuracy);
    epoch = in_epoch;
  }
  return data + "EOD\n";
}

bool all_positive(const std::vector<Line>& lines) {
  return std::ranges::all_of(lines, [](const Line& line) {
    return std::ranges::all_of(line.curve->points, [](const Curve::Point& p) { return p[2] > 0; });
  });
}

// Logarithmic where it can be, and no wider than the curves.
std::string loss_axis(const std::vector<Line>& lines) {
  if (!all_positive(lines)) return "";
  std::string tics;
  for (int exponent = -6; exponent <= 3; ++exponent) {
    for (const char* digit : {"1", "2", "5"}) tics += fmt::format("{}{}e{}", tics.empty() ? "" : ",", digit, exponent);
  }
  return fmt::format("set logscale y\nset format y '%g'\nset autoscale yfix\nset ytics ({})\n", tics);
}

std::string plot(const std::vector<Line>& lines, int column) {
  std::string parts;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    parts += fmt::format("{}$d{} using 1:{} with {} title '{}'", k == 0 ? "plot " : ", ", k, column, lines[k].style,
                         lines[k].title);
  }
  return parts + "\n";
}

}  // namespace

void Curve::add(std::int64_t step, std::int64_t epoch, const Scores& scores) {
  if (!std::isfinite(scores.loss) || seen++ % every != 0) return;
  points.push_back({static_cast<double>(step), static_cast<double>(epoch), scores.loss, scores.accuracy});
  if (points.size() <= kMostPoints) return;
  every *= 2;
  for (std::size_t i = 0; 2 * i < points.size(); ++i) points[i] = points[2 * i];
  points.resize((points.size() + 1) / 2);
}

void Curves::add(const StepScores& s) {
  batch.add(s.step, s.epoch, s.batch);
  epoch_mean.add(s.step, s.epoch, s.epoch_mean);
  if (s.test) test.add(s.step, s.epoch, *s.test);
  if (s.validation) validation.add(s.step, s.epoch, *s.validation);
}

std::string svg(const Curves& curves) {
  const std::vector<Line> lines = lines_of(curves);
  std::string script =
      "set terminal svg size 720,640 dynamic noenhanced font 'sans-serif,14' background rgb 'white'\n"
      "set encoding utf8\nset grid lc rgb '#dddddd' dt 1\nset xrange [0:]\nset lmargin 9\n"
      "set key outside top center horizontal samplen 2\n";
  double low = 1;
  for (std::size_t k = 0; k < lines.size(); ++k) {
    script += data_of(lines[k], k, lines[k].curve == &curves.epoch_mean);
    if (lines[k].curve == &curves.batch) continue;  // the noise of single batches goes below the plot
    for (const Curve::Point& p : lines[k].curve->points) low = std::min(low, p[3]);
  }
  return gnuplot(script + "set multiplot layout 2,1\n" + loss_axis(lines) + "set ylabel 'loss'\n" + plot(lines, 2) +
                 "unset logscale y\nset ytics autofreq\nset ylabel 'accuracy (%)'\nset xlabel 'step'\nunset key\n" +
                 fmt::format("set yrange [{}:100]\n", std::min(99.0, std::floor(100 * low))) + plot(lines, 3) +
                 "unset multiplot\n");
}

std::string text_plot(const Curves& curves, int columns) {
  std::vector<Line> lines = lines_of(curves);
  std::erase_if(lines, [&](const Line& line) { return line.curve == &curves.batch; });
  std::string script = fmt::format(
      "set terminal dumb noenhanced size {},13\nset xrange [0:]\nset tics scale 0\nset key top right\n", columns);
  for (std::size_t k = 0; k < lines.size(); ++k) {
    script += data_of(lines[k], k, false);
    lines[k].style = lines[k].curve == &curves.epoch_mean ? "lines" : "linespoints";
  }
  std::istringstream drawn(gnuplot(script + loss_axis(lines) + "set title 'loss over steps'\n" + plot(lines, 2)));
  std::string text;
  for (std::string line; std::getline(drawn, line);) {
    const std::size_t end = line.find_last_not_of(" \f");
    if (end != line.npos) text += line.substr(line.find_first_not_of('\f'), end + 1) + "\n";
  }
  return text;
}

}  // namespace tare
