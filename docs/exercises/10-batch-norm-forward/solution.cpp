using tare::Index;
using tare::Matrix;

// x [N x C], gamma and beta [1 x C]  ->  [N x C]
Matrix batch_norm_forward(const Matrix& x, const Matrix& gamma, const Matrix& beta, double eps) {
  Matrix y(x.rows(), x.cols());
  const double n = static_cast<double>(x.rows());
  for (Index j = 0; j < x.cols(); ++j) {
    double mean = 0, variance = 0;
    for (Index i = 0; i < x.rows(); ++i) mean += x(i, j) / n;
    for (Index i = 0; i < x.rows(); ++i) variance += (x(i, j) - mean) * (x(i, j) - mean) / n;
    const double s = std::sqrt(variance + eps);
    for (Index i = 0; i < x.rows(); ++i) y(i, j) = gamma(0, j) * (x(i, j) - mean) / s + beta(0, j);
  }
  return y;
}
