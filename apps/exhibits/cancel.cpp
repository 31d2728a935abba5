// tare cancel: a guided exhibit of why a bias before BatchNorm cancels, what BatchNorm's gradient is, and where nothing
// cancels. Every statement is a check: a number, measured on synthetic data, and a bound. What does not cancel is
// claimed as such, with a lower bound.
//
// Note 1 is an explanation of the forward pass, note 2 a derivation of the backward pass with a wrong result, and note
// 3 Arjun Majumdar's "Batch Normalization equations" (2021), whose equations are numbered 1.1 to 1.12.
//
// The library computes in the precision of the run. What it is compared with is computed by apps/exhibits/numbers.h, always in double,
// by the sums as the notes write them, from the same numbers; so the difference is the library's rounding, or its error.
#include "apps/exhibits/cancel.h"

#include "apps/cli/commands.h"
#include "apps/exhibits/check_report.h"
#include "apps/exhibits/numbers.h"
#include "apps/train/diagonal_gradient.h"
#include "core/ops/batch_norm.h"
#include "core/ops/layer_norm.h"
#include "core/ops/linear.h"
#include "core/ops/loss.h"
#include "core/ops/ops.h"
#include "layers/linear.h"
#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace TARE_NAMESPACE {
namespace {

constexpr bool kDouble = sizeof(real) == 8;
constexpr double kUlp = std::numeric_limits<real>::epsilon();
constexpr real kEps = static_cast<real>(1e-5);  // of the normalizations

// Bounds on a difference relative to the largest number compared, or to the scale that is stated.
constexpr double in_precision(double in_double, double in_float) { return kDouble ? in_double : in_float; }
constexpr double kRounding = in_precision(1e-12, 5e-6);  // two ways to compute the same
constexpr double kSlope = in_precision(1e-7, 5e-6);  // a derivative and a central difference, always taken in double

Numbers numbers(const Eigen::Ref<const Matrix>& m) { return m.cast<double>(); }

// ---- What the library computes --------------------------------------------------------------------------------------

Random random_for(std::uint64_t exhibit) { return Random(2021, Random::Stream{4}, exhibit); }

// shift + sigma N(0, 1)
Matrix normal_matrix(Random& random, Index rows, Index cols, double shift = 0, double sigma = 1) {
  Matrix m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<real>(shift + sigma * random.normal());
  return m;
}

Parameter parameter(const Matrix& value) {
  Parameter p("", value.rows(), value.cols());
  p.value = value;
  return p;
}

// A batch x before BatchNorm, and the upstream gradient g = dL/dy behind it: L = sum(g o y).
struct Batch {
  Matrix x, gamma, beta, g;
};

Batch random_batch(Random& random, Index n, Index c) {
  return {normal_matrix(random, n, c, 3, 2), normal_matrix(random, 1, c, 1.5, 0.3), normal_matrix(random, 1, c),
          normal_matrix(random, n, c)};
}

struct Normalized {
  Numbers y, mean, variance, dx, dgamma, dbeta;
};

Normalized normalize(const Batch& batch, BatchNormOp op = batch_norm, real eps = kEps) {
  Parameter x = parameter(batch.x), gamma = parameter(batch.gamma), beta = parameter(batch.beta);
  Tape tape;
  const auto [y, mean, variance, xhat, inv_s] = op(tape.leaf(x), tape.leaf(gamma), tape.leaf(beta), eps);
  tape.backward(sum(mul(y, tape.constant(batch.g))));
  return {numbers(y.value()), numbers(mean),       numbers(variance),
          numbers(x.grad),    numbers(gamma.grad), numbers(beta.grad)};
}

// Linear - [between] - normalization, and the upstream gradient behind it.
struct Block {
  Matrix a, w, b, gamma, beta, g;
};

Block random_block(Random& random, Index n, Index in, Index out) {
  return {normal_matrix(random, n, in, 0.5),   normal_matrix(random, out, in, 0, 0.5),
          normal_matrix(random, 1, out, 0, 3), normal_matrix(random, 1, out, 1.5, 0.3),
          normal_matrix(random, 1, out, 0, 1), normal_matrix(random, n, out)};
}

struct BlockResult {
  Numbers y, variance, dz, da, dw, db, dgamma;
};

template <class Between>
BlockResult run_block(const Block& block, real eps, const Between& between) {
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b);
  Parameter gamma = parameter(block.gamma), beta = parameter(block.beta);
  Tape tape;
  const Var z = linear(tape.leaf(a), tape.leaf(w), tape.leaf(b));
  const auto [y, mean, variance, xhat, inv_s] = batch_norm(between(z), tape.leaf(gamma), tape.leaf(beta), eps);
  tape.backward(sum(mul(y, tape.constant(block.g))));
  return {numbers(y.value()), numbers(variance), numbers(z.grad()),  numbers(a.grad),
          numbers(w.grad),    numbers(b.grad),   numbers(gamma.grad)};
}

BlockResult run_block(const Block& block, real eps = kEps) {
  return run_block(block, eps, [](Var z) { return z; });
}

// ---- The notes, equation by equation --------------------------------------------------------------------------------

