// One training step of a network small enough to read every number on its tape, and to change it.
#pragma once

#include <tare/core/machine/matrix.h>

#include <nlohmann/json.hpp>

namespace TARE_NAMESPACE {

/// Runs the step that `request` describes and tells of every value on its tape:
///
///   {"norm": "batch" | "composed" | "layer" | "none" | "diagonal", "x": rows of numbers, "labels": one for each row,
///    "w1", "b1", "gamma", "beta", "w2", "b2": rows of numbers, "bias_offset": what is added to b1}
///
/// What the request does not say is as the answer says:
///
///   {"inputs": {"x": ..., "labels": ..., ...},
///    "entries": [{"op", "name", "operands": places, "rows", "cols", "value": numbers row by row, "gradient": numbers
///                 or null, "input": its name among the inputs, or null}],
///    "derivations": [{"of": "z" | "w1" | "b1", "rows", "cols", "right", "diagonal", "checked": numbers row by row,
///                     "right_error", "diagonal_error": the largest difference from what was checked}]}
///
/// The derivations are the gradient through BatchNorm of its input z and of what is before it: as batch_norm has it, as
/// note 2 derives it (apps/train/diagonal_gradient.h), and as central differences of the loss, which know none. Error,
/// naming the input, if its numbers are not finite and small, or do not fit.
nlohmann::json tape_table(const nlohmann::json& request);

}  // namespace TARE_NAMESPACE
