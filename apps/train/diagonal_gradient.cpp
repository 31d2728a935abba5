#include <tare/apps/train/diagonal_gradient.h>

namespace TARE_NAMESPACE {

// [BN-10]  dx_i = gamma / (N s) (N - 1 - xhat_i^2) g_i
BatchNormResult batch_norm_diagonal_gradient(Var x, Var gamma, Var beta, real eps) {
  BatchNormResult result = batch_norm(x, gamma, beta, eps);  // whose own pullback no gradient will reach
  Var y = Tape::record("batch_norm_diagonal_gradient", {x, gamma, beta}, x.rows(), x.cols());
  y.set([](auto right) { return right; }, result.y);
  result.y = y;
  const View xhat = result.xhat, inv_s = result.inv_s;
  y.pullback([=](View g) {
    const auto n = static_cast<real>(g.rows());
    gamma.add_grad(col_sums([](auto g, auto xhat) { return g * xhat; }), g, xhat);
    beta.add_grad(col_sums([](auto g) { return g; }), g);
    x.add_grad(
        [=](auto g, auto xhat, auto gamma, auto inv_s) { return gamma * inv_s / n * ((n - 1) - xhat * xhat) * g; }, g,
        xhat, gamma, inv_s);
  });
  return result;
}

}  // namespace TARE_NAMESPACE