void show_forward(CheckReport& report) {
  report.heading("Note 1: the forward pass, step by step");
  report.say("A batch of 32 samples with 5 features, normalized by the library and, in double, by hand.");
  Random random = random_for(0);
  const Batch batch = random_batch(random, 32, 5);
  const Numbers x = numbers(batch.x), gamma = numbers(batch.gamma), beta = numbers(batch.beta);
  const Normalized got = normalize(batch);
  Batch plain = batch;  // gamma = 1 and beta = 0 leave the normalized batch itself
  plain.gamma.setOnes();
  plain.beta.setZero();
  const Numbers got_xhat = normalize(plain).y;

  const Numbers mean = mean_of(x), variance = variance_of(x, mean), s = deviation(variance, kEps);
  const Numbers xhat = normalized(x, mean, s), y = scaled(xhat, gamma, beta);
  report.at_most("note 1, step 1: mean", "mu_k = 1/m sum_i x_k(i)", relative(got.mean, mean), kRounding);
  report.at_most("note 1, step 1: var.", "sigma_k^2 = 1/m sum_i (x_k(i) - mu_k)^2", relative(got.variance, variance),
                 kRounding);
  report.at_most("note 1, step 2", "xhat = (x - mu) / sqrt(sigma^2 + eps)", relative(got_xhat, xhat), kRounding);
  const Numbers mean_xhat = mean_of(got_xhat), variance_xhat = variance_of(got_xhat, mean_xhat);
  report.at_most("note 1, step 2", "so xhat has mean 0", largest(mean_xhat), kRounding);
  // Not quite 1: eps takes its share.
  const Numbers share = table(1, 5, [&](Index, Index k) { return variance(0, k) / (variance(0, k) + kEps); });
  report.at_most("note 1, step 2", "and variance sigma^2 / (sigma^2 + eps)", relative(variance_xhat, share), kRounding);
  report.at_most("note 1, step 3", "y = gamma xhat + beta", relative(got.y, y), kRounding);
  Batch undone = batch;
  undone.gamma = s.cast<real>();
  undone.beta = mean.cast<real>();
  report.at_most("note 1, step 3", "gamma = sqrt(sigma^2 + eps), beta = mu restore x", relative(normalize(undone).y, x),
                 kRounding);

  Sequential layers;
  BatchNorm& layer = layers.add(BatchNorm({.features = 5}));
  Linear& next = layers.add(Linear({.in = 5, .out = 3}));
  layer.gamma.value = batch.gamma;
  layer.beta.value = batch.beta;
  next.weight.value = normal_matrix(random, 3, 5);
  next.bias->value = normal_matrix(random, 1, 3);
  Tape tape;
  const Numbers passed_on = numbers(layers.forward(tape.constant(batch.x), Mode::train).value());
  report.at_most("note 1, step 4", "the next layer of a network receives y",
                 relative(passed_on, affine(y, numbers(next.weight.value), numbers(next.bias->value))), kRounding);
}

void show_cancellation(CheckReport& report) {
  report.heading("Note 3: the bias, followed through equations 1.1 to 1.12");
  report.say(
      "z = W a + b for 32 samples, 6 inputs and 5 outputs. The mean of z contains b, so subtracting the\n"
      "mean takes b away again. The library's z - mu is compared with each way of writing it.");
  Random random = random_for(1);
  const Block block = random_block(random, 32, 6, 5);
  const Numbers a = numbers(block.a), w = numbers(block.w), b = numbers(block.b);
  const Numbers gamma = numbers(block.gamma), beta = numbers(block.beta);

  Tape tape(Tape::Gradients::none);
  const Var va = tape.constant(block.a), vw = tape.constant(block.w), vb = tape.constant(block.b);
  const Var one = tape.constant(Matrix::Ones(1, 5)), zero = tape.constant(Matrix::Zero(1, 5));
  const Var vz = linear(va, vw, vb);
  const BatchNormResult plain = batch_norm(vz, one, zero, kEps);
  const BatchNormResult full = batch_norm(vz, tape.constant(block.gamma), tape.constant(block.beta), kEps);
  const BatchNormResult unbiased = batch_norm(linear(va, vw), one, zero, kEps);
  const Numbers got_mean = numbers(plain.mean), got_variance = numbers(plain.variance);
  const Numbers got_xhat = numbers(plain.y.value()), got_centred = numbers(sub_row(vz, col_mean(vz)).value());

  const Numbers z = affine(a, w, b), mean = mean_of(z), variance = variance_of(z, mean), s = deviation(variance, kEps);
  const Numbers a_mean = mean_of(a);
  const Numbers wa = product(a, w), wa_mean = product(a_mean, w);
  const auto centred = [&](const auto& f) { return table(z.rows(), z.cols(), f); };

  report.at_most("note 3, 1.1", "z = W a + b", relative(numbers(vz.value()), z), kRounding);
  report.at_most("note 3, 1.2", "mu = 1/m sum_i z(i)", relative(got_mean, mean), kRounding);
  report.at_most("note 3, 1.3", "mu = W abar + b: the mean contains b",
                 relative(got_mean, numbers(linear(col_mean(va), vw, vb).value())), kRounding);
  report.at_most("note 3, 1.4", "mu = W (1/m sum_i a(i)) + b", relative(got_mean, affine(a_mean, w, b)), kRounding);
  report.at_most("note 3, 1.5", "sigma^2 = 1/m sum_i (z(i) - mu)^2", relative(got_variance, variance), kRounding);
  report.at_most("note 3, 1.5", "sigma^2 is the same without b", relative(got_variance, numbers(unbiased.variance)),
                 kRounding);
  report.at_most("note 3, 1.6", "z_norm = (z - mu) / sqrt(sigma^2 + eps)", relative(got_xhat, normalized(z, mean, s)),
                 kRounding);
  report.at_most("note 3, 1.7", "z~ = gamma z_norm + beta",
                 relative(numbers(full.y.value()), scaled(normalized(z, mean, s), gamma, beta)), kRounding);
  report.at_most("note 3, 1.8", "z - mu = (W a + b) - mu", relative(got_centred, minus_row(z, mean)), kRounding);
  report.at_most("note 3, 1.9", "= (W a + b) - (W 1/m sum_i a(i) + b)",
                 relative(got_centred, minus_row(affine(a, w, b), affine(a_mean, w, b))), kRounding);
  report.at_most(
      "note 3, 1.10", "= W a + b - W 1/m sum_i a(i) - b",
      relative(got_centred, centred([&](Index i, Index k) { return wa(i, k) + b(0, k) - wa_mean(0, k) - b(0, k); })),
      kRounding);
  report.at_most("note 3, 1.11", "= W a - W 1/m sum_i a(i): both b struck out",
                 relative(got_centred, centred([&](Index i, Index k) { return wa(i, k) - wa_mean(0, k); })), kRounding);
  const Numbers of_centred_a = product(minus_row(a, a_mean), w);  // knows nothing of b
  // [BIAS-1]
  report.at_most("note 3, 1.12", "= W (a - 1/m sum_i a(i))", relative(got_centred, of_centred_a), kRounding);
  const Numbers none = Numbers::Zero(1, 5);
  report.at_most("note 3, 1.12", "1.12 can replace z - mu in 1.5 and 1.6",
                 relative(got_xhat, normalized(of_centred_a, none, deviation(variance_of(of_centred_a, none), kEps))),
                 kRounding);
}

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

