#include <tare/apps/train/model_table.h>

#include <tare/apps/cli/progress.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>

#include <algorithm>

namespace TARE_NAMESPACE {
namespace {

struct TableRow {
  std::string place, layer, output = {}, parameters = {}, note = {};
};

Index dropped_biases(const Layer& layer) {
  const auto* linear = dynamic_cast<const Linear*>(&layer);
  return linear == nullptr || linear->bias ? 0 : linear->weight.value.rows();
}

TableRow row_of(const std::string& place, const Layer& layer, Index outputs) {
  TableRow row{.place = place,
               .layer = layer.describe(),
               .output = fmt::format("[N x {}]", outputs),
               .parameters = grouped(count_parameters(layer))};
  Index frozen = 0;
  for (const Parameter* p : parameters_of(layer)) frozen += p->requires_grad ? 0 : p->value.size();
  if (frozen > 0) row.note = "frozen: " + grouped(frozen);
  if (const Index dropped = dropped_biases(layer); dropped > 0) {
    row.note += (row.note.empty() ? "" : ", ") + ("bias dropped: " + grouped(dropped));
  }
  return row;
}

// The rows of a chain, for which x is passed through it; `outer` is the place of the chain and a dot.
Var add_rows(const Sequential& model, const std::string& outer, Var x, std::vector<TableRow>& rows) {
  for (std::size_t i = 0; i < model.size(); ++i) {
    const std::string place = outer + fmt::format("{}", i);
    if (const auto* inner = dynamic_cast<const Sequential*>(&model[i])) {
      const char* sum = dynamic_cast<const Residual*>(inner) != nullptr ? "x + " : "";
      const std::size_t row = rows.size();
      rows.push_back({.place = place, .layer = fmt::format("{}its {} layers", sum, inner->size())});
      add_rows(*inner, place + ".", x, rows);
      x = evaluate(*inner, x);
      rows[row].output = fmt::format("[N x {}]", x.cols());
    } else {
      x = evaluate(model[i], x);
      rows.push_back(row_of(place, model[i], x.cols()));
    }
  }
  return x;
}

}  // namespace

Index count_dropped_biases(const Sequential& model) {
  Index n = 0;
  for (const Layer* layer : innermost_layers(model)) n += dropped_biases(*layer);
  return n;
}

std::string model_table(const Sequential& model, Index inputs) {
  Tape tape(Tape::Gradients::none);
  Buffer sample(1, inputs);
  sample.setZero();
  std::vector<TableRow> rows{{.place = "", .layer = "layer", .output = "output", .parameters = "parameters"}};
  add_rows(model, "", tape.constant(sample), rows);
  const Index dropped = count_dropped_biases(model);
  rows.push_back({.place = "",
                  .layer = "all layers",
                  .parameters = grouped(count_parameters(model)),
                  .note = dropped > 0 ? grouped(dropped) + " dropped" : ""});

  const auto width = [&](std::string TableRow::*column) {
    std::size_t widest = 0;
    for (const TableRow& row : rows) widest = std::max(widest, (row.*column).size());
    return widest;
  };
  const std::size_t place = width(&TableRow::place), output = width(&TableRow::output),
                    parameters = width(&TableRow::parameters);
  const std::size_t others = place + output + parameters + width(&TableRow::note) + 8;
  const std::size_t layer = std::min(width(&TableRow::layer), std::size_t{80} - std::min(others, std::size_t{60}));
  std::string text;
  for (const TableRow& row : rows) {
    const std::string described = row.layer.size() <= layer ? row.layer : row.layer.substr(0, layer - 3) + "...";
    std::string line = fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  {}", row.place, place, described, layer, row.output,
                                   output, row.parameters, parameters, row.note);
    line.erase(line.find_last_not_of(' ') + 1);
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

}  // namespace TARE_NAMESPACE
