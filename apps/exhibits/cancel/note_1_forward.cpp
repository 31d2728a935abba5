// Note 1: the forward pass.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/layers/batch_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/sequential.h>

namespace TARE_NAMESPACE::exhibits {

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
  report.conclusion(
      "The library's forward pass is the one that note 1 explains: its output is at most {:.0e} away from the same "
      "sums taken by hand.",
      relative(got.y, y));
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

}  // namespace TARE_NAMESPACE::exhibits
