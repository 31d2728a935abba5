// Note 2: the steps of its derivation, and where they go wrong.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/apps/train/diagonal_gradient.h>

#include <cmath>

namespace TARE_NAMESPACE::exhibits {

void show_derivation(CheckReport& report) {
  report.heading("Note 2: its steps, against central differences");
  report.say(
      "The steps of the derivation, one input S_i at a time; Shat_i is S_i normalized. 3b has lost a factor S_i - mu, "
      "and the box below it writes S_i where Shat_i is meant.");
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
  report.conclusion(
      "Note 2 is wrong. It counts how an input moves its own output, but not how it moves, through mean and variance, "
      "the outputs of all other samples. Its slips corrected, it is still off by {:.0f} % of the largest gradient.",
      100 * relative(box(xhat), hand.slope_of_loss()));
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

}  // namespace TARE_NAMESPACE::exhibits
