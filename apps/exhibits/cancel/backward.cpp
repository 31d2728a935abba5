// The backward pass, term by term.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>

namespace TARE_NAMESPACE::exhibits {
namespace {

// dL/dx in the three ways in which x_i reaches the loss.
struct Terms {
  Numbers itself, mean, variance;
};

// The tape's answer: x enters as three separate leaves with equal values, and each receives the gradient of its path.
Terms terms_of_tape(const Batch& batch) {
  Parameter itself = parameter(batch.x), in_mean = parameter(batch.x), in_variance = parameter(batch.x);
  Tape tape;
  const Var v = tape.leaf(in_variance);
  const Var mean = col_mean(tape.leaf(in_mean)), variance = col_mean(square(sub_row(v, col_mean(v))));
  const Var xhat = mul_row(sub_row(tape.leaf(itself), mean), rsqrt(add_scalar(variance, kEps)));
  tape.backward(sum(mul(mul_row(xhat, tape.constant(batch.gamma)), tape.constant(batch.g))));
  return {numbers(itself.grad), numbers(in_mean.grad), numbers(in_variance.grad)};
}

}  // namespace

void show_backward(CheckReport& report) {
  report.heading("The backward pass, term by term");
  report.say("With a random upstream gradient g, and s = sqrt(sigma^2 + eps):");
  report.row("  dL/dx_i = gamma / (N s) (N g_i - sum_j g_j - xhat_i sum_j g_j xhat_j)");
  report.say(
      "Each term is compared with the tape's gradient along that path alone, and with central differences that hold "
      "the other paths fixed; in units of |gamma|/s max|g|.");
  const ByHand hand(random_for(2));
  const Numbers &x = hand.x, &gamma = hand.gamma, &beta = hand.beta, &g = hand.g, &mean = hand.mean;
  const Numbers &variance = hand.variance, &xhat = hand.xhat, &unit = hand.unit;
  constexpr Index n = ByHand::n, c = ByHand::c;

  const Numbers sum_g = column_inner(g, Numbers::Ones(n, c)), sum_g_xhat = column_inner(g, xhat);
  const Terms closed{table(n, c, [&](Index i, Index k) { return hand.factor(k) * hand.m * g(i, k); }),
                     table(n, c, [&](Index, Index k) { return -hand.factor(k) * sum_g(0, k); }),
                     table(n, c, [&](Index i, Index k) { return -hand.factor(k) * xhat(i, k) * sum_g_xhat(0, k); })};
  const Terms tape = terms_of_tape(hand.batch);
  const Terms slope{slopes(x, [&](const Numbers& moved) { return hand.loss(moved, mean, variance); }),
                    slopes(x, [&](const Numbers& moved) { return hand.loss(x, mean_of(moved), variance); }),
                    slopes(x, [&](const Numbers& moved) { return hand.loss(x, mean, variance_of(moved)); })};
  const auto compare = [&](const char* equation, const char* term, const Numbers& closed, const Numbers& tape,
                           const Numbers& slope) {
    report.at_most(equation, fmt::format("{}: the tape's", term), distance(tape, closed, unit), kRounding);
    report.at_most(equation, "the same by central differences", distance(tape, slope, unit), kSlope);
  };
  compare("backward: itself", "gamma/(N s) N g_i", closed.itself, tape.itself, slope.itself);
  compare("backward: mean", "-gamma/(N s) sum_j g_j", closed.mean, tape.mean, slope.mean);
  compare("backward: variance", "-gamma/(N s) xhat_i sum_j g_j xhat_j", closed.variance, tape.variance, slope.variance);

  const Normalized fused = normalize(hand.batch), composed = normalize(hand.batch, batch_norm_composed);
  const Numbers total = closed.itself + closed.mean + closed.variance;
  report.conclusion(
      "An input reaches the loss in three ways: by itself, through the mean and through the variance. Its gradient is "
      "the sum of these three terms, and batch_norm agrees with that to {:.0e}.",
      distance(fused.dx, total, unit));
  report.at_most("backward: dL/dx", "batch_norm gives the sum of the three terms", distance(fused.dx, total, unit),
                 kRounding);
  report.at_most("backward: dL/dx", "the tape derives the same from primitives", distance(composed.dx, fused.dx, unit),
                 kRounding);
  report.at_most("backward: dL/dx", "so do central differences", distance(fused.dx, hand.slope_of_loss(), unit),
                 kSlope);
  report.at_most("backward: dL/dgamma", "sum_j g_j xhat_j", relative(fused.dgamma, sum_g_xhat), kRounding);
  report.at_most(
      "backward: dL/dgamma", "by central differences",
      relative(fused.dgamma, slopes(gamma, [&](const Numbers& moved) { return inner(g, scaled(xhat, moved, beta)); })),
      kSlope);
  report.at_most("backward: dL/dbeta", "sum_j g_j", relative(fused.dbeta, sum_g), kRounding);
  report.at_most(
      "backward: dL/dbeta", "by central differences",
      relative(fused.dbeta, slopes(beta, [&](const Numbers& moved) { return inner(g, scaled(xhat, gamma, moved)); })),
      kSlope);
}

}  // namespace TARE_NAMESPACE::exhibits
