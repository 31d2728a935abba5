#include <tare/apps/models/predict_tables.h>

#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/datasets/csv.h>
#include <tare/datasets/load_table.h>
#include <tare/optim/training/predict.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::ordered_json;

struct Rows {
  ImageSet set;  // without labels, on the model's scale
  std::vector<std::int64_t> lines;
};

Rows read_rows(const std::string& file, const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  CsvTable table = read_csv_columns(file, names);
  Rows rows{{table.rows(), 1, std::ssize(columns), {}, {}, std::move(table.numbers)}, std::move(table.lines)};
  standardize(rows.set, columns, file, rows.lines);
  return rows;
}

// A line or, as JSON, an object for a row.
void report(const std::string& place, const std::vector<ClassProbability>& best, const DataForm& form) {
  std::vector<std::string> classes;
  for (const auto& [label, probability] : best) {
    classes.push_back(fmt::format("{} {:.2f} %", printable(form.class_name(label)), 100 * probability));
  }
  fmt::print("{}: {}\n", printable(place), fmt::join(classes, ", "));
}

ordered_json to_json(const std::string& file, std::int64_t line, const std::vector<double>& p, const DataForm& form) {
  const ClassProbability best = likeliest(p, 1)[0];
  return {{"file", file},
          {"line", line},
          {"prediction", best.label},
          {"class_name", form.class_name(best.label)},
          {"probability", best.probability},
          {"probabilities", p}};
}

}  // namespace

int predict_tables(const PredictOptions& options, const SavedModel& saved) {
  constexpr Index kChunk = 500;  // rows at a time
  Workers workers(options.threads);
  Tape tape(workers, Tape::Gradients::none);
  ordered_json results = ordered_json::array(), failures = ordered_json::array();
  for (const std::string& file : options.files) {
    try {
      const Rows rows = read_rows(file, saved.form.columns);
      for (Index begin = 0; begin < rows.set.count; begin += kChunk) {
        const Index size = std::min(kChunk, rows.set.count - begin);
        tape.clear();
        const Var logits = evaluate(saved.model, gather(rows.set, saved.pixels, begin, size, tape));
        for (Index i = 0; i < size; ++i) {
          const std::int64_t line = rows.lines[static_cast<std::size_t>(begin + i)];
          const std::vector<double> p = probabilities(logits.value(), i);
          if (!std::ranges::all_of(p, [](double x) { return std::isfinite(x); })) {
            throw Error("{}: line {}: the model's output for it is not finite", file, line);
          }
          if (options.json) {
            results.push_back(to_json(file, line, p, saved.form));
          } else {
            report(fmt::format("{}:{}", file, line), likeliest(p, 3), saved.form);
          }
        }
      }
    } catch (const Error& error) {
      std::fflush(stdout);
      print_error(error.what());
      failures.push_back({{"file", file}, {"error", error.what()}});
    }
  }
  const bool all_read = failures.empty();
  if (options.json) {
    const ordered_json out{{"model", options.model}, {"predictions", results}, {"failures", failures}};
    fmt::print("{}\n", out.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  }
  return all_read ? 0 : 1;
}

}  // namespace TARE_NAMESPACE
