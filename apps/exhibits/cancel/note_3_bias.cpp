// Note 3: the bias, followed through its equations.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>

namespace TARE_NAMESPACE::exhibits {

void show_cancellation(CheckReport& report) {
  report.heading("Note 3: the bias, followed through equations 1.1 to 1.12");
  report.say(
      "z = W a + b for 32 samples, 6 inputs and 5 outputs. The mean of z contains b, so subtracting the mean takes b "
      "away again. The library's z - mu is compared with each way of writing it.");
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
  report.conclusion(
      "Note 3 is right. The mean contains the bias, so subtracting the mean takes the bias away again: z - mu is the "
      "same as without it, to {:.0e}.",
      relative(got_centred, of_centred_a));
  // [BIAS-1]
  report.at_most("note 3, 1.12", "= W (a - 1/m sum_i a(i))", relative(got_centred, of_centred_a), kRounding);
  const Numbers none = Numbers::Zero(1, 5);
  report.at_most("note 3, 1.12", "1.12 can replace z - mu in 1.5 and 1.6",
                 relative(got_xhat, normalized(of_centred_a, none, deviation(variance_of(of_centred_a, none), kEps))),
                 kRounding);
}

}  // namespace TARE_NAMESPACE::exhibits
