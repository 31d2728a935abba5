#include <tare/core/tools/inspect.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

namespace TARE_NAMESPACE {
namespace {

// Rows of numbers, each column of them wide enough for the matrices that were added. What does not fit in is `..`.
class NumberColumns {
 public:
  NumberColumns(Index rows, Index columns, int digits)
      : rows_(rows), digits_(digits), widths_(static_cast<std::size_t>(columns)) {}

  void add(const View& m) {
    const Index rows = std::min(rows_, m.rows()), columns = std::min(count(), m.cols());
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < columns; ++j) {
        Index& width = widths_[static_cast<std::size_t>(j)];
        width = std::max(width, std::ssize(number(m(i, j))));
      }
    }
    left_out_rows_ |= m.rows() > rows_;
    columns_ = std::max(columns_, m.cols());
  }

  Index count() const { return std::ssize(widths_); }
  void keep(Index columns) { widths_.resize(static_cast<std::size_t>(columns)); }

  // Of the first columns, and of a `..` behind them if there is any.
  Index width(Index columns) const {
    return std::accumulate(widths_.begin(), widths_.begin() + columns, columns - 1) +
           (left_out_rows_ || columns_ > columns ? 3 : 0);
  }

  std::string row(const View& m, Index i) const {
    if (i >= std::min(rows_, m.rows())) return "";
    std::string row;
    for (Index j = 0; j < std::min(m.cols(), count()); ++j) {
      row += fmt::format("{}{}", j == 0 ? "" : " ", aligned(number(m(i, j)), j));
    }
    return row + (m.cols() > count() || (i + 1 == rows_ && m.rows() > rows_) ? " .." : "");
  }

  std::string aligned(const std::string& text, Index column) const {
    return fmt::format("{:>{}}", text, widths_[static_cast<std::size_t>(column)]);
  }

 private:
  std::string number(real x) const { return fmt::format("{:.{}g}", x, digits_); }

  Index rows_, columns_ = 0;  // shown of each matrix; of the widest
  int digits_;
  std::vector<Index> widths_;
  bool left_out_rows_ = false;
};

std::string operands(const Tape::Entry& e) {
  std::string text;
  for (int place : e.operands) {
    if (place >= 0) text += fmt::format("{}{}", text.empty() ? "" : " ", place);
  }
  return text;
}

double largest(const View& m) { return m.size() == 0 ? 0 : static_cast<double>(m.cwiseAbs().maxCoeff()); }

// "leaf 0.weight"
std::string table_name(const Tape::Entry& e) { return e.parameter != nullptr ? "leaf " + entry_name(e) : e.op; }

// "relu (layer 2)"
std::string place_name(const Tape::Entry& e) {
  if (e.parameter != nullptr) return entry_name(e);
  return e.layer.empty() ? std::string(e.op) : fmt::format("{} (layer {})", e.op, e.layer);
}

// Whether the result of value `place` goes straight into BatchNorm, fused or composed: x - mean of x.
bool batch_norm_follows(const Tape& tape, int place) {
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    if (e.operands[0] != place) continue;
    const std::string_view op = e.op;
    if (op.starts_with("batch_norm")) return true;
    if (op != "sub_row") continue;
    const Tape::Entry row = tape.entry(static_cast<std::size_t>(e.operands[1]));
    if (row.op == std::string_view("col_mean") && row.operands[0] == place) return true;
  }
  return false;
}

bool is_cancelled_bias(const Tape& tape, std::size_t place) {
  const Tape::Entry leaf = tape.entry(place);
  if (leaf.parameter == nullptr || leaf.parameter->name != "bias" || !is_zero_to_rounding(tape, leaf)) return false;
  for (std::size_t i = place + 1; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const bool added = std::find(e.operands.begin() + 1, e.operands.end(), static_cast<int>(place)) != e.operands.end();
    if (added && (e.op == std::string_view("linear") || e.op == std::string_view("add_row"))) {
      return batch_norm_follows(tape, static_cast<int>(i));
    }
  }
  return false;
}

// What explains the boxes and lines; a graph of its own beside the tape's.
constexpr const char* kLegend =
    "  subgraph cluster_legend {\n"
    "    label=\"Legend\"; color=\"#808080\";\n"
    "    legend_parameter [shape=ellipse, label=\"ellipse: parameter\"];\n"
    "    legend_constant [style=dashed, label=\"dashed box: constant\"];\n"
    "    legend_op [label=\"box: op (its layer) [its shape]\\nvalue, first row\\ngradient, first row\"];\n"
    "    legend_parameter -> legend_op;\n    legend_constant -> legend_op;\n  }\n";

}  // namespace

std::string entry_name(const Tape::Entry& e) {
  if (e.parameter == nullptr) return e.op;
  return e.layer.empty() ? e.parameter->name : fmt::format("{}.{}", e.layer, e.parameter->name);
}

bool is_zero_to_rounding(const Tape& tape, const Tape::Entry& leaf) {
  double scale = 0;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    if (e.parameter != nullptr && e.parameter != leaf.parameter && e.grad) scale = std::max(scale, largest(*e.grad));
  }
  return leaf.grad && largest(*leaf.grad) <= 1e3 * std::numeric_limits<real>::epsilon() * scale;
}

