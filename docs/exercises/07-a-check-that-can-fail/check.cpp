using namespace exercise;

namespace {

// Every column less its mean, over its deviation.
Matrix normalize(const Matrix& x) {
  Matrix y = x.rowwise() - x.colwise().mean();
  const Matrix variance = y.array().square().colwise().mean();
  for (Index j = 0; j < y.cols(); ++j) y.col(j) /= std::sqrt(variance(0, j) + 1e-5);
  return y;
}

Matrix right(const Matrix& x, const Matrix& g) {
  const Matrix y = normalize(x), centred = x.rowwise() - x.colwise().mean();
  const auto n = static_cast<double>(x.rows());
  Matrix d = n * g;
  for (Index j = 0; j < x.cols(); ++j) {
    const double s = std::sqrt(centred.col(j).squaredNorm() / n + 1e-5);
    d.col(j).array() -= g.col(j).sum();
    d.col(j) -= y.col(j) * g.col(j).dot(y.col(j));
    d.col(j) /= n * s;
  }
  return d;
}
Matrix twice(const Matrix& x, const Matrix& g) { return 2 * right(x, g); }
Matrix negative(const Matrix& x, const Matrix& g) { return -right(x, g); }
Matrix zero(const Matrix& x, const Matrix&) { return 0 * x; }
// Only how x_i moves its own y_i.
Matrix diagonal(const Matrix& x, const Matrix& g) {
  const Matrix y = normalize(x), centred = x.rowwise() - x.colwise().mean();
  const auto n = static_cast<double>(x.rows());
  Matrix d = x;
  for (Index j = 0; j < x.cols(); ++j) {
    const double s = std::sqrt(centred.col(j).squaredNorm() / n + 1e-5);
    d.col(j) = g.col(j).array() * (n - 1 - y.col(j).array().square()) / (n * s);
  }
  return d;
}
Matrix one_wrong_entry(const Matrix& x, const Matrix& g) {
  Matrix d = right(x, g);
  d(d.rows() - 1, d.cols() - 1) *= 1.01;
  return d;
}
Matrix not_a_number(const Matrix& x, const Matrix& g) {
  Matrix d = right(x, g);
  d(0, 0) = std::nan("");
  return d;
}

}  // namespace

int main() {
  return run([] {
    tare::Random random(7);
    const Matrix x = random_matrix(random, 6, 3, 1, 2);
    if (!gradient_is_right(normalize, right, x, random)) {
      not_yet(
          "The right pullback was refused. The error of a central difference in double, with a step of about 6e-6, "
          "is below 1e-8 here: is the step of that size, is the bound well above the error (1e-6), and is every entry "
          "of x restored before the next is moved?");
    }
    struct Wrong {
      Pullback pullback;
      const char* says;
    };
    const Wrong wrong[] = {
        {zero,
         "a pullback that is zero everywhere was accepted. Is anything compared? And if g is all ones: then the "
         "true gradient is zero as well, because the sum of a normalized column never moves. Draw g at random."},
        {twice,
         "a pullback that is twice too large was accepted. With an upstream gradient of ones the true gradient is "
         "zero, and twice zero is zero. Draw g at random."},
        {negative, "a pullback with the wrong sign was accepted. Compare the numbers, not their sizes."},
        {diagonal,
         "the pullback that keeps only the diagonal of the Jacobian was accepted. Move one entry of x at a "
         "time, and let the whole sum(g o f(x)) answer."},
        {one_wrong_entry,
         "a pullback with one entry that is wrong by 1 % was accepted. Compare every entry; the bound has "
         "to be far below 1 % of a gradient, 1e-6 for example."},
        {not_a_number,
         "a pullback with a NaN in it was accepted. error > bound is false for a NaN; ask whether "
         "!(error <= bound)."}};
    for (const Wrong& w : wrong) {
      if (gradient_is_right(normalize, w.pullback, x, random))
        not_yet("gradient_is_right: expected false, found true: {}", w.says);
    }
    return "It says yes to one and no to six. Now its yes is worth something.";
  });
}
