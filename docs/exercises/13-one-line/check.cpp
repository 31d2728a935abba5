using namespace exercise;

int main() {
  return run([] {
    tare::Random random(13);
    for (const Index n : {4, 7}) {
      const double gamma = 1.5, nn = static_cast<double>(n);
      const Column x = random_matrix(random, n, 1, 3, 2).array(), g = random_matrix(random, n, 1, 0.5).array();
      const Column centred = x - x.mean();
      const double s = std::sqrt(centred.square().mean() + 1e-5), factor = gamma / (nn * s);
      const Column xhat = centred / s, through_itself = nn * g, through_variance = xhat * (g * xhat).sum();
      const double through_mean = g.sum();
      const auto m = [](const Column& c) { return Matrix(c.matrix()); };
      expect(fmt::format("N = {}: dL/dx", n), m(batch_norm_dx(g, xhat, gamma, s)),
             m(factor * (through_itself - through_mean - through_variance)),
             {{m(factor * through_itself),
               "Only the first of three terms: how x_i moves its own xhat_i while mean and variance "
               "stand still. They do not."},
              {m(factor * (through_itself - through_mean)), "The path through the variance is missing."},
              {m(factor * (through_itself - through_variance)), "The path through the mean is missing."},
              {m(factor * (through_itself + through_mean + through_variance)),
               "The mean and the variance take away: two minus signs."},
              {m(factor * g * (nn - 1 - xhat.square())),
               "That is the diagonal formula [BN-10]: x_i moves every xhat_j, so both sums run over the batch."},
              {m((through_itself - through_mean - through_variance) / (nn * s)), "gamma is missing."},
              {m(gamma / s * (through_itself - through_mean - through_variance)), "1/N is missing: gamma / (N s)."},
              {m(factor * (g - through_mean - through_variance)), "The first term is N g_i: N is missing."},
              {m(factor * (through_itself - through_mean - (g * xhat).sum())),
               "The last sum is multiplied by xhat_i: how much x_i moves the variance."}});
    }
    return "Take g, take away its mean, take away what points along xhat, scale.";
  });
}
