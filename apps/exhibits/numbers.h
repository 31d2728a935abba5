// What the library is compared with in `tare cancel`: in double, the sums as they are written.
#pragma once

#include <Eigen/Core>

namespace tare {

using Eigen::Index;
using Numbers = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// The matrix of all f(i, k).
template <class F>
Numbers table(Index rows, Index cols, const F& f) {
  Numbers m(rows, cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index k = 0; k < cols; ++k) m(i, k) = f(i, k);
  }
  return m;
}

/// f(0) + ... + f(n - 1)
template <class F>
double sum_over(Index n, const F& f) {
  double sum = 0;
  for (Index i = 0; i < n; ++i) sum += f(i);
  return sum;
}

/// df/dx by central differences, entry by entry.
template <class F>
Numbers slopes(Numbers x, const F& f) {
  constexpr double h = 1e-5;
  Numbers slope(x.rows(), x.cols());
  for (Index e = 0; e < x.size(); ++e) {
    const double x0 = x.data()[e];
    x.data()[e] = x0 + h;
    const double above = f(x);
    x.data()[e] = x0 - h;
    const double below = f(x);
    x.data()[e] = x0;
    slope.data()[e] = (above - below) / (2 * h);
  }
  return slope;
}

/// max |m|; NaN if an entry is not finite
double largest(const Numbers& m);
/// max |a - b|. Error if the shapes differ.
double distance(const Numbers& a, const Numbers& b);
/// The same with column k in units of unit(0, k).
double distance(const Numbers& a, const Numbers& b, const Numbers& unit);
/// max |a - b| / max |b|
double relative(const Numbers& a, const Numbers& b);
/// |a - b| / |b| of every column, Euclidean
Numbers column_errors(const Numbers& a, const Numbers& b);
double median(const Numbers& of);

// For a batch x [m x c], whose statistics are [1 x c]:

/// (1/m) sum_i x_i
Numbers mean_of(const Numbers& x);
/// (1/m) sum_i (x_i - mean)^2
Numbers variance_of(const Numbers& x, const Numbers& mean);
Numbers variance_of(const Numbers& x);
/// sqrt(variance + eps)
Numbers deviation(const Numbers& variance, double eps);
/// (x - mean) / s
Numbers normalized(const Numbers& x, const Numbers& mean, const Numbers& s);
/// gamma o xhat + beta
Numbers scaled(const Numbers& xhat, const Numbers& gamma, const Numbers& beta);
/// x - 1 r
Numbers minus_row(const Numbers& x, const Numbers& r);

/// W a for every row a
Numbers product(const Numbers& a, const Numbers& w);
/// W a + b for every row a
Numbers affine(const Numbers& a, const Numbers& w, const Numbers& b);
/// sum o (a, b)
double inner(const Numbers& a, const Numbers& b);
/// sum_j a_jk b_jk for every column k
Numbers column_inner(const Numbers& a, const Numbers& b);
/// |sum_i x_ik| / sum_i |x_ik| for every column k: 0 if the column cancels, 1 if all have the same sign
Numbers cancellation(const Numbers& x);
/// Of a symmetric matrix [n x n], the smallest first: [n x 1]
Numbers eigenvalues(const Numbers& symmetric);

}  // namespace tare