// The batch of the backward pass, with what is needed of it in double.
struct ByHand {
  static constexpr Index n = 16, c = 4;
  static constexpr double m = n;

  explicit ByHand(Random random) : batch(random_batch(random, n, c)) {}

  // gamma / (N s)
  double factor(Index k) const { return gamma(0, k) / (m * s(0, k)); }
  // sum(g o y) of a batch x with these statistics
  double loss(const Numbers& x, const Numbers& mean, const Numbers& variance) const {
    return inner(g, scaled(normalized(x, mean, deviation(variance, kEps)), gamma, beta));
  }
  // dL/dx by central differences, x in all its places
  Numbers slope_of_loss() const {
    return slopes(x, [&](const Numbers& moved) { return loss(moved, mean_of(moved), variance_of(moved)); });
  }

  Batch batch;
  Numbers x = numbers(batch.x), gamma = numbers(batch.gamma), beta = numbers(batch.beta), g = numbers(batch.g);
  Numbers mean = mean_of(x), variance = variance_of(x), s = deviation(variance, kEps), xhat = normalized(x, mean, s);
  // |gamma|/s max|g|: the size of what a column's gradient is the difference of
  Numbers unit = table(1, c, [&](Index, Index k) { return std::abs(gamma(0, k)) / s(0, k) * largest(g); });
};

