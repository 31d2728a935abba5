using namespace exercise;

int main() {
  return run([] {
    tare::Random random(11);
    Matrix mean = Matrix::Zero(1, 3), var = Matrix::Ones(1, 3);
    for (int step = 1; step <= 3; ++step) {
      const Matrix x = random_matrix(random, 5, 3, 2, 3);
      const Matrix old_mean = mean, old_var = var, m = x.colwise().mean();
      const Matrix biased = (x.rowwise() - x.colwise().mean()).array().square().colwise().mean(), v = biased * 5 / 4;
      update(mean, var, x, 0.1);
      const auto mix = [](const Matrix& a, const Matrix& b) { return Matrix(0.9 * a + 0.1 * b); };
      expect(fmt::format("batch {}: running_mean", step), mean, mix(old_mean, m),
             {{mix(m, old_mean), "The weights are swapped: momentum, here 0.1, is the weight of the newest batch."},
              {m, "That is the batch's mean; what was remembered before is lost."},
              {old_mean, "It has not moved."}});
      expect(fmt::format("batch {}: running_var", step), var, mix(old_var, v),
             {{mix(v, old_var), "The weights are swapped: momentum, here 0.1, is the weight of the newest batch."},
              {mix(old_var, biased),
               "The biased variance, over N, was mixed in. What is remembered estimates the variance of "
               "all data, so it is divided by N - 1."},
              {old_var, "It has not moved."}});
    }
    return "After k batches, 0.9^k of the first guess is left: after 50 less than 1 %.";
  });
}
