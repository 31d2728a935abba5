#include <tare/apps/compare/report.h>

#include <tare/apps/cli/progress.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace tare {
namespace {

using nlohmann::ordered_json;

constexpr const char* kThresholdNames[] = {"95 %", "97 %", "98 %"};

// With spaces that do not break a line.
std::string percent(double fraction) { return fmt::format("{:.2f}\u00a0%", 100 * fraction); }

std::string mean_and_deviation(const Spread& s) {
  return s.count == 0  ? "-"
         : s.deviation ? fmt::format("{:.2f}\u00a0±\u00a0{:.2f}\u00a0%", 100 * s.mean, 100 * *s.deviation)
                       : percent(s.mean);
}

// The options of a case but for the seed, as `tare train` takes them.
std::string train_command(const Case& c, const std::string& data) {
  std::string command = "tare train --data " + data;
  for (const auto& [option, text] : words(c.options)) {
    if (option == "--seed") continue;
    command += " " + option;
    if (!text.empty()) command += " " + text;
  }
  return command;
}

std::string escaped(const std::string& text) {
  std::string html;
  for (char c : text) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string base64(const std::string& bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t j = 0; j < 3; ++j)
      three = three << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) text += i + j > bytes.size() ? '=' : kDigits[three >> (18 - 6 * j) & 63];
  }
  return text;
}

class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {
    html_ = "<table><thead><tr>";
    for (const std::string& h : head_) html_ += "<th scope=\"col\">" + escaped(h) + "</th>";
    html_ += "</tr></thead><tbody>\n";
  }
  // Every cell repeats its column's name, for narrow screens, where a row becomes a block.
  void row(const std::vector<std::string>& cells) {
    html_ += "<tr>";
    for (std::size_t i = 0; i < cells.size(); ++i) {
      html_ += fmt::format("<td data-name=\"{}\">{}</td>", escaped(head_[i]), escaped(cells[i]));
    }
    html_ += "</tr>\n";
  }
  std::string html() const { return html_ + "</tbody></table>\n"; }

 private:
  std::vector<std::string> head_;
  std::string html_;
};

std::string result_table(const Comparison& comparison) {
  std::vector<std::string> head{"variant", "learning rate", "test accuracy", "training accuracy"};
  for (const char* threshold : kThresholdNames) head.push_back(fmt::format("steps to {}", threshold));
  head.insert(head.end(), {"seconds to 97 %", "parameters", "diverged"});
  Table table(head);
  for (std::size_t i = 0; i < comparison.runs.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    const CaseSummary s = summarize(comparison.runs[i]);
    if (s.finished == 0) continue;
    std::vector<std::string> row{c.variant, fmt::format("{}", c.options.lr), mean_and_deviation(s.test_accuracy),
                                 mean_and_deviation(s.train_accuracy)};
    for (const Spread& steps : s.steps_to) {
      std::string text = "-";
      if (steps.count > 0) {
        text = grouped(static_cast<std::int64_t>(steps.median));
        if (steps.low < steps.high)
          text += fmt::format(" ({} to {})", grouped(static_cast<std::int64_t>(steps.low)),
                              grouped(static_cast<std::int64_t>(steps.high)));
        if (steps.count < s.finished) text += fmt::format(", {} of {}", steps.count, s.finished);
      }
      row.push_back(text);
    }
    row.push_back(s.seconds_to[1].count > 0 ? fmt::format("{:.2f}\u00a0s", s.seconds_to[1].median) : "-");
    row.push_back(grouped(s.parameters));
    row.push_back(fmt::format("{} of {}", s.diverged, s.finished));
    table.row(row);
  }
  return table.html();
}

std::string results_section(const Comparison& comparison) {
  return "<h2>Results</h2>\n" + result_table(comparison) +
         fmt::format(
             "<p>Accuracies and steps are those of {} seeds: mean ± one sample deviation, median (range). The test "
             "set is evaluated every {} steps and at the ends of epochs. Training accuracy is the mean over the last "
             "epoch. Seconds are those of training alone, measured with up to {} runs at a time on this machine.</p>\n"
             "<p>{}</p>\n",
             comparison.options.seeds, *comparison.options.base.eval_every, comparison.options.base.threads,
             escaped(reading(comparison)));
}

