using tare::Index;
using tare::Matrix;

// A batch x [N x C] has come; the running statistics [1 x C] move towards its mean and variance.
void update(Matrix& running_mean, Matrix& running_var, const Matrix& x, double momentum) {
  const double n = static_cast<double>(x.rows());
  for (Index j = 0; j < x.cols(); ++j) {
    const double mean = x.col(j).mean();
    const double variance = (x.col(j).array() - mean).square().sum() / (n - 1);
    running_mean(0, j) = (1 - momentum) * running_mean(0, j) + momentum * mean;
    running_var(0, j) = (1 - momentum) * running_var(0, j) + momentum * variance;
  }
}
