// Exhibit 1: a constant added to the bias changes nothing, up to rounding.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>

#include <cmath>

namespace TARE_NAMESPACE::exhibits {

// A z of size |b| is off by half an ulp of |b|, and its mean by as much: that moves xhat by ulp |b| / s, and once more
// by up to |xhat| <= sqrt(N) times that through s. The sums of which z consists add some ulps of their own size.
std::vector<BiasShift> bias_shifts() {
  Random random = random_for(3);
  Block block = random_block(random, 32, 6, 5);
  block.b.setZero();
  const BlockResult at_zero = run_block(block);
  const double size_of_z = largest(affine(numbers(block.a), numbers(block.w), numbers(block.b)));
  double scale = 0;
  for (Index k = 0; k < 5; ++k) {
    const double s = std::sqrt(at_zero.variance(0, k) + kEps);
    scale = std::max(scale, std::abs(static_cast<double>(block.gamma(0, k))) / s * (1 + std::sqrt(32.0)));
  }
  std::vector<BiasShift> shifts;
  for (double b : {1e0, 1e2, 1e4, 1e6}) {
    for (Index k = 0; k < 5; ++k) block.b(0, k) = static_cast<real>(k % 2 == 0 ? b : -b);
    shifts.push_back({b, distance(run_block(block).y, at_zero.y), scale * kUlp * (b + 8 * size_of_z)});
  }
  return shifts;
}

void show_bias_shift(CheckReport& report) {
  report.heading("Exhibit 1: a constant added to the bias changes nothing, up to rounding");
  report.say(
      "The training output of Linear - BatchNorm, with b (alternately -b) added to every bias, against b = 0. In real "
      "arithmetic the difference is 0. But z = W a + b is stored with a rounding error proportional to |b|, and that "
      "error is no constant, so it survives: small in double, ruinous in float at 1e6. Bound: what rounding z can do, "
      "ulp (|b| + 8 max|W a|) |gamma|/s (1 + sqrt N).");
  const std::vector<BiasShift> in_float = float32::exhibits::bias_shifts(),
                               in_double = float64::exhibits::bias_shifts();
  report.conclusion(
      "Adding 1e6 to every bias moves the training output by {:.0e} in double, which is rounding. Float rounds more "
      "coarsely: there the output moves by {:.0e} and is spoilt.",
      in_double.back().change, in_float.back().change);
  report.row("    |b|   max|y(b) - y(0)| in double    in float");
  for (std::size_t i = 0; i < in_float.size(); ++i) {
    report.row("  {:5.0e}   {:26.1e}   {:9.1e}", in_float[i].b, in_double[i].change, in_float[i].change);
  }
  for (const BiasShift& shift : kDouble ? in_double : in_float) {
    report.at_most("exhibit 1", fmt::format("|b| = {:.0e}: output unchanged, up to rounding", shift.b), shift.change,
                   shift.rounding);
  }
  report.at_least("exhibit 1", "in float, |b| = 1e6 spoils the output", in_float.back().change, 1e-3);

  // The control: what is not constant over the batch does not cancel.
  Random random = random_for(4);
  Block block = random_block(random, 32, 6, 5);
  const Numbers y = run_block(block).y;
  const Matrix bump = normal_matrix(random, 32, 5);
  const Numbers bumped = run_block(block, kEps, [&](Var z) { return add(z, z.tape().constant(bump)); }).y;
  report.at_least("exhibit 1", "what differs from sample to sample does not cancel", distance(bumped, y), 0.1);
}

}  // namespace TARE_NAMESPACE::exhibits
