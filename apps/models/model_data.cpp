#include <tare/apps/models/model_data.h>

#include <tare/apps/cli/find_data.h>
#include <tare/datasets/load_table.h>

#include <fmt/ranges.h>

#include <algorithm>

namespace tare {
namespace {

void check_inputs(const std::string& file, Index inputs, const ImageSet& set, const std::string& where) {
  if (inputs == set.features()) return;
  if (set.is_table()) {
    throw Error("{}: the model takes {} inputs, but the rows in {} have {} numbers", file, inputs, where,
                set.features());
  }
  throw Error("{}: the model takes {} inputs, but the images in {} have {} x {} = {} pixels", file, inputs, where,
              set.rows, set.cols, set.features());
}

// From the scale of the table's own training rows to that of the model's.
void rescale(ImageSet& set, const std::vector<Column>& from, const std::vector<Column>& to, const std::string& where) {
  for (std::size_t i = 0; i < set.numbers.size(); ++i) {
    const Column& column = from[i % from.size()];
    set.numbers[i] = set.numbers[i] * column.deviation + column.mean;
  }
  standardize(set, to, where);
}

bool same_scale(const std::vector<Column>& a, const std::vector<Column>& b) {
  return std::ranges::equal(
      a, b, [](const Column& x, const Column& y) { return x.mean == y.mean && x.deviation == y.deviation; });
}

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

// The labels under the numbers that the model has for classes of these names.
void renumber(ImageSet& set, const DataForm& form, const DataForm& model, Index outputs, const std::string& file,
              const std::string& where) {
  std::vector<std::string> names;
  for (Index k = 0; k < outputs; ++k) names.push_back(model.class_name(k));
  for (int& label : set.labels) {
    const std::string name = form.class_name(label);
    const auto place = std::ranges::find(names, name);
    if (place == names.end()) {
      throw Error("{}: the model knows {} classes{}, but a label in {} is {}", file, outputs,
                  model.class_names.empty() ? "" : fmt::format(", {}", fmt::join(names, ", ")), where, name);
    }
    label = static_cast<int>(place - names.begin());
  }
}

}  // namespace

ModelData load_model_data(const EvalOptions& options, const DataForm& model, Index inputs, Index outputs, bool train) {
  const std::string& file = options.model;
  ModelData result;
  DataSet& data = result.data;
  if (!options.test.empty() && options.data == "auto") {  // the table alone
    if (model.columns.empty())
      throw UsageError("--test: expected together with --data FILE.csv, as {} names no columns", file);
    if (train)
      throw UsageError(
          "--statistics again: expected together with --data FILE.csv, the training rows, found only --test");
    result.found = options.test;
    data.form = model;
    data.test = load_test_table(result.found, model);
    return result;
  }
  result.found = find_data(options.data, options.test);
  const std::string where = result.found.string();
  const DataKind kind = kind_of(result.found);
  if (!model.columns.empty() && kind != DataKind::table) {
    throw Error("{}: the model takes a table with the columns {}, found {} of images", file,
                fmt::join(names_of(model.columns), ", "), where);
  }
  if (kind == DataKind::built_in || kind == DataKind::idx) {
    if (train) data = load_data(result.found);
    if (!train) data.test = load_test_data(result.found);
  } else {
    if (model.own_test && !model.digest.empty() && options.test.empty() && kind == DataKind::table) {
      throw Error("{}: the model was trained on all rows of its table, and tested on another: expected --test FILE.csv",
                  file);
    }
    data = load_data(result.found, {.seed = model.seed, .test = options.test});
    if (!model.digest.empty() && model.digest != data.form.digest) {
      result.notice =
          fmt::format("{} is not what the model was trained on: some of these samples may have been", where);
      if (!options.test.empty()) result.notice.clear();
    }
  }
  if (model.columns.empty()) check_inputs(file, inputs, data.test, where);
  if (!model.columns.empty()) {
    check_columns(names_of(data.form.columns), model.columns, where);
    if (!same_scale(data.form.columns, model.columns)) {
      for (ImageSet* set : {&data.train, &data.test}) rescale(*set, data.form.columns, model.columns, where);
    }
  } else if (kind == DataKind::table) {
    result.notice =
        fmt::format("{} does not say how its columns were scaled: by the training rows of {}, drawn by seed {}", file,
                    where, model.seed);
  }
  const bool numbered = kind == DataKind::built_in || kind == DataKind::idx;
  if (model.class_names.empty() && !numbered) {  // a model from elsewhere: the classes in their order
    if (data.classes > outputs) {
      throw Error("{}: the model knows {} classes, but {} has {}", file, outputs, where, data.classes);
    }
    return result;
  }
  for (ImageSet* set : {&data.train, &data.test}) renumber(*set, data.form, model, outputs, file, where);
  data.form = model;
  return result;
}

}  // namespace tare