void show_backward(CheckReport& report) {
  report.heading("The backward pass, term by term");
  report.say(
      "dL/dx_i = gamma / (N s) (N g_i - sum_j g_j - xhat_i sum_j g_j xhat_j), s = sqrt(sigma^2 + eps),\n"
      "from a random upstream gradient g. Each term is compared with the tape's gradient along that path\n"
      "alone, and with central differences that hold the other paths fixed; in units of |gamma|/s max|g|.");
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

void show_derivation(CheckReport& report) {
  report.heading("Note 2: its steps, against central differences");
  report.say(
      "The steps of the derivation, one S_i of the same batch at a time. 3b has lost a factor S_i - mu,\n"
      "and the box below it writes S_i where the normalized Shat_i is meant.");
  const ByHand hand(random_for(2));
  const Numbers &x = hand.x, &gamma = hand.gamma, &g = hand.g, &mean = hand.mean, &variance = hand.variance;
  const Numbers &s = hand.s, &xhat = hand.xhat, &unit = hand.unit;
  constexpr Index n = ByHand::n, c = ByHand::c;
  constexpr double m = ByHand::m;

  // Each step is the derivative of one function of one number: entry by entry.
  const auto slope_at = [&](const Numbers& at, const auto& f) {
    constexpr double h = 1e-5;
    return table(n, c, [&](Index i, Index k) {
      const double at_ik = at(at.rows() == 1 ? 0 : i, k);
      return (f(i, k, at_ik + h) - f(i, k, at_ik - h)) / (2 * h);
    });
  };
  // A statistic of column k when x_i there is moved to another place.
  const auto with = [&](Index i, Index k, double to, const auto& statistic) {
    Numbers column = x.col(k);
    column(i, 0) = to;
    return statistic(column)(0, 0);
  };
  const Numbers d_itself = slope_at(x, [&](Index, Index k, double to) { return (to - mean(0, k)) / s(0, k); });
  const Numbers d_mean = slope_at(mean, [&](Index i, Index k, double to) { return (x(i, k) - to) / s(0, k); });
  const Numbers mean_d = slope_at(x, [&](Index i, Index k, double to) { return with(i, k, to, mean_of); });
  const Numbers d_variance =
      slope_at(variance, [&](Index i, Index k, double to) { return (x(i, k) - mean(0, k)) / std::sqrt(to + kEps); });
  const Numbers variance_d = slope_at(x, [&](Index i, Index k, double to) {
    return with(i, k, to, [](const Numbers& column) { return variance_of(column); });
  });
  const Numbers chain2 = d_mean.cwiseProduct(mean_d), chain3 = d_variance.cwiseProduct(variance_d);
  const auto formula = [&](const auto& f) { return table(n, c, f); };
  const double slope_bound = 1e-7;  // both sides in double, whatever the run's precision
  report.at_most("note 2, 1", "dShat_i/dS_i = 1/s, mu and sigma held",
                 relative(d_itself, formula([&](Index, Index k) { return 1 / s(0, k); })), slope_bound);
  report.at_most("note 2, 2a", "dShat_i/dmu = -1/s",
                 relative(d_mean, formula([&](Index, Index k) { return -1 / s(0, k); })), slope_bound);
  report.at_most("note 2, 2b", "dmu/dS_i = 1/N", relative(mean_d, formula([&](Index, Index) { return 1 / m; })),
                 slope_bound);
  report.at_most("note 2, 2", "their product is -1/(N s)",
                 relative(chain2, formula([&](Index, Index k) { return -1 / (m * s(0, k)); })), slope_bound);
  report.at_most("note 2, 3a", "dShat_i/dsigma^2 = -(S_i-mu)/2 (sigma^2+eps)^-1.5",
                 relative(d_variance, formula([&](Index i, Index k) {
                            return -0.5 * (x(i, k) - mean(0, k)) * std::pow(variance(0, k) + kEps, -1.5);
                          })),
                 slope_bound);
  report.at_most("note 2, 3b corrected", "dsigma^2/dS_i = 2 (S_i - mu) / N",
                 relative(variance_d, formula([&](Index i, Index k) { return 2 * (x(i, k) - mean(0, k)) / m; })),
                 slope_bound);
  report.at_least("note 2, 3b as written", "not 2/N",
                  relative(variance_d, formula([&](Index, Index) { return 2 / m; })), 0.1);
  report.at_most("note 2, 3 corrected", "the product of 3a and 3b is -Shat_i^2 / (N s)",
                 relative(chain3, formula([&](Index i, Index k) { return -std::pow(xhat(i, k), 2) / (m * s(0, k)); })),
                 slope_bound);
  report.at_least("note 2, 3 as written", "not -S_i^2 / (N s)",
                  relative(chain3, formula([&](Index i, Index k) { return -std::pow(x(i, k), 2) / (m * s(0, k)); })),
                  0.1);
  // The box, delta gamma / (N s) (N - 1 - S_i^2), with Shat_i in the place of S_i, and as it is written.
  const auto box = [&](const Numbers& in_box) {
    return formula([&](Index i, Index k) { return g(i, k) * hand.factor(k) * (m - 1 - std::pow(in_box(i, k), 2)); });
  };
  // Shat_i of a column whose S_i alone is moved; its mean and variance move along.
  const Numbers own_slope = slope_at(x, [&](Index i, Index k, double to) {
    return with(i, k, to, [&](const Numbers& column) {
      const Numbers column_mean = mean_of(column);
      const Numbers column_s = deviation(variance_of(column), kEps);
      return Numbers::Constant(1, 1, (to - column_mean(0, 0)) / column_s(0, 0)).eval();
    });
  });
  const Numbers own = formula([&](Index i, Index k) { return g(i, k) * gamma(0, k) * own_slope(i, k); });
  const Numbers put_together = formula([&](Index i, Index k) { return g(i, k) * gamma(0, k) * d_itself(i, k); });
  report.at_least("note 2, sum as written", "delta gamma must multiply all three terms",
                  relative(put_together + chain2 + chain3, own), 0.1);
  report.at_most("note 2, box corrected", "with Shat_i: delta_i times the diagonal dy_i/dS_i", relative(box(xhat), own),
                 slope_bound);
  report.at_least("note 2, box as written", "with S_i it is not even that", relative(box(x), own), 0.1);
  report.at_most("note 2, box corrected", "batch_norm_diagonal_gradient computes it",
                 distance(normalize(hand.batch, batch_norm_diagonal_gradient).dx, box(xhat), unit), kRounding);
  report.at_least("note 2, box corrected", "it is not dL/dS_i: S_i moves every Shat_j",
                  distance(box(xhat), hand.slope_of_loss(), unit), 0.1);
}

// ---- Exhibits -------------------------------------------------------------------------------------------------------

// A z of size |b| is off by half an ulp of |b|, and its mean by as much: that moves xhat by ulp |b| / s, and once more
// by up to |xhat| <= sqrt(N) times that through s. The sums of which z consists add some ulps of their own size.
std::vector<BiasShift> measure_bias_shifts() {
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
      "The training output of Linear - BatchNorm, with b (alternately -b) added to every bias, against\n"
      "b = 0. In real arithmetic the difference is 0. But z = W a + b is stored with a rounding error\n"
      "proportional to |b|, and that error is no constant, so it survives: small in double, ruinous in\n"
      "float at 1e6. Bound: what rounding z can do, ulp (|b| + 8 max|W a|) |gamma|/s (1 + sqrt N).");
  const std::vector<BiasShift> in_float = float32::bias_shifts(), in_double = float64::bias_shifts();
  report.say("\n    |b|   max|y(b) - y(0)| in double    in float");
  for (std::size_t i = 0; i < in_float.size(); ++i) {
    report.say("  {:5.0e}   {:26.1e}   {:9.1e}", in_float[i].b, in_double[i].change, in_float[i].change);
  }
  report.say("");
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

void show_jacobian(CheckReport& report) {
  report.heading("Exhibit 2: the bias's gradient is zero: J's null space contains the ones vector");
  const Index n = 5;
  Random random = random_for(5);
  Batch batch{normal_matrix(random, n, 1, 2, 0.1), Matrix::Constant(1, 1, real{1.5}), Matrix::Zero(1, 1),
              Matrix::Zero(n, 1)};
  Numbers j(n, n);  // row i is the gradient of y_i
  for (Index i = 0; i < n; ++i) {
    batch.g.setZero();
    batch.g(i, 0) = 1;
    const Numbers dx = normalize(batch).dx;
    for (Index l = 0; l < n; ++l) j(i, l) = dx(l, 0);
  }
  const Numbers x = numbers(batch.x), mean = mean_of(x), variance = variance_of(x, mean);
  const Numbers s = deviation(variance, kEps), xhat = normalized(x, mean, s);
  const double gamma = 1.5, gain = gamma / s(0, 0), middle = gain * kEps / (variance(0, 0) + kEps);
  report.say(
      "One feature, {} samples of deviation 0.1, gamma = {}: gamma/s = {:.4f}. With dL/dx = J' dL/dy,\n"
      "the bias, which moves every x_i by the same amount, gets sum_i dL/dx_i = (J 1)' dL/dy.\n\n"
      "J = dy_i/dx_j = gamma/s (I - 11'/N - xhat xhat'/N), one backward pass per row:\n",
      n, gamma, gain);
  for (Index i = 0; i < n; ++i) {
    std::string line;
    for (Index l = 0; l < n; ++l) line += fmt::format("{:10.4f}", j(i, l));
    report.say("  {}", line);
  }

  const Numbers j_formula =
      table(n, n, [&](Index i, Index l) { return gain * ((i == l ? 1 : 0) - 1.0 / n - xhat(i, 0) * xhat(l, 0) / n); });
  const Numbers j_ones = product(Numbers::Ones(1, n), j), j_xhat = product(xhat.transpose(), j);
  const Numbers expected_xhat = table(1, n, [&](Index, Index i) { return middle * xhat(i, 0); });
  const Numbers spectrum = eigenvalues(j);
  std::string listed;
  for (Index i = 0; i < n; ++i) listed += fmt::format("{}{:.3g}", i == 0 ? "" : ", ", spectrum(i, 0));
  report.say("\nIts eigenvalues: {}", listed);
  report.say("Expected: 0 along 1; gamma/s eps/(var+eps) = {:.3g} along xhat; gamma/s = {:.3g}, N-2 times.\n", middle,
             gain);

  report.at_most("exhibit 2", "J is the closed form (in units of gamma/s)", distance(j, j_formula) / gain, kRounding);
  report.at_most("exhibit 2", "J = J'", distance(j, j.transpose()) / gain, kRounding);
  report.at_most("exhibit 2", "J 1 = 0", largest(j_ones) / gain, kRounding);
  report.at_most("exhibit 2", "J xhat = gamma/s eps/(var+eps) xhat", distance(j_xhat, expected_xhat) / gain, kRounding);
  report.at_most("exhibit 2", "smallest eigenvalue: 0", std::abs(spectrum(0, 0)) / gain, kRounding);
  report.at_most("exhibit 2", "second: gamma/s eps/(var+eps), relative", std::abs(spectrum(1, 0) - middle) / middle,
                 in_precision(1e-9, 2e-2));
  double others = 0;
  for (Index i = 2; i < n; ++i) others = std::max(others, std::abs(spectrum(i, 0) - gain) / gain);
  report.at_most("exhibit 2", "the other N-2: gamma/s, relative", others, kRounding);

  const Block block = random_block(random, 32, 6, 5);
  const BlockResult got = run_block(block);
  const Numbers absolute =
      table(1, 5, [&](Index, Index k) { return sum_over(32, [&](Index i) { return std::abs(got.dz(i, k)); }); });
  // [BIAS-2]
  report.at_most("exhibit 2", "Linear - BatchNorm: |dL/db| / sum_i |dL/dz_i|",
                 distance(got.db, Numbers::Zero(1, 5), absolute), kRounding);
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b);
  Tape tape;
  tape.backward(sum(mul(linear(tape.leaf(a), tape.leaf(w), tape.leaf(b)), tape.constant(block.g))));
  report.at_least("exhibit 2", "without BatchNorm the same quotient is not 0",
                  largest(numbers(b.grad)) / largest(numbers(block.g)) / 32, 0.01);
}

