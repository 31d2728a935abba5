#include <tare/core/tools/inspect.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace TARE_NAMESPACE {
namespace {

// The first three numbers of a row, and `..` if there is more, in it or after the last row that is to be shown.
std::string row_text(const View& m, Index row, Index rows, int width) {
  if (row >= std::min(rows, m.rows())) return "";
  std::string text;
  for (Index j = 0; j < std::min<Index>(m.cols(), 3); ++j) {
    text += fmt::format("{}{:>{}.4g}", j == 0 ? "" : " ", m(row, j), width);
  }
  return text + (m.cols() > 3 || (row + 1 == rows && m.rows() > rows) ? " .." : "");
}

std::string operands(const Tape::Entry& e) {
  std::string text;
  for (int place : e.operands) {
    if (place >= 0) text += fmt::format("{}{}", text.empty() ? "" : " ", place);
  }
  return text;
}

double largest(const View& m) { return m.size() == 0 ? 0 : static_cast<double>(m.cwiseAbs().maxCoeff()); }

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

std::string tape_table(const Tape& tape, Index rows) {
  if (rows < 1) throw Error("tape_table: rows: expected at least 1, found {}", rows);
  const auto line = [](const std::string& left, const std::string& value, const std::string& gradient) {
    const bool fits = left.size() < 49;  // else it has a line of its own
    std::string text = fmt::format("{:<49}{:<36}{}", fits ? left : "", value, gradient);
    text.erase(text.find_last_not_of(' ') + 1);
    return fmt::format("{}{}{}\n", fits ? "" : left, fits ? "" : "\n", text);
  };
  constexpr const char* kLeft = "{:>3} {:<21} {:<9} {}";
  const std::string shown = rows == 1 ? "(first row)" : fmt::format("(first {} rows)", rows);
  std::string table = line(fmt::format(kLeft, "#", "op", "shape", "operands"), "value " + shown, "gradient " + shown);
  std::string parameters;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const std::string name = e.parameter != nullptr ? "leaf " + entry_name(e) : e.op;
    const std::string shape = fmt::format("{}", shape_of(e.value));
    for (Index row = 0; row == 0 || row < std::min(rows, e.value.rows()); ++row) {
      table += line(row == 0 ? fmt::format(kLeft, i, name, shape, operands(e)) : "", row_text(e.value, row, rows, 10),
                    e.grad     ? row_text(*e.grad, row, rows, 10)
                    : row == 0 ? fmt::format("{:>10}", "-")
                               : "");
    }
    if (e.parameter != nullptr && e.grad) {
      parameters += fmt::format("{:<16}{:<13}{:.4g}{}\n", entry_name(e), shape, largest(*e.grad),
                                is_zero_to_rounding(tape, e) ? "   zero, to rounding" : "");
    }
  }
  if (parameters.empty()) return table;
  return table + fmt::format("\n{:<16}{:<13}{}\n", "parameter", "shape", "max |gradient|") + parameters;
}

std::string tape_graph(const Tape& tape) {
  std::string graph = fmt::format(
      "digraph tape {{\n  rankdir=BT;\n  graph [bgcolor=white, fontname=\"Helvetica\", fontsize=11];\n"
      "  node [fontname=\"Helvetica\", fontsize=11, shape=box, color=\"#202020\", fontcolor=\"#202020\"];\n"
      "  edge [arrowsize=0.7, color=\"#202020\"];\n{}",
      kLegend);
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const char* style = "solid";
    if (e.parameter == nullptr && e.operands[0] < 0) style = "dashed";
    if (e.parameter != nullptr && is_zero_to_rounding(tape, e)) style = "bold";
    graph +=
        fmt::format("  n{} [style={}{}, label=\"{} {}\\n{}", i, style, e.parameter != nullptr ? ", shape=ellipse" : "",
                    place_name(e), shape_of(e.value), row_text(e.value, 0, 1, 0));
    if (e.grad) graph += "\\n" + row_text(*e.grad, 0, 1, 0);
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
