#include <tare/apps/exhibits/numbers.h>

#include <tare/core/machine/error.h>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace tare {

double largest(const Numbers& m) {
  double largest = 0;
  for (Index i = 0; i < m.size(); ++i) {
    if (!std::isfinite(m.data()[i])) return std::numeric_limits<double>::quiet_NaN();
    largest = std::max(largest, std::abs(m.data()[i]));
  }
  return largest;
}

double distance(const Numbers& a, const Numbers& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) throw Error("cancel: comparing matrices of different shapes");
  return largest(a - b);
}

double relative(const Numbers& a, const Numbers& b) { return distance(a, b) / largest(b); }

double distance(const Numbers& a, const Numbers& b, const Numbers& unit) {
  const auto in_units = [&](const Numbers& m) {
    return table(m.rows(), m.cols(), [&](Index i, Index k) { return m(i, k) / unit(0, k); });
  };
  return distance(in_units(a), in_units(b));
}

Numbers mean_of(const Numbers& x) {
  const auto m = static_cast<double>(x.rows());
  return table(1, x.cols(), [&](Index, Index k) { return sum_over(x.rows(), [&](Index i) { return x(i, k); }) / m; });
}

Numbers variance_of(const Numbers& x, const Numbers& mean) {
  const auto m = static_cast<double>(x.rows());
  return table(1, x.cols(), [&](Index, Index k) {
    return sum_over(x.rows(), [&](Index i) { return std::pow(x(i, k) - mean(0, k), 2); }) / m;
  });
}

Numbers variance_of(const Numbers& x) { return variance_of(x, mean_of(x)); }

Numbers deviation(const Numbers& variance, double eps) {
  return table(1, variance.cols(), [&](Index, Index k) { return std::sqrt(variance(0, k) + eps); });
}

Numbers normalized(const Numbers& x, const Numbers& mean, const Numbers& s) {
  return table(x.rows(), x.cols(), [&](Index i, Index k) { return (x(i, k) - mean(0, k)) / s(0, k); });
}

Numbers scaled(const Numbers& xhat, const Numbers& gamma, const Numbers& beta) {
  return table(xhat.rows(), xhat.cols(), [&](Index i, Index k) { return gamma(0, k) * xhat(i, k) + beta(0, k); });
}

Numbers product(const Numbers& a, const Numbers& w) {
  return table(a.rows(), w.rows(),
               [&](Index i, Index k) { return sum_over(a.cols(), [&](Index j) { return w(k, j) * a(i, j); }); });
}

Numbers affine(const Numbers& a, const Numbers& w, const Numbers& b) {
  const Numbers wa = product(a, w);
  return table(wa.rows(), wa.cols(), [&](Index i, Index k) { return wa(i, k) + b(0, k); });
}

Numbers minus_row(const Numbers& x, const Numbers& r) {
  return table(x.rows(), x.cols(), [&](Index i, Index k) { return x(i, k) - r(0, k); });
}

double inner(const Numbers& a, const Numbers& b) {
  return sum_over(a.size(), [&](Index i) { return a.data()[i] * b.data()[i]; });
}

Numbers column_inner(const Numbers& a, const Numbers& b) {
  return table(1, a.cols(),
               [&](Index, Index k) { return sum_over(a.rows(), [&](Index j) { return a(j, k) * b(j, k); }); });
}

Numbers cancellation(const Numbers& x) {
  return table(1, x.cols(), [&](Index, Index k) {
    return std::abs(sum_over(x.rows(), [&](Index i) { return x(i, k); })) /
           sum_over(x.rows(), [&](Index i) { return std::abs(x(i, k)); });
  });
}

double median(const Numbers& of) {
  std::vector<double> sorted(of.data(), of.data() + of.size());
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

Numbers column_errors(const Numbers& a, const Numbers& b) {
  const Numbers difference = a - b;
  const Numbers above = column_inner(difference, difference), below = column_inner(b, b);
  return table(1, a.cols(), [&](Index, Index k) { return std::sqrt(above(0, k) / below(0, k)); });
}

Numbers eigenvalues(const Numbers& symmetric) {
  return Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(symmetric, Eigen::EigenvaluesOnly).eigenvalues();
}

}  // namespace tare
