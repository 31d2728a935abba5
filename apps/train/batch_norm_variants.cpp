#include <tare/apps/train/batch_norm_variants.h>

#include <tare/core/ops/ops.h>

namespace TARE_NAMESPACE {
namespace {

View zeros(Tape& tape, Index cols) {
  Scratch row = tape.scratch(1, cols);
  row.setZero();
  return row;
}

// The biased variance of which, with eps and made unbiased, the running one becomes exactly 1.
View unit_variance(Var x, real eps) {
  const auto n = static_cast<real>(x.rows());
  Scratch row = x.tape().scratch(1, x.cols());
  row.setConstant((1 - eps) * (n - 1) / n);
  return row;
}

// The same numbers, row by row, in another shape.
Var reshape(Var x, Index rows, Index cols) {
  Var y = Tape::record("reshape", {x}, rows, cols);
  y.set([](auto x) { return x; }, View(x.value().data(), rows, cols));
  return y.pullback([=](View g) { x.add_grad([](auto g) { return g; }, View(g.data(), x.rows(), x.cols())); });
}

}  // namespace

BatchNormResult batch_norm_mean_only(Var x, Var gamma, Var beta, real eps) {
  Var mean = col_mean(x);
  Var centred = sub_row(x, mean);
  Var y = add_row(mul_row(centred, gamma), beta);
  return {y, mean.value(), unit_variance(x, eps), centred.value(), zeros(x.tape(), x.cols())};
}

BatchNormResult batch_norm_variance_only(Var x, Var gamma, Var beta, real eps) {
  Var variance = col_mean(square(sub_row(x, col_mean(x))));
  Var inv_s = rsqrt(add_scalar(variance, eps));
  Var xhat = mul_row(x, inv_s);
  Var y = add_row(mul_row(xhat, gamma), beta);
  return {y, zeros(x.tape(), x.cols()), variance.value(), xhat.value(), inv_s.value()};
}

BatchNormResult batch_norm_neither(Var x, Var gamma, Var beta, real eps) {
  Var y = add_row(mul_row(x, gamma), beta);
  const View zero = zeros(x.tape(), x.cols());
  return {y, zero, unit_variance(x, eps), x.value(), zero};
}

BatchNormOp batch_norm_parts(const BatchNormParts& parts) {
  if (parts.mean) return parts.variance ? batch_norm : batch_norm_mean_only;
  return parts.variance ? batch_norm_variance_only : batch_norm_neither;
}

GhostBatchNorm::GhostBatchNorm(const BatchNorm& norm, Index piece) : BatchNorm(norm), piece_(piece) {
  check(piece >= 2, "GhostBatchNorm: piece", "at least 2 samples", piece);
}

Var GhostBatchNorm::forward(Var x, Mode mode) {
  if (mode == Mode::eval) return BatchNorm::forward(x, mode);
  const Index n = piece_, c = options.features, pieces = x.rows() / n;
  if (pieces * n != x.rows() || pieces == 0) {
    throw Error("{}: expected a batch that is a multiple of a piece, found {} samples", describe(), x.rows());
  }
  Tape& tape = x.tape();
  // Pieces become columns, so that one op normalizes each by itself: feature f of piece p is column f pieces + p.
  Var columns = reshape(transpose(reshape(x, pieces, n * c)), n, c * pieces);
  Var one = tape.constant(1, c * pieces), zero = tape.constant(1, c * pieces);
  one.mutable_value().setOnes();
  zero.mutable_value().setZero();
  const BatchNormResult batch = options.op(columns, one, zero, static_cast<real>(options.eps));

  const View means(batch.mean.data(), c, pieces), variances(batch.variance.data(), c, pieces);
  Scratch mean = tape.scratch(1, c), variance = tape.scratch(1, c);
  for (Index p = 0; p < pieces; ++p) {
    mean = means.col(p).transpose();
    variance = variances.col(p).transpose();
    track(mean, variance, n);
  }
  Var xhat = reshape(transpose(reshape(batch.y, n * c, pieces)), x.rows(), c);
  return add_row(mul_row(xhat, on_tape(gamma, tape)), on_tape(beta, tape));
}

}  // namespace TARE_NAMESPACE
