#include <tare/core/ops/layer_norm.h>

#include <tare/core/machine/functions.h>
#include <tare/core/ops/ops.h>
#include <tare/core/ops/shape_checks.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

constexpr double kWorkPerEntry = 16;  // in floating-point operations

}  // namespace

Var layer_norm_composed(Var x, Var gamma, Var beta, real eps) {
  require_normalizable("layer_norm_composed", x, gamma, beta, eps);
  Var columns = transpose(x);
  Var centred = sub_row(columns, col_mean(columns));
  Var inv_s = rsqrt(add_scalar(col_mean(square(centred)), eps));
  return add_row(mul_row(transpose(mul_row(centred, inv_s)), gamma), beta);
}

// With h = g o gamma, row by row:   dx = (h - mean(h) - xhat mean(h o xhat)) / s
// dgamma = sum_i g_i o xhat_i,   dbeta = sum_i g_i
Var layer_norm(Var x, Var gamma, Var beta, real eps) {
  require_normalizable("layer_norm", x, gamma, beta, eps);
  Tape& tape = x.tape();
  const View values = x.value();
  const auto c = static_cast<real>(x.cols());
  Scratch xhat = tape.scratch(x.rows(), x.cols()), inv_s = tape.scratch(1, x.rows());
  tape.workers().split(x.rows(), 1, kWorkPerEntry * values.size(), [&](Index begin, Index size) {
    for (Index i = begin; i < begin + size; ++i) {
      auto centred = xhat.row(i).array();  // in whose memory it is, until it is divided by s
      centred = values.row(i).array() - functions::sum(values.row(i).array()) / c;
      inv_s(0, i) = 1 / std::sqrt(functions::sum(centred.square()) / c + eps);
      xhat.row(i) *= inv_s(0, i);
    }
  });
  Var y = Tape::record("layer_norm", {x, gamma, beta}, x.rows(), x.cols());
  y.set([](auto xhat, auto gamma, auto beta) { return gamma * xhat + beta; }, xhat, gamma, beta);
  return y.pullback([=](View g) {
    gamma.add_grad(col_sums([](auto g, auto xhat) { return g * xhat; }), g, xhat);
    beta.add_grad(col_sums([](auto g) { return g; }), g);
    Scratch dx = x.tape().scratch(g.rows(), g.cols());
    const auto gamma_row = gamma.value().row(0).array();
    x.tape().workers().split(g.rows(), 1, kWorkPerEntry * g.size(), [&](Index begin, Index size) {
      for (Index i = begin; i < begin + size; ++i) {
        auto h = dx.row(i).array();
        h = g.row(i).array() * gamma_row;
        const real mean_h = functions::sum(h) / c, mean_h_xhat = functions::sum(h * xhat.row(i).array()) / c;
        h = inv_s(0, i) * (h - mean_h - xhat.row(i).array() * mean_h_xhat);
      }
    });
    x.add_grad([](auto dx) { return dx; }, dx);
  });
}

}  // namespace TARE_NAMESPACE
