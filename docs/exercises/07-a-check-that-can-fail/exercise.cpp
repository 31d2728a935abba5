using exercise::random_matrix;
using tare::Index;
using tare::Matrix;

using Function = Matrix (*)(const Matrix& x);
using Pullback = Matrix (*)(const Matrix& x, const Matrix& g);

// Whether pullback(x, g) is the derivative of sum(g o f(x)) with respect to x.
bool gradient_is_right(Function f, Pullback pullback, Matrix x, tare::Random& random) {
  // Gap: choose an upstream gradient g, compute the slope of sum(g o f(x)) along every entry of x, and compare.
  return true;
}
