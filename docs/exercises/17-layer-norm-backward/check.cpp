using namespace exercise;

int main() {
  return run([] {
    tare::Random random(17);
    const Index c = 5;
    const RowArray x = random_matrix(random, c, 1, 1, 2).array(), g = random_matrix(random, c, 1, 0.5).array();
    const RowArray gamma = random_matrix(random, c, 1, 1).array(), centred = x - x.mean();
    const double s = std::sqrt(centred.square().mean() + 1e-5);
    const RowArray xhat = centred / s, h = gamma * g;
    const auto m = [](const RowArray& a) { return Matrix(a.matrix()); };
    const RowArray outside = gamma * (g - g.mean() - xhat * (g * xhat).mean()) / s;
    const RowArray right = slopes(m(x), [&](const Matrix& at) {
                             const RowArray moved = at.array() - at.mean();
                             return (g * gamma * moved / std::sqrt(moved.square().mean() + 1e-5)).sum();
                           }).array();
    expect("dL/dx", m(layer_norm_dx(g, xhat, gamma, s)), m(right),
           {{m(h / s), "Only how x_k moves its own xhat_k. It moves the row's mean and variance as well."},
            {m(outside),
             "gamma stands in front, as in BatchNorm, where it is the same for all numbers of a column. Here each "
             "number has its own, so it belongs inside the sums."},
            {m((h - h.mean()) / s), "The path through the variance is missing."},
            {m((h - xhat * (h * xhat).mean()) / s), "The path through the mean is missing."},
            {m((g - g.mean() - xhat * (g * xhat).mean()) / s), "gamma is missing."},
            {m((h - h.sum() - xhat * (h * xhat).sum()) / s), "The sums have to be divided by the number of features."},
            {m((h - h.mean() - (h * xhat).mean()) / s), "The last mean is multiplied by xhat_k."}},
           1e-6);
    return fmt::format("Its sum over the features is {:.0e}: a constant added to a whole row cancels.",
                       std::abs(layer_norm_dx(g, xhat, gamma, s).sum()));
  });
}