std::string bias_section(const Comparison& comparison) {
  const std::span<const Case> cases = comparison.options.cases;
  const std::vector<BiasEvidence> evidence = bias_evidence(cases, comparison.runs);
  if (evidence.empty()) return "";
  Table table({"learning rate", "largest gradient of such a bias", "largest gradient of a beta", "parameters saved",
               "largest difference of the mean curves", "deviation over seeds there",
               "largest difference of one seed"});
  for (const BiasEvidence& e : evidence) {
    table.row({fmt::format("{}", cases[e.kept].options.lr), fmt::format("{:.2g}", e.largest_bias_gradient),
               fmt::format("{:.2g}", e.largest_beta_gradient), grouped(e.parameters_saved),
               fmt::format("{} at step {}", percent(e.largest.difference), grouped(e.largest.step)),
               e.largest.deviation ? percent(*e.largest.deviation) : "-", percent(e.largest_difference_of_a_seed)});
  }
  return "<h2>The bias that BatchNorm cancels</h2>\n"
         "<p>BatchNorm subtracts the mean of the batch, and with it whatever constant a bias has added. So the loss "
         "does not "
         "depend on such a bias, and its gradient is zero but for rounding; beta, behind the normalization, has the "
         "gradient "
         "that the bias would have had. With and without the bias the networks compute the same function; what "
         "rounding "
         "changes, training amplifies, as it does any disturbance, and the deviation over seeds is the measure to hold "
         "it "
         "against.</p>\n" +
         table.html();
}

std::string claims_section(std::span<const Claim> claims) {
  if (claims.empty()) return "";
  Table table({"claim", "predicted", "measured", "agrees from", "to", "verdict", "source"});
  const auto text = [](double x) { return fmt::format("{:.4g}", x); };
  for (const Claim& c : claims) {
    table.row({c.claim, text(c.predicted), text(c.measured), text(c.low), text(c.high),
               c.agrees() ? "holds" : "does not hold", c.source});
  }
  return "<h2>Predicted and measured</h2>\n" + table.html();
}

std::string figures(const std::string& title, std::span<const Plot> plots) {
  if (plots.empty()) return "";
  std::string html = title.empty() ? "" : "<h2>" + escaped(title) + "</h2>\n";
  html += "<div class=\"plots\">\n";
  for (const Plot& plot : plots) {
    html += fmt::format(
        "<figure><img src=\"data:image/svg+xml;base64,{}\" alt=\"{}\"><figcaption>{}</figcaption></figure>\n",
        base64(plot.svg), escaped(plot.caption), escaped(plot.caption));
  }
  return html + "</div>\n";
}

const char* const kStyle = R"(
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; padding: 16px; max-width: 1240px; }
h1 { font-size: 1.6rem; line-height: 1.2; } h2 { font-size: 1.25rem; margin-top: 2rem; }
p, li, figcaption { max-width: 75ch; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr)); gap: 16px; }
figure { margin: 0; } figure img { width: 100%; max-width: 620px; height: auto; display: block; } figcaption { font-size: .875rem; color: #444; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0; border-bottom: 1px solid #ccc; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: 8px; font-size: .8125rem; }
@media (max-width: 1000px) {
  table, tbody, tr, td { display: block; width: 100%; } thead { display: none; }
  tr { border-top: 2px solid #888; padding: 4px 0; }
  td { display: flex; justify-content: space-between; gap: 12px; border: 0; padding: 1px 0; overflow-wrap: anywhere; }
  td::before { content: attr(data-name); color: #555; }
}
@media print { figure { break-inside: avoid; } }
)";

}  // namespace

std::string report_html(const Comparison& comparison, std::span<const Claim> claims, const PlotSections& plots) {
  const CompareOptions& options = comparison.options;
  const std::string title = escaped(options.title);
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<p>{2}</p>\n",
      title, kStyle, escaped(options.about));
  std::int64_t finished = 0, wanted = 0;
  for (const Runs& runs : comparison.runs) {
    wanted += std::ssize(runs);
    finished += std::ranges::count_if(runs, &std::optional<Run>::has_value);
  }
  if (finished < wanted) {
    html += fmt::format("<p><strong>{} of {} runs are finished.</strong> The command below makes the others.</p>\n",
                        finished, wanted);
  }
  html += claims_section(claims) + figures("", plots.measured);
  if (comparison.has_curves()) html += results_section(comparison);
  if (!plots.drawn) html += "<p>There are no plots: gnuplot was not installed when this page was written.</p>\n";
  html += figures("Curves", plots.curves) + figures("Against " + options.axis, plots.over_axis) +
          figures("What an activation is fed with", plots.inputs) + bias_section(comparison) + figures("", plots.bias) +
          figures("Layer by layer", plots.layers) + "<h2>What was run</h2>\n";
  html += fmt::format(
      "<p>Again, or on from where it was stopped:</p>\n<pre>{}</pre>\n<p>Seeds {} to {}. One run of each "
      "case:</p>\n<pre>",
      escaped(options.command), options.base.seed, options.base.seed + static_cast<std::uint64_t>(options.seeds) - 1);
  for (const Case& c : options.cases) {
    html +=
        escaped(fmt::format("# {}\n{} --seed {}\n", c.variant, train_command(c, options.base.data), options.base.seed));
  }
  return html + "</pre>\n</body>\n</html>\n";
}

}  // namespace tare
