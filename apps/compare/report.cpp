#include <tare/apps/compare/report.h>

#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/shell.h>
#include <tare/apps/compare/page/page.h>

#include <nlohmann/json.hpp>

namespace tare {
namespace {

using nlohmann::ordered_json;

// ---- Numbers as text. Their spaces do not break a line. -------------------------------------------------------------

std::string short_number(const ordered_json& x) { return x.is_number() ? fmt::format("{:.4g}", x.get<double>()) : "-"; }
std::string whole_number(const ordered_json& x) { return grouped(static_cast<std::int64_t>(x.get<double>())); }
std::string percent(const ordered_json& x) {
  return x.is_number() ? fmt::format("{:.2f}\u00a0%", 100 * x.get<double>()) : "-";
}

// Mean and deviation, or median and range where a seed has failed, so that those would mislead.
std::string accuracy(const ordered_json& spread) {
  if (spread.at("count") == 0) return "-";
  const auto number = [&](const char* name) { return 100 * spread.at(name).get<double>(); };
  if (!spread.at("deviation").is_number()) return percent(spread.at("mean"));
  const double mean = number("mean"), deviation = number("deviation");
  if (mean + deviation > 100 || mean - deviation < 0 || number("low") < number("median") / 2) {
    return fmt::format("{:.2f} ({:.2f} to\u00a0{:.2f})\u00a0%", number("median"), number("low"), number("high"));
  }
  return fmt::format("{:.2f}\u00a0±\u00a0{:.2f}\u00a0%", mean, deviation);
}

std::string steps(const ordered_json& spread, int finished) {
  const int count = spread.at("count").get<int>();
  if (count == 0) return "-";
  std::string text = whole_number(spread.at("median"));
  if (spread.at("low") < spread.at("high")) {
    text += fmt::format(" ({} to\u00a0{})", whole_number(spread.at("low")), whole_number(spread.at("high")));
  }
  if (count < finished) text += fmt::format(", {}\u00a0of\u00a0{}", count, finished);
  return text;
}

std::string diverged(const ordered_json& c) {
  if (c.at("diverged") == 0) return "-";
  std::string text = fmt::format("{} of\u00a0{}", c.at("diverged").get<int>(), c.at("finished").get<int>());
  for (const ordered_json& run : c.at("diverged_runs")) {
    text += fmt::format("{}seed\u00a0{} at step\u00a0{}", text.find(':') == text.npos ? ": " : ", ",
                        run.at("seed").get<std::uint64_t>(), whole_number(run.at("step")));
  }
  return text;
}

// ---- The parts of the page ------------------------------------------------------------------------------------------

ordered_json results(const ordered_json& cases) {
  ordered_json rows = ordered_json::array();
  for (const ordered_json& c : cases) {
    const int finished = c.at("finished").get<int>();
    if (finished == 0) continue;
    const ordered_json& seconds = c.at("seconds_to").at("0.97");
    ordered_json row{{"variant", c.at("variant")},
                     {"lr", short_number(c.at("lr"))},
                     {"accuracy_of", c.at("accuracy_of")},
                     {"test_accuracy", accuracy(c.at("test_accuracy"))},
                     {"train_accuracy", accuracy(c.at("train_accuracy"))},
                     {"seconds", seconds.at("count") > 0 ? short_number(seconds.at("median")) + "\u00a0s" : "-"},
                     {"parameters", whole_number(c.at("parameters"))},
                     {"diverged", diverged(c)}};
    for (const auto& [threshold, spread] : c.at("steps_to").items()) row["steps"].push_back(steps(spread, finished));
    rows.push_back(row);
  }
  return rows;
}

ordered_json claims(const ordered_json& summary) {
  ordered_json rows = ordered_json::array();
  for (const ordered_json& c : summary.value("claims", ordered_json::array())) {
    rows.push_back({{"claim", c.at("claim")},
                    {"source", c.at("source")},
                    {"predicted", short_number(c.at("predicted"))},
                    {"measured", short_number(c.at("measured"))},
                    {"low", short_number(c.at("low"))},
                    {"high", short_number(c.at("high"))},
                    {"agrees", c.at("agrees")}});
  }
  return rows;
}

ordered_json bias(const ordered_json& summary) {
  ordered_json rows = ordered_json::array();
  for (const ordered_json& b : summary.at("bias")) {
    rows.push_back({{"lr", short_number(b.at("lr"))},
                    {"bias_gradient", short_number(b.at("largest_bias_gradient"))},
                    {"beta_gradient", short_number(b.at("largest_beta_gradient"))},
                    {"saved", whole_number(b.at("parameters_saved"))},
                    {"difference", percent(b.at("largest_difference"))},
                    {"step", whole_number(b.at("at_step"))},
                    {"deviation", percent(b.at("deviation_there"))},
                    {"of_a_seed", percent(b.at("largest_difference_of_a_seed"))}});
  }
  return rows;
}

// As an address, which has few characters of its own.
std::string data_uri(const std::string& svg) {
  std::string uri = "data:image/svg+xml,";
  for (char c : svg) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("-_.,:;/=()").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

// What a plot of curves shows, for who does not see it.
std::string ends(const std::string& panel, const Comparison& comparison, const ordered_json& cases) {
  std::string text;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = comparison.options.cases[i];
    if (c.panel != panel || cases[i].at("finished") == 0) continue;
    const ordered_json& a = cases[i].at("test_accuracy");
    text += fmt::format("{}{} {}", text.empty() ? " " : ", ", c.variant,
                        a.at("count") == 0 ? "diverges" : "ends at " + percent(a.at("mean")));
  }
  return text.empty() ? "" : text + ".";
}

// Nothing if there is none: a section of the template then stays away.
ordered_json pictures(std::span<const Plot> plots) {
  ordered_json section;
  for (const Plot& plot : plots) {
    section["pictures"].push_back({{"src", data_uri(plot.svg)}, {"alt", plot.caption}, {"caption", plot.caption}});
  }
  return section;
}

// What a plot over the axis shows, likewise: every case's median.
ordered_json axis_pictures(const ordered_json& cases, std::span<const Plot> plots) {
  ordered_json section = pictures(plots);
  for (std::size_t i = 0; i < plots.size(); ++i) {
    const bool accuracies = plots[i].name == "accuracy";
    std::string text;
    for (const ordered_json& c : cases) {
      const ordered_json& spread = accuracies ? c.at("test_accuracy") : c.at("steps_to").at("0.97");
      if (spread.at("count") == 0) continue;
      const ordered_json& median = spread.at("median");
      text += fmt::format("{}{}, {}: {}", text.empty() ? " " : "; ", c.at("variant").get<std::string>(),
                          c.at("panel").get<std::string>(), accuracies ? percent(median) : whole_number(median));
    }
    if (!text.empty()) section["pictures"][i]["alt"] = plots[i].caption + text + ".";
  }
  return section;
}

ordered_json curve_pictures(const Comparison& comparison, const ordered_json& cases, std::span<const Plot> plots) {
  ordered_json section = pictures(plots);
  for (std::size_t i = 0; i < plots.size(); ++i) {
    for (const std::string& panel : panels_of(comparison.options.cases)) {
      if (plots[i].name != "curves-" + file_name(panel)) continue;
      section["pictures"][i]["alt"] = plots[i].caption + ends(panel, comparison, cases);
    }
  }
  return section;
}

// What the page's scripts draw: the columns of curves.csv, and the seconds.
ordered_json columns_of(const Run& run) {
  ordered_json columns;
  const auto add = [&](const char* name, const std::optional<double>& x) {
    columns[name].push_back(x ? ordered_json(*x) : ordered_json(nullptr));
  };
  for (const CurvePoint& p : run.curve) {
    columns["step"].push_back(p.step);
    columns["epoch"].push_back(p.epoch);
    add("seconds", p.seconds);
    add("train_loss", p.train_loss);
    add("train_accuracy", p.train_accuracy);
    add("epoch_loss", p.epoch_loss);
    add("epoch_accuracy", p.epoch_accuracy);
    add("validation_loss", p.validation_loss);
    add("validation_accuracy", p.validation_accuracy);
    add("test_loss", p.test_loss);
    add("test_accuracy", p.test_accuracy);
  }
  return columns;
}

// The runs of every case that are finished and have a curve.
ordered_json curves(const Comparison& comparison) {
  ordered_json all = ordered_json::array();
  for (const Runs& runs : comparison.runs) {
    ordered_json list = ordered_json::array();
    for (std::size_t place = 0; place < runs.size(); ++place) {
      if (!runs[place] || runs[place]->curve.empty()) continue;
      ordered_json run = columns_of(*runs[place]);
      run["seed"] = comparison.seed(place);
      run["diverged"] = runs[place]->diverged;
      list.push_back(run);
    }
    all.push_back(list);
  }
  return all;
}

// For a script element, which ends at the first "</script".
std::string script_json(const ordered_json& json) {
  std::string text;
  for (char c : json.dump()) text += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return text;
}

// The options of a case but for the seed, as `tare train` takes them.
std::string train_command(const Case& c, const TrainOptions& base) {
  std::string command = "tare train --data " + shell_word(base.data);
  if (!base.test.empty()) command += " --test " + shell_word(base.test);
  for (const auto& [option, text] : words(c.options)) {
    if (option == "--seed") continue;
    command += " " + option;
    if (!text.empty()) command += " " + shell_word(text);
  }
  return command;
}

ordered_json facts(const ordered_json& summary) {
  ordered_json list = ordered_json::array();
  const auto fact = [&](const char* name, const std::string& value) {
    if (!value.empty()) list.push_back({{"name", name}, {"value", value}});
  };
  const auto text = [](const ordered_json& value) { return value.get<std::string>(); };
  const ordered_json& machine = summary.at("machine");
  fact("Data", fmt::format("{}: {} training and {} test samples", text(summary.at("data")),
                           whole_number(summary.at("training_samples")), whole_number(summary.at("test_samples"))));
  fact("Digest of the data", text(summary.at("data_digest")));
  const auto first = summary.at("first_seed").get<std::uint64_t>(), seeds = summary.at("seeds").get<std::uint64_t>();
  fact("Seeds", seeds == 1 ? fmt::format("{}", first) : fmt::format("{} to {}", first, first + seeds - 1));
  fact("Version", "Tare " + text(machine.at("tare")));
  fact("Processor", text(machine.at("processor")));
  fact("Runs at a time", machine.at("threads").dump());
  return list;
}

}  // namespace

std::string report_html(const Comparison& comparison, const ordered_json& summary, const PlotSections& plots) {
  const CompareOptions& options = comparison.options;
  const ordered_json& cases = summary.at("cases");
  ordered_json page{{"title", summary.at("title")},
                    {"about", summary.at("about")},
                    {"axis", summary.at("axis")},
                    {"command", summary.at("command")},
                    {"sentences", summary.at("answer").at("sentences")},
                    {"drawn", plots.drawn}};
  if (const ordered_json& missing = summary.at("missing"); !missing.empty()) {
    page["unfinished"] = {
        {"finished", summary.at("runs_finished")}, {"wanted", summary.at("runs_wanted")}, {"missing", missing}};
  }
  if (const ordered_json rows = claims(summary); !rows.empty()) page["claims"]["rows"] = rows;
  page["measured"] = pictures(plots.measured);
  page["curves"] = curve_pictures(comparison, cases, plots.curves);
  page["over_axis"] = axis_pictures(cases, plots.over_axis);
  if (comparison.has_curves()) {
    page["results"] = {{"rows", results(cases)}, {"seeds", options.seeds}, {"reading", summary.at("reading")}};
    for (const double threshold : kThresholds) {
      page["results"]["thresholds"].push_back(fmt::format("{}\u00a0%", 100 * threshold));
    }
    if (options.base.eval_every) page["results"]["eval_every"] = grouped(*options.base.eval_every);
    page["data"] = script_json({{"summary", summary}, {"runs", curves(comparison)}});
  }
  if (const ordered_json rows = bias(summary); !rows.empty()) page["bias"]["rows"] = rows;
  page["bias_pictures"] = pictures(plots.bias);
  for (const auto& [heading, of] :
       {std::pair("What an activation is fed with", &plots.inputs), {"Layer by layer", &plots.layers}}) {
    if (of->empty()) continue;
    page["more"].push_back(pictures(*of));
    page["more"].back()["heading"] = heading;
  }
  page["facts"] = facts(summary);
  for (const Case& c : options.cases) {
    page["commands"].push_back(
        {{"variant", c.variant},
         {"command", fmt::format("{} --seed {}", train_command(c, options.base), options.base.seed)}});
  }
  return fill(report_page(), page);
}

}  // namespace tare
