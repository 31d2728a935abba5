using exercise::random_matrix;
using tare::Index;
using tare::Matrix;

using Function = Matrix (*)(const Matrix& x);
using Pullback = Matrix (*)(const Matrix& x, const Matrix& g);

// Whether pullback(x, g) is the derivative of sum(g o f(x)) with respect to x.
bool gradient_is_right(Function f, Pullback pullback, Matrix x, tare::Random& random) {
  const Matrix g = random_matrix(random, x.rows(), x.cols());
  const Matrix analytic = pullback(x, g);
  const double h = 6e-6;
  for (Index i = 0; i < x.size(); ++i) {
    const double x0 = x.data()[i];
    x.data()[i] = x0 + h;
    const double above = f(x).cwiseProduct(g).sum();
    x.data()[i] = x0 - h;
    const double below = f(x).cwiseProduct(g).sum();
    x.data()[i] = x0;
    const double error = std::abs(analytic.data()[i] - (above - below) / (2 * h));
    if (!(error < 1e-6)) return false;  // also if it is a NaN
  }
  return true;
}
