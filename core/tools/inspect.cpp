#include <tare/core/tools/inspect.h>

#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

// The first row's first three numbers.
std::string corner(const View& m) {
  std::string text;
  for (Index j = 0; j < (m.rows() > 0 ? std::min<Index>(m.cols(), 3) : 0); ++j)
    text += fmt::format("{:>10.3g}", m(0, j));
  return text + (m.size() > 3 || m.rows() > 1 ? " .." : "   ");
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

std::string tape_table(const Tape& tape) {
  std::string table = fmt::format("{:>4}  {:<24}{:<13}{:<10}{:<36}{}\n", "#", "op", "shape", "operands",
                                  "value (first row)", "gradient (first row)");
  std::string parameters;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const std::string name = e.parameter != nullptr ? "leaf " + entry_name(e) : e.op;
    const std::string shape = fmt::format("{}", shape_of(e.value));
    table += fmt::format("{:>4}  {:<24}{:<13}{:<10}{:<36}{}\n", i, name, shape, operands(e), corner(e.value),
                         e.grad ? corner(*e.grad) : "         -");
    if (e.parameter != nullptr && e.grad) {
      parameters += fmt::format("{:<16}{:<13}{:.3g}{}\n", entry_name(e), shape, largest(*e.grad),
                                is_zero_to_rounding(tape, e) ? "   zero, to rounding" : "");
    }
  }
  if (parameters.empty()) return table;
  return table + fmt::format("\n{:<16}{:<13}{}\n", "parameter", "shape", "max |gradient|") + parameters;
}

std::string tape_graph(const Tape& tape) {
  std::string graph =
      "digraph tape {\n  rankdir=BT;\n  node [fontname=\"Helvetica\", fontsize=11, shape=box];\n"
      "  edge [arrowsize=0.7];\n";
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const char* style = "solid";
    if (e.parameter == nullptr && e.operands[0] < 0) style = "dashed";
    if (e.parameter != nullptr && is_zero_to_rounding(tape, e)) style = "bold";
    graph += fmt::format("  n{} [style={}{}, label=\"{}\\n{}", i, style,
                         e.parameter != nullptr ? ", shape=ellipse" : "", place_name(e), shape_of(e.value));
    if (e.grad) graph += fmt::format("\\nmax |gradient| {:.2g}", largest(*e.grad));
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
