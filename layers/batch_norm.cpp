#include "layers/batch_norm.h"

namespace TARE_NAMESPACE {

BatchNorm::BatchNorm(Options o)
    : options(o),
      gamma("weight", 1, o.features),
      beta("bias", 1, o.features),
      running_mean(1, o.features),
      running_var(1, o.features) {
  gamma.value.setOnes();
  running_var.setOnes();
}

Var BatchNorm::forward(Var x, Mode mode) { return mode == Mode::train ? normalize_batch(x) : normalize_running(x); }

Var BatchNorm::normalize_batch(Var x) {
  if (x.rows() < 2) {
    throw Error(
        "BatchNorm: training needs at least 2 samples in a batch to have a variance, found {}; "
        "use a larger batch, or evaluation mode",
        x.rows());
  }
  Tape& tape = x.tape();
  const auto op = options.kind == BatchNormKind::fused      ? batch_norm
                  : options.kind == BatchNormKind::composed ? batch_norm_composed
                                                            : batch_norm_diagonal_gradient;
  Var gamma_leaf = tape.leaf(gamma), beta_leaf = tape.leaf(beta);
  const auto [y, mean, variance] = op(x, gamma_leaf, beta_leaf, static_cast<real>(options.eps));

  const auto n = static_cast<real>(x.rows()), m = static_cast<real>(options.momentum);
  // [BN-5]
  running_mean = (1 - m) * running_mean + m * mean;
  running_var = (1 - m) * running_var + m * (n / (n - 1)) * variance;
  ++num_batches_tracked;
  return y;
}

// [BN-6]  y = gamma (x - running_mean) / sqrt(running_var + eps) + beta
Var BatchNorm::normalize_running(Var x) {
  Tape& tape = x.tape();
  Var inv_s = rsqrt(add_scalar(tape.constant(running_var), static_cast<real>(options.eps)));
  Var xhat = mul_row(sub_row(x, tape.constant(running_mean)), inv_s);
  Var scaled = mul_row(xhat, tape.leaf(gamma));
  return add_row(scaled, tape.leaf(beta));
}

std::vector<StateTensor> BatchNorm::state() {
  const std::vector<Index> shape{options.features};
  return {{gamma.name, shape, gamma.value},
          {beta.name, shape, beta.value},
          {"running_mean", shape, running_mean},
          {"running_var", shape, running_var},
          {"num_batches_tracked", {}, &num_batches_tracked}};
}

}  // namespace TARE_NAMESPACE