std::string tape_table(const Tape& tape, Index rows, std::size_t columns) {
  if (rows < 1) throw Error("tape_table: rows: expected at least 1, found {}", rows);
  const auto room = static_cast<Index>(columns);
  const int digits = columns < 100 ? 3 : 4;

  // What the widest entry needs. But a name of more than a fifth of the room has a line of its own.
  Index place_width = 1, name_width = 2, shape_width = 5, operands_width = 8, widest_row = 1;
  NumberColumns values(rows, std::max<Index>(room / 4, 1), digits), gradients = values;
  const auto widen = [](Index& width, const std::string& text) { width = std::max(width, std::ssize(text)); };
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    widen(place_width, fmt::format("{}", i));
    if (std::ssize(table_name(e)) <= room / 5) widen(name_width, table_name(e));
    widen(shape_width, fmt::format("{}", shape_of(e.value)));
    widen(operands_width, operands(e));
    values.add(e.value);
    if (e.grad) gradients.add(*e.grad);
    widest_row = std::max(widest_row, e.value.cols());
  }
  const Index left_width = place_width + name_width + shape_width + operands_width + 4;
  Index shown = std::min(widest_row, values.count());  // as many numbers of a row as fit
  while (shown > 1 && left_width + values.width(shown) + 2 + gradients.width(shown) > room) --shown;
  values.keep(shown);
  gradients.keep(shown);
  const Index value_width = std::max<Index>(values.width(shown), 5);

  std::string table;
  const auto add_line = [&](const std::string& left, const std::string& value, const std::string& gradient) {
    table += fmt::format("{:<{}}{:<{}}  {}", left, left_width, value, value_width, gradient);
    table.erase(table.find_last_not_of(' ') + 1);
    table += '\n';
  };
  const auto left = [&](const std::string& place, const std::string& name, const auto& shape, const auto& operands) {
    return fmt::format("{:>{}} {:<{}} {:<{}} {}", place, place_width, name, name_width, shape, shape_width, operands);
  };
  add_line(left("#", "op", "shape", "operands"), "value", "gradient");
  std::string parameters;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const std::string place = fmt::format("{}", i), name = table_name(e), shape = fmt::format("{}", shape_of(e.value));
    const bool fits = std::ssize(name) <= name_width;
    if (!fits) add_line(left(place, name, "", ""), "", "");
    for (Index row = 0; row == 0 || row < std::min(rows, e.value.rows()); ++row) {
      add_line(row > 0 ? ""
               : fits  ? left(place, name, shape, operands(e))
                       : left("", "", shape, operands(e)),
               values.row(e.value, row),
               e.grad     ? gradients.row(*e.grad, row)
               : row == 0 ? gradients.aligned("-", 0)
                          : "");
    }
    if (e.parameter != nullptr && e.grad) {
      parameters += fmt::format("{:<16}{:<{}}{:.{}g}{}\n", entry_name(e), shape, shape_width + 2, largest(*e.grad),
                                digits, is_zero_to_rounding(tape, e) ? "   zero, to rounding" : "");
    }
  }
  if (parameters.empty()) return table;
  return table + fmt::format("\n{:<16}{:<{}}{}\n", "parameter", "shape", shape_width + 2, "max |gradient|") +
         parameters;
}

std::string tape_graph(const Tape& tape) {
  std::string graph = fmt::format(
      "digraph tape {{\n  rankdir=BT;\n  graph [bgcolor=white, fontname=\"Helvetica\", fontsize=11];\n"
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, color=\"#202020\", fontcolor=\"#202020\"];\n"
      "  edge [arrowsize=0.7, color=\"#202020\"];\n{}",
      kLegend);
  const NumberColumns numbers(1, 3, 4);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const char* style = "solid";
    if (e.parameter == nullptr && e.operands[0] < 0) style = "dashed";
    if (e.parameter != nullptr && is_zero_to_rounding(tape, e)) style = "bold";
    graph +=
        fmt::format("  n{} [style={}{}, label=\"{} {}\\n{}", i, style, e.parameter != nullptr ? ", shape=ellipse" : "",
                    place_name(e), shape_of(e.value), numbers.row(e.value, 0));
    if (e.grad) graph += "\\n" + numbers.row(*e.grad, 0);
    if (is_cancelled_bias(tape, i)) graph += "\\ngradient zero to rounding:\\nBatchNorm cancels this bias";
    graph += "\"];\n";
    for (int place : e.operands) {
      if (place >= 0) graph += fmt::format("  n{} -> n{};\n", place, i);
    }
  }
  return graph + "}\n";
}

std::optional<std::string> first_anomaly(const Tape& tape) {
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    if (!e.value.allFinite()) return fmt::format("the value of {}", place_name(e));
  }
  // Gradients were computed from the last to the first, each by the pullbacks of the values that use it.
  for (std::size_t i = tape.size(); i-- > 0;) {
    const Tape::Entry e = tape.entry(i);
    if (!e.grad || e.grad->allFinite()) continue;
    for (std::size_t user = tape.size(); user-- > i + 1;) {
      for (int place : tape.entry(user).operands) {
        if (place == static_cast<int>(i) && tape.entry(user).grad) {
          return fmt::format("the gradient of {}, from the pullback of {}", place_name(e),
                             place_name(tape.entry(user)));
        }
      }
    }
    return fmt::format("the gradient of {}", place_name(e));
  }
  return std::nullopt;
}

}  // namespace TARE_NAMESPACE
