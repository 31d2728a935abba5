// Checks derivatives against central differences. Meant for the double build: in float the differences are mostly
// rounding. Keep inputs away from kinks (relu at 0) by more than the step, about 1e-5.
#pragma once

#include <tare/core/machine/random.h>
#include <tare/core/tape.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace TARE_NAMESPACE {

/// A function of its inputs, given as leaves of the tape, that returns the same value whenever it is called with the
/// same numbers.
using Differentiable = std::function<Var(Tape& tape, std::span<const Var> inputs)>;

struct GradientError {
  double absolute = 0;  // max |analytic - numeric|
  double relative = 0;  // absolute / max(max |numeric|, floor), the worst over the inputs
  std::string worst;    // where: which check, input and entry, with both numbers
};

/// Compares the derivatives of `f` at `inputs` by each input twice: entry by entry of the full Jacobian, and after
/// one backward pass from a random upstream gradient g, that is, of sum(g o f). (An all-ones g would check nothing
/// for batch normalization, whose gradient it makes zero.) `floor` is the smallest scale that errors are taken
/// relative to.
GradientError check_gradients(const Differentiable& f, const std::vector<Buffer>& inputs, Random& random,
                              double floor = 1);

/// The same for a function that puts the parameters on the tape itself, as a layer does.
GradientError check_gradients(const std::function<Var(Tape& tape)>& f, const Parameters& parameters, Random& random,
                              double floor = 1);

}  // namespace TARE_NAMESPACE
