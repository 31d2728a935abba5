using tare::Index;
using tare::Matrix;

// x [N x C], gamma and beta [1 x C]  ->  [N x C]
Matrix batch_norm_forward(const Matrix& x, const Matrix& gamma, const Matrix& beta, double eps) {
  // Gap.
  return x;
}