void show_diagonal_gradient(CheckReport& report) {
  report.heading("Exhibit 3: note 2's formula against the full one");
  report.say(
      "Note 2 keeps only the diagonal of J: how x_i moves y_i, but not how it moves every other y_j. For\n"
      "200 random columns each: the median of |d - f| / |f|, where f is the full gradient by central\n"
      "differences; and of |sum_i dx_i| / sum_i |dx_i|, which is the bias's gradient, and must be 0 if note\n"
      "3 is right. Who trusts note 2 must conclude that the bias matters.\n\n"
      "    N    error of note 2   error of batch_norm   bias gradient of note 2   of batch_norm");
  const Index columns = 200;
  struct Row {
    Index n;
    double diagonal_error, full_error, diagonal_bias, full_bias;
  };
  std::vector<Row> rows;
  for (Index n : {4, 16, 64, 128}) {
    Random random = random_for(10 + static_cast<std::uint64_t>(n));
    const Batch batch{normal_matrix(random, n, columns), Matrix::Ones(1, columns), Matrix::Zero(1, columns),
                      normal_matrix(random, n, columns)};
    const Numbers x = numbers(batch.x), g = numbers(batch.g);
    Numbers slope(n, columns);
    for (Index k = 0; k < columns; ++k) {
      slope.col(k) = slopes(x.col(k), [&](const Numbers& column) {
        const Numbers mean = mean_of(column), s = deviation(variance_of(column, mean), kEps);
        return sum_over(n, [&](Index i) { return g(i, k) * (column(i, 0) - mean(0, 0)) / s(0, 0); });
      });
    }
    const Numbers diagonal = normalize(batch, batch_norm_diagonal_gradient).dx, full = normalize(batch).dx;
    rows.push_back({n, median(column_errors(diagonal, slope)), largest(column_errors(full, slope)),
                    median(cancellation(diagonal)), largest(cancellation(full))});
    report.say("  {:3}   {:14.0f} %   {:19.1e}   {:23.2f}   {:13.1e}", n, 100 * rows.back().diagonal_error,
               rows.back().full_error, rows.back().diagonal_bias, rows.back().full_bias);
  }
  report.say("  (for batch_norm the largest of the 200 instead of the median)\n");
  const double least_error[] = {0.5, 0.25, 0.12, 0.08}, least_bias[] = {0.3, 0.15, 0.07, 0.05};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    report.at_most("exhibit 3", fmt::format("N = {}: batch_norm's gradient is right", row.n), row.full_error,
                   in_precision(1e-6, 1e-3));
    report.at_least("exhibit 3", fmt::format("N = {}: note 2's is wrong", row.n), row.diagonal_error, least_error[i]);
    report.at_most("exhibit 3", fmt::format("N = {}: batch_norm gives the bias no gradient", row.n), row.full_bias,
                   in_precision(1e-12, 1e-3));
    report.at_least("exhibit 3", fmt::format("N = {}: note 2 gives it one", row.n), row.diagonal_bias, least_bias[i]);
  }
}

// Four classes of normal points in eight dimensions.
struct Samples {
  Matrix x;
  std::vector<int> labels;
};

Samples make_samples() {
  Random random = random_for(6);
  const Matrix centres = normal_matrix(random, 4, 8);
  Samples samples{normal_matrix(random, 256, 8), {}};
  for (Index i = 0; i < 256; ++i) {
    samples.labels.push_back(static_cast<int>(i % 4));
    samples.x.row(i) += centres.row(i % 4);
  }
  return samples;
}

Sequential make_network(BiasRule rule, Norm norm = Norm::batch) {
  return make_mlp({.in = 8, .hidden = {16, 16}, .out = 4, .norm = norm, .bias = rule}, 1);
}

// Those of every Linear but the last.
Parameters hidden_biases(Sequential& model) {
  Parameters biases;
  for (std::size_t i = 0; i + 1 < model.size(); ++i) {
    auto* layer = dynamic_cast<Linear*>(&model[i]);
    if (layer != nullptr && layer->bias) biases.push_back(&*layer->bias);
  }
  return biases;
}

