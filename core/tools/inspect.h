// Looking at a tape: as a table, as a graph, and for the first number that is not finite. Nothing here changes it.
#pragma once

#include <tare/core/tape.h>

#include <optional>
#include <string>

namespace TARE_NAMESPACE {

/// "0.weight", "2.0.weight": the layer's place, if the value belongs to one, and the parameter's name; else the op's
/// name.
std::string entry_name(const Tape::Entry& entry);

/// For every value: place, op, shape, the places of its operands, the first rows of its numbers and, after backward(),
/// of its gradient. Of a row as many numbers as lines of so many columns hold, but at least one; `..` stands for the
/// others. Then, for each parameter, the size of the gradient that it received. Error unless rows is at least 1.
std::string tape_table(const Tape& tape, Index rows = 1, std::size_t columns = 80);

/// The same, with three numbers of one row each, as a graph in Graphviz's language, made to be readable in black and
/// white: boxes are ops, ellipses parameters, a dashed box a constant. A parameter is drawn bold if its gradient is
/// zero to rounding, and a bias says so if it is BatchNorm that cancels it.
std::string tape_graph(const Tape& tape);

/// Whether a parameter has received a gradient that is rounding noise: all of it below `1e3 eps` of the largest
/// gradient of the other parameters.
bool is_zero_to_rounding(const Tape& tape, const Tape::Entry& leaf);

/// Where the first infinite or NaN number came from, in the order in which they were computed: an op's value or,
/// after backward(), the gradient that an op's pullback gave to an operand (of several pullbacks, the first to run).
/// Nothing if all are finite.
std::optional<std::string> first_anomaly(const Tape& tape);

}  // namespace TARE_NAMESPACE
