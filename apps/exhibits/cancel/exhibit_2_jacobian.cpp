// Exhibit 2: the bias's gradient is zero, because the ones vector is in the null space of BatchNorm's Jacobian.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>

#include <cmath>

namespace TARE_NAMESPACE::exhibits {

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
      "One feature, {} samples of deviation 0.1, gamma = {}: gamma/s = {:.4f}. With dL/dx = J' dL/dy, the bias, which "
      "moves every x_i by the same amount, gets sum_i dL/dx_i = (J 1)' dL/dy.\n\n"
      "J = dy_i/dx_j = gamma/s (I - 11'/N - xhat xhat'/N), one backward pass per row:",
      n, gamma, gain);
  for (Index i = 0; i < n; ++i) {
    std::string line;
    for (Index l = 0; l < n; ++l) line += fmt::format("{:10.4f}", j(i, l));
    report.row("  {}", line);
  }

  const Numbers j_formula =
      table(n, n, [&](Index i, Index l) { return gain * ((i == l ? 1 : 0) - 1.0 / n - xhat(i, 0) * xhat(l, 0) / n); });
  const Numbers j_ones = product(Numbers::Ones(1, n), j), j_xhat = product(xhat.transpose(), j);
  const Numbers expected_xhat = table(1, n, [&](Index, Index i) { return middle * xhat(i, 0); });
  const Numbers spectrum = eigenvalues(j);
  std::string listed;
  for (Index i = 0; i < n; ++i) listed += fmt::format("{}{:.3g}", i == 0 ? "" : ", ", spectrum(i, 0));
  report.say(
      "Its eigenvalues: {}. Expected: 0 along 1; gamma/s eps/(var+eps) = {:.3g} along xhat; gamma/s = {:.3g}, N-2 "
      "times.",
      listed, middle, gain);

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
  const double bias_gradient = distance(got.db, Numbers::Zero(1, 5), absolute);
  report.conclusion(
      "A bias moves all samples alike, and BatchNorm's Jacobian maps such a move to zero. So the bias's gradient is "
      "zero: what it sums up cancels to {:.0e} of its size.",
      bias_gradient);
  // [BIAS-2]
  report.at_most("exhibit 2", "Linear - BatchNorm: |dL/db| / sum_i |dL/dz_i|", bias_gradient, kRounding);
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b);
  Tape tape;
  tape.backward(sum(mul(linear(tape.leaf(a), tape.leaf(w), tape.leaf(b)), tape.constant(block.g))));
  report.at_least("exhibit 2", "without BatchNorm the same quotient is not 0",
                  largest(numbers(b.grad)) / largest(numbers(block.g)) / 32, 0.01);
}

}  // namespace TARE_NAMESPACE::exhibits