void set_hidden_biases(Sequential& model, real value) {
  for (Parameter* b : hidden_biases(model)) b->value.setConstant(value);
}

// The loss of every step, before its update. Batches of 32, one after the other.
template <class AfterStep>
std::vector<double> train(Sequential& model, Optimizer& optimizer, double lr, int steps, const AfterStep& after_step) {
  const Samples samples = make_samples();
  const Parameters parameters = model.parameters();
  std::vector<double> losses;
  Tape tape;
  for (int t = 0; t < steps; ++t) {
    const Index begin = 32 * (t % 8);
    tape.clear();
    zero_grad(parameters);
    const Var x = tape.constant(samples.x.middleRows(begin, 32));
    const std::span<const int> labels = std::span(samples.labels).subspan(static_cast<std::size_t>(begin), 32);
    const Var loss = softmax_cross_entropy(model.forward(x, Mode::train), labels);
    losses.push_back(static_cast<double>(loss.value()(0, 0)));
    tape.backward(loss);
    optimizer.step(lr, tape.workers());
    after_step(t + 1);
  }
  return losses;
}

std::vector<double> train(Sequential& model, Optimizer& optimizer, double lr, int steps) {
  return train(model, optimizer, lr, steps, [](int) {});
}

std::vector<double> train_sgd(Sequential& model) {
  Sgd sgd(model.parameters(), {.momentum = 0.9});
  return train(model, sgd, 0.05, 50);
}

Numbers outputs(Sequential model, Mode mode) {  // of a copy, whose running statistics may move
  Tape tape(Tape::Gradients::none);
  return numbers(model.forward(tape.constant(make_samples().x), mode).value());
}

AdamDrift measure_adam_drift() {
  Sequential model = make_network(BiasRule::keep);
  Adam adam(model.parameters(), {});
  const Parameters biases = hidden_biases(model);
  // What running_mean holds of a bias: the bias's own running mean, with the layer's momentum. The forward pass of a
  // step sees the bias that the step before it left.
  std::vector<Matrix> held, seen;
  for (const Parameter* b : biases) held.push_back(Matrix::Zero(1, b->value.cols()));
  seen = held;
  train(model, adam, 0.01, 200, [&](int) {
    for (std::size_t i = 0; i < biases.size(); ++i) {
      held[i] = real{0.9} * held[i] + real{0.1} * seen[i];
      seen[i] = biases[i]->value;
    }
  });
  AdamDrift drift{0, 0, 0};
  for (std::size_t i = 0; i < biases.size(); ++i) {
    drift.bias = std::max(drift.bias, largest(numbers(biases[i]->value)));
    drift.lag = std::max(drift.lag, distance(numbers(biases[i]->value), numbers(held[i])));
  }
  Sequential without = model;
  set_hidden_biases(without, 0);
  drift.outputs = relative(outputs(model, Mode::train), outputs(without, Mode::train));
  return drift;
}

Index count_numbers(Sequential& model) {
  Index n = 0;
  for (const Parameter* p : model.parameters()) n += p->value.size();
  return n;
}

double largest_relative(const std::vector<double>& a, const std::vector<double>& b) {
  const auto row = [](const std::vector<double>& v) {
    return table(1, static_cast<Index>(v.size()), [&](Index, Index i) { return v[static_cast<std::size_t>(i)]; });
  };
  return largest((row(a) - row(b)).cwiseQuotient(row(b)));
}

// The biases, all 1 at first, after each of `at` steps with weight decay.
std::vector<Numbers> decayed_biases(bool adamw, double lr, double decay, const std::vector<int>& at) {
  Sequential model = make_network(BiasRule::keep);
  set_hidden_biases(model, 1);
  Sgd sgd(model.parameters(), {.weight_decay = decay});
  Adam adam(model.parameters(), {.weight_decay = decay, .decoupled = true});
  Optimizer* optimizer = &sgd;
  if (adamw) optimizer = &adam;
  const Parameters biases = hidden_biases(model);
  std::vector<Numbers> snapshots;
  train(model, *optimizer, lr, at.back(), [&](int step) {
    if (std::find(at.begin(), at.end(), step) == at.end()) return;
    snapshots.push_back(table(static_cast<Index>(biases.size()), 16,
                              [&](Index i, Index k) { return biases[static_cast<std::size_t>(i)]->value(0, k); }));
  });
  return snapshots;
}

