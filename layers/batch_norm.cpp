#include <tare/layers/batch_norm.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

const BatchNorm::Options& checked(const BatchNorm::Options& o) {
  check(o.features >= 1, "BatchNorm: features", "at least 1", o.features);
  check(o.op != nullptr, "BatchNorm: op", "an op", "none");
  check(o.eps >= 0 && std::isfinite(o.eps), "BatchNorm: eps", "a finite number of at least 0", o.eps);
  check(o.momentum >= 0 && o.momentum <= 1, "BatchNorm: momentum", "a number from 0 to 1", o.momentum);
  return o;
}

}  // namespace

BatchNorm::BatchNorm(Options o)
    : options(checked(o)),
      gamma("weight", 1, o.features),
      beta("bias", 1, o.features),
      running_mean(1, o.features),
      running_var(1, o.features) {
  gamma.value.setOnes();
  running_var.setOnes();
}

Var BatchNorm::forward(Var x, Mode mode) { return mode == Mode::train ? normalize_batch(x) : normalize_running(x); }

Var BatchNorm::on_tape(Parameter& parameter, Tape& tape) const {
  return options.affine ? tape.leaf(parameter) : tape.constant(parameter.value);
}

Var BatchNorm::normalize_batch(Var x) {
  if (x.rows() < 2) {
    throw Error(
        "BatchNorm: training needs at least 2 samples in a batch to have a variance, found {}; "
        "use a larger batch, or evaluation mode",
        x.rows());
  }
  Tape& tape = x.tape();
  Var gamma_var = on_tape(gamma, tape), beta_var = on_tape(beta, tape);
  const BatchNormResult batch = options.op(x, gamma_var, beta_var, static_cast<real>(options.eps));

  for (const View& statistic : {batch.mean, batch.variance}) {
    if (shape_of(statistic) != Shape{1, options.features}) {
      throw Error("BatchNorm: expected an op with statistics [1 x {}], found {}", options.features,
                  shape_of(statistic));
    }
  }
  track(batch.mean, batch.variance, x.rows());
  return batch.y;
}

// [BN-5]
void BatchNorm::track(const View& mean, const View& variance, Index samples) {
  const auto n = static_cast<real>(samples), m = static_cast<real>(options.momentum);
  running_mean = (1 - m) * running_mean + m * mean;
  running_var = (1 - m) * running_var + m * (n / (n - 1)) * variance;
  ++num_batches_tracked;
}

// [BN-6]  y = gamma (x - running_mean) / sqrt(running_var + eps) + beta
Var BatchNorm::normalize_running(Var x) {
  Tape& tape = x.tape();
  Var inv_s = rsqrt(add_scalar(tape.constant(running_var), static_cast<real>(options.eps)));
  Var xhat = mul_row(sub_row(x, tape.constant(running_mean)), inv_s);
  Var scaled = mul_row(xhat, on_tape(gamma, tape));
  return add_row(scaled, on_tape(beta, tape));
}

std::vector<StateTensor> BatchNorm::state() {
  const std::vector<std::int64_t> shape{options.features};
  std::vector<StateTensor> all;
  if (options.affine) all = {{gamma.name, shape, gamma.value}, {beta.name, shape, beta.value}};
  all.push_back({"running_mean", shape, running_mean});
  all.push_back({"running_var", shape, running_var, Values::finite_not_negative});
  all.push_back({"num_batches_tracked", {}, &num_batches_tracked});
  return all;
}

}  // namespace TARE_NAMESPACE
