using tare::Index;
using tare::Matrix;

// A batch x [N x C] has come; the running statistics [1 x C] move towards its mean and variance.
void update(Matrix& running_mean, Matrix& running_var, const Matrix& x, double momentum) {
  // Gap.
}