void show_training(CheckReport& report) {
  report.heading("Exhibit 4: training with and without the redundant biases");
  Sequential kept = make_network(BiasRule::keep), dropped = make_network(BiasRule::drop_cancelled);
  set_hidden_biases(kept, 1);
  const Index numbers_kept = count_numbers(kept), numbers_dropped = count_numbers(dropped);
  const std::vector<double> with = train_sgd(kept), without = train_sgd(dropped);
  report.say(
      "Two networks 8 - 16 - 16 - 4 with BatchNorm from the same weights, trained by SGD with momentum for\n"
      "50 steps: one with biases before BatchNorm, all set to 1 to make the point, one without. {} and\n"
      "{} parameters. And, for control, the same without BatchNorm: biases set to 1, biases left at 0.\n",
      numbers_kept, numbers_dropped);
  report.say("  step   loss, biases kept    biases dropped");
  for (std::size_t step : {1U, 10U, 25U, 50U}) {
    report.say("  {:4}   {:.14f}   {:.14f}", step, with[step - 1], without[step - 1]);
  }
  report.say("");
  report.at_most("exhibit 4", "same losses, the largest relative difference", largest_relative(with, without),
                 in_precision(1e-9, 1e-3));
  report.at_least("exhibit 4", "they did train: first loss / last loss", without.front() / without.back(), 2);
  report.at_least("exhibit 4", "parameters saved", static_cast<double>(numbers_kept - numbers_dropped), 32);
  Sequential ones = make_network(BiasRule::keep, Norm::none), zeros = make_network(BiasRule::keep, Norm::none);
  set_hidden_biases(ones, 1);
  report.at_least("exhibit 4", "without BatchNorm the losses differ",
                  largest_relative(train_sgd(ones), train_sgd(zeros)), 0.01);

  const AdamDrift in_float = float32::adam_drift(), in_double = float64::adam_drift();
  report.say(
      "\nAdam divides a gradient by its size, even one that is nothing but rounding. In float a kept bias\n"
      "therefore drifts, here from 0 in 200 steps at lr 0.01. No training output depends on it; but\n"
      "running_mean lags behind the drift, which evaluation feels.\n\n"
      "            max|b|    outputs moved by it    lag of running_mean\n"
      "  double   {:7.1e}   {:20.1e}   {:20.1e}\n"
      "  float    {:7.1e}   {:20.1e}   {:20.1e}\n",
      in_double.bias, in_double.outputs, in_double.lag, in_float.bias, in_float.outputs, in_float.lag);
  report.at_least("exhibit 4", "Adam in float: the kept bias drifts, max|b|", in_float.bias, 1e-3);
  report.at_most("exhibit 4", "Adam in float: no training output changes", in_float.outputs, 2e-5);
  report.at_least("exhibit 4", "Adam in float: but running_mean lags behind", in_float.lag, 1e-5);
  report.at_most("exhibit 4", "Adam in double: it hardly drifts", in_double.bias, 1e-6);
  report.at_most("exhibit 4", "Adam in double: no training output changes", in_double.outputs, 1e-12);

  const std::vector<int> at{100, 200, 300};
  const std::vector<Numbers> sgd = decayed_biases(false, 0.1, 0.1, at), adamw = decayed_biases(true, 0.01, 1, at);
  report.say(
      "\nWeight decay is the only force left on a bias that starts at 1: it dies out as (1 - lr wd)^k. SGD\n"
      "with lr 0.1 and weight decay 0.1; AdamW with lr 0.01 and weight decay 1. (In float AdamW's noise\n"
      "keeps feeding it, so that it ends in a balance of drift and decay.)\n\n"
      "     k   0.99^k      max|b|, SGD   max|b|, AdamW");
  double sgd_error = 0, adamw_error = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double expected = std::pow(1 - 0.1 * 0.1, at[i]);
    report.say("  {:4}   {:.8f}   {:.8f}   {:.8f}", at[i], expected, largest(sgd[i]), largest(adamw[i]));
    sgd_error = std::max(sgd_error, distance(sgd[i], Numbers::Constant(2, 16, expected)) / expected);
    adamw_error = std::max(adamw_error, distance(adamw[i], Numbers::Constant(2, 16, expected)));
  }
  report.say("");
  report.at_most("exhibit 4", "SGD: every bias is (1 - lr wd)^k, relative", sgd_error, in_precision(1e-9, 1e-3));
  report.at_most("exhibit 4", "SGD: max|b| after 300 steps, from 1", largest(sgd[2]), 0.05);
  if (kDouble) {
    report.at_most("exhibit 4", "AdamW: every bias is (1 - lr wd)^k", adamw_error, 1e-6);
  } else {
    report.at_least("exhibit 4", "AdamW: its drift keeps the bias from (1 - lr wd)^k", adamw_error, 1e-3);
  }
}

void show_where_not(CheckReport& report) {
  report.heading("Exhibit 5: where the bias does not cancel");
  Random random = random_for(7);
  Block block = random_block(random, 32, 6, 5);
  Block moved = block;
  moved.b.array() += real{1};
  const Matrix uneven = normal_matrix(random, 1, 5);

  report.say("A ReLU between the Linear and BatchNorm: max(z + b, 0) - mean still contains b.");
  const auto relu_between = [](Var z) { return relu(z); };
  const BlockResult before = run_block(block, kEps, relu_between), after = run_block(moved, kEps, relu_between);
  report.at_least("exhibit 5", "ReLU between: outputs move when b + 1", distance(after.y, before.y), 0.1);
  report.at_least("exhibit 5", "ReLU between: |dL/db| / max_i |dL/dz_i|", largest(before.db) / largest(before.dz), 0.1);
  report.at_most("exhibit 5", "no ReLU between: they do not", distance(run_block(moved).y, run_block(block).y),
                 in_precision(1e-11, 1e-4));

  report.say(
      "\nLayerNorm averages over the features of a sample: only the part of the bias that is the same for\n"
      "every feature cancels, and accordingly only the sum of the bias's gradient is zero.");
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b), gamma = parameter(block.gamma);
  const auto layer_normalized = [&](const Matrix& added) {
    b.value = block.b + added;
    b.grad.setZero();
    Tape tape;
    const Var z = linear(tape.leaf(a), tape.leaf(w), tape.leaf(b));
    const Var y = layer_norm(z, tape.leaf(gamma), tape.constant(block.beta), kEps);
    tape.backward(sum(mul(y, tape.constant(block.g))));
    return numbers(y.value());
  };
  const Numbers even_y = layer_normalized(Matrix::Ones(1, 5)), uneven_y = layer_normalized(uneven);
  const Numbers y = layer_normalized(Matrix::Zero(1, 5));  // the last: its gradient stays in b
  report.at_most("exhibit 5", "LayerNorm: same constant for all features cancels", distance(even_y, y), kRounding);
  report.at_least("exhibit 5", "LayerNorm: one of its own for each does not", distance(uneven_y, y), 0.1);
  report.at_most("exhibit 5", "LayerNorm: |sum_k dL/db_k| / sum_k |dL/db_k|",
                 largest(cancellation(numbers(b.grad).transpose())), kRounding);
  report.at_least("exhibit 5", "LayerNorm: max_k |dL/db_k|", largest(numbers(b.grad)), 0.1);

  report.say(
      "\nIn evaluation running_mean takes the place of the batch's mean. It was measured with the bias, so\n"
      "dropping the bias of a trained model shifts its outputs, unless running_mean -= b; then all is as\n"
      "before. Folding BatchNorm into the Linear for inference even brings a bias back:\n"
      "W'_k = gamma_k/s_k W_k, b'_k = beta_k + gamma_k (b_k - running_mean_k) / s_k, s from running_var.");
  Linear layer({.in = 6, .out = 5});
  BatchNorm norm({.features = 5});
  layer.weight.value = block.w;
  layer.bias->value = block.b;
  norm.gamma.value = block.gamma;
  norm.beta.value = block.beta;
  const auto forward = [&](const Matrix& batch, Mode mode) {
    Tape tape(Tape::Gradients::none);
    return numbers(norm.forward(layer.forward(tape.constant(batch), mode), mode).value());
  };
  for (int step = 0; step < 30; ++step) forward(normal_matrix(random, 32, 6, 0.5), Mode::train);
  const Numbers kept = forward(block.a, Mode::eval);
  const Numbers s = deviation(numbers(norm.running_var), kEps);
  const Numbers g = numbers(norm.gamma.value), mean = numbers(norm.running_mean);
  const Numbers folded_w = table(5, 6, [&](Index k, Index j) { return g(0, k) / s(0, k) * layer.weight.value(k, j); });
  const Numbers folded_b = table(1, 5, [&](Index, Index k) {
    return norm.beta.value(0, k) + g(0, k) * (layer.bias->value(0, k) - mean(0, k)) / s(0, k);
  });
  report.at_most("exhibit 5", "evaluation: the folded Linear gives the same",
                 relative(kept, affine(numbers(block.a), folded_w, folded_b)), kRounding);
  layer.bias.reset();
  report.at_least("exhibit 5", "evaluation: dropping b moves the outputs", distance(forward(block.a, Mode::eval), kept),
                  0.1);
  norm.running_mean -= block.b;
  report.at_most("exhibit 5", "evaluation: not if running_mean -= b", relative(forward(block.a, Mode::eval), kept),
                 kRounding);
}

