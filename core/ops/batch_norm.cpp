#include <tare/core/ops/batch_norm.h>

#include <tare/core/machine/functions.h>
#include <tare/core/ops/ops.h>
#include <tare/core/ops/shape_checks.h>

namespace TARE_NAMESPACE {

BatchNormResult batch_norm_composed(Var x, Var gamma, Var beta, real eps) {
  require_normalizable("batch_norm_composed", x, gamma, beta, eps);
  Var mean = col_mean(x);  // [BN-1]
  Var centred = sub_row(x, mean);
  Var variance = col_mean(square(centred));  // [BN-2]
  Var inv_s = rsqrt(add_scalar(variance, eps));
  Var xhat = mul_row(centred, inv_s);           // [BN-3]
  Var y = add_row(mul_row(xhat, gamma), beta);  // [BN-4]
  return {y, mean.value(), variance.value(), xhat.value(), inv_s.value()};
}

// [BN-7]  dgamma = sum_j g_j xhat_j
// [BN-8]  dbeta = sum_j g_j
// [BN-9]  dx_i = gamma / (N s) (N g_i - sum_j g_j - xhat_i sum_j g_j xhat_j)
BatchNormResult batch_norm(Var x, Var gamma, Var beta, real eps) {
  require_normalizable("batch_norm", x, gamma, beta, eps);
  Tape& tape = x.tape();
  const Index c = x.cols();
  const auto n = static_cast<real>(x.rows());
  const View x0(x.value().data(), 1, c);
  Scratch offset = tape.scratch(1, c), mean = tape.scratch(1, c), variance = tape.scratch(1, c);
  Scratch inv_s = tape.scratch(1, c), xhat = tape.scratch(x.rows(), c);
  Var y = Tape::record("batch_norm", {x, gamma, beta}, x.rows(), c);

  // The mean is kept as x0 + offset, with the column's first value x0. A mean of 1e4 in float is only known to 5e-4;
  // the differences x - x0 are exact there, and so x - mean = (x - x0) - offset is as accurate as x itself.
  offset.set(col_sums([](auto x, auto x0) { return x - x0; }), x, x0);
  offset /= n;
  mean = x0 + offset;  // [BN-1]

  Scratch& centred = xhat;  // in whose memory it is, until it is divided by s
  centred.set([](auto x, auto x0, auto offset) { return (x - x0) - offset; }, x, x0, offset);
  variance.set(col_sums([](auto centred) { return centred * centred; }), centred);
  variance /= n;  // [BN-2]

  inv_s.set([=](auto variance) { return 1 / (variance + eps).unaryExpr(functions::sqrt); }, variance);
  xhat.set([](auto centred, auto inv_s) { return centred * inv_s; }, centred, inv_s);              // [BN-3]
  y.set([](auto xhat, auto gamma, auto beta) { return gamma * xhat + beta; }, xhat, gamma, beta);  // [BN-4]

  y.pullback([=, xhat = View(xhat), inv_s = View(inv_s)](View g) {
    Tape& tape = x.tape();
    Scratch sum_g = tape.scratch(1, c), sum_g_xhat = tape.scratch(1, c);
    sum_g.set(col_sums([](auto g) { return g; }), g);
    sum_g_xhat.set(col_sums([](auto g, auto xhat) { return g * xhat; }), g, xhat);
    gamma.add_grad([](auto sum) { return sum; }, sum_g_xhat);  // [BN-7]
    beta.add_grad([](auto sum) { return sum; }, sum_g);        // [BN-8]
    x.add_grad(
        [=](auto g, auto xhat, auto gamma, auto inv_s, auto sum_g, auto sum_g_xhat) {
          auto through_itself = n * g;                // x_i is in its own normalized value,
          auto through_mean = sum_g;                  // in the mean of the whole batch,
          auto through_variance = xhat * sum_g_xhat;  // and in its variance
          return gamma * inv_s / n * (through_itself - through_mean - through_variance);  // [BN-9]
        },
        g, xhat, gamma, inv_s, sum_g, sum_g_xhat);
  });
  return {y, mean, variance, xhat, inv_s};
}

}  // namespace TARE_NAMESPACE