void show_scale(CheckReport& report) {
  report.heading("Exhibit 6: what else cancels: the scale of each row of W");
  report.say(
      "BN((alpha W) u) = BN(W u) for a positive alpha of its own for each row, exactly at eps = 0. The\n"
      "gradient therefore has no part along W_k; by eps it has one:\n"
      "<W_k, dL/dW_k> = gamma_k (dL/dgamma_k) eps / (var_k + eps). (W is small here, var about 0.002, to\n"
      "make that part visible.)");
  Random random = random_for(8);
  Block block = random_block(random, 32, 6, 5);
  block.w *= real{0.04};
  const Matrix alpha = normal_matrix(random, 5, 1).cwiseAbs().array() + real{0.5};
  Block larger = block, opposite = block;
  for (Index k = 0; k < 5; ++k) larger.w.row(k) *= alpha(k, 0);
  opposite.w *= real{-1};
  block.b.setZero(), larger.b.setZero(), opposite.b.setZero();

  const BlockResult exact = run_block(block, 0), exact_larger = run_block(larger, 0);
  const Numbers w = numbers(block.w);
  const auto rows_inner = [&](const Numbers& v, const Numbers& u) {
    return column_inner(v.transpose(), u.transpose());
  };
  const auto along_w = [&](const BlockResult& of) { return rows_inner(w, of.dw); };
  const auto sizes = [&](const BlockResult& of) {  // |W_k| |dL/dW_k|
    return Numbers(rows_inner(w, w).cwiseProduct(rows_inner(of.dw, of.dw)).cwiseSqrt());
  };
  const Numbers rescaled = table(5, 6, [&](Index k, Index j) { return exact_larger.dw(k, j) * alpha(k, 0); });
  report.at_most("exhibit 6", "eps = 0: BN(alpha W u) = BN(W u)", relative(exact_larger.y, exact.y), kRounding);
  report.at_most("exhibit 6", "eps = 0: the gradient of u is the same", relative(exact_larger.da, exact.da), kRounding);
  report.at_most("exhibit 6", "eps = 0: dL/d(alpha W) = (1/alpha) dL/dW", relative(rescaled, exact.dw), kRounding);
  report.at_most("exhibit 6", "eps = 0: <W_k, dL/dW_k> = 0, over |W_k| |dL/dW_k|",
                 distance(along_w(exact), Numbers::Zero(1, 5), sizes(exact)), kRounding);
  const BlockResult usual = run_block(block), usual_larger = run_block(larger);
  const Numbers closed = table(1, 5, [&](Index, Index k) {
    return block.gamma(0, k) * usual.dgamma(0, k) * kEps / (usual.variance(0, k) + kEps);
  });
  // [BIAS-4]
  report.at_most("exhibit 6", "eps = 1e-5: <W_k, dL/dW_k> is its closed form",
                 distance(along_w(usual), closed, sizes(usual)), kRounding);
  report.at_least("exhibit 6", "eps = 1e-5: <W_k, dL/dW_k> is not 0",
                  largest(along_w(usual).cwiseQuotient(sizes(usual))), 1e-4);
  report.at_least("exhibit 6", "eps = 1e-5: the scale is felt a little", relative(usual_larger.y, usual.y), 1e-4);
  report.at_least("exhibit 6", "a negative alpha does not cancel", distance(run_block(opposite, 0).y, exact.y), 0.1);
}

}  // namespace

std::vector<BiasShift> bias_shifts() { return measure_bias_shifts(); }
AdamDrift adam_drift() { return measure_adam_drift(); }

int run_cancel(const CancelOptions& options) {
  CheckReport report(kDouble ? "double" : "float", options.json);
  report.say(
      "A bias before BatchNorm cancels. This program shows it in {}, on synthetic data. Every line that\n"
      "begins with ok is a check: a claim, the measured number and its bound (>= where something does not\n"
      "cancel). Errors are relative to the largest number compared unless the text says otherwise.",
      kDouble ? "double" : "float");
  show_forward(report);
  show_cancellation(report);
  show_backward(report);
  show_derivation(report);
  show_bias_shift(report);
  show_jacobian(report);
  show_diagonal_gradient(report);
  show_training(report);
  show_where_not(report);
  show_scale(report);
  return report.finish();
}

}  // namespace TARE_NAMESPACE
