using namespace exercise;

int main() {
  return run([] {
    tare::Random random(12);
    const Index n = 5;
    const auto column = [&](double shift, double sigma) {
      return Column(random_matrix(random, n, 1, shift, sigma).array());
    };
    Forward f;
    f.n = static_cast<double>(n);
    f.gamma = 1.5, f.beta = -0.5, f.eps = 0.1;
    f.x = column(1, 2);
    f.mean = f.x.mean();
    f.centred = f.x - f.mean;
    f.squared = f.centred.square();
    f.variance = f.squared.mean();
    f.inv_s = 1 / std::sqrt(f.variance + f.eps);
    f.xhat = f.centred * f.inv_s;
    f.scaled = f.gamma * f.xhat;
    f.y = f.scaled + f.beta;
    const Column g = column(0.5, 1), zero = Column::Zero(n);
    Gradients d;
    d.x = d.centred = d.squared = d.xhat = d.scaled = zero;
    backward(f, g, d);

    const auto m = [](const Column& c) { return Matrix(c.matrix()); };
    expect("row 8, y = scaled + beta: d.scaled", m(d.scaled), m(g));
    expect("row 8, y = scaled + beta: d.beta", d.beta, g.sum(),
           {{number(g.mean()), "That is the mean. beta is added to every sample, so its gradient is the sum."}});
    const Column dxhat = f.gamma * g;
    expect("row 7, scaled = gamma xhat: d.xhat", m(d.xhat), m(dxhat));
    expect("row 7, scaled = gamma xhat: d.gamma", d.gamma, (f.xhat * g).sum(),
           {{number(g.sum()), "The factor xhat is missing: gamma multiplies another number in every sample."}});
    const double dinv_s = (f.centred * dxhat).sum(), dvariance = -0.5 * std::pow(f.inv_s, 3) * dinv_s;
    const Column by_xhat = f.inv_s * dxhat, by_squared = 2 * f.centred * (dvariance / f.n),
                 dcentred = by_xhat + by_squared;
    expect("row 6, xhat = centred inv_s: d.inv_s", d.inv_s, dinv_s);
    expect("row 5, inv_s = (variance + eps)^(-1/2): d.variance", d.variance, dvariance,
           {{number(-dvariance), "The larger the variance, the smaller inv_s: there is a minus."},
            {number(-0.5 * dinv_s), "The derivative of v^(-1/2) is -1/2 v^(-3/2), and v^(-3/2) is inv_s^3."},
            {number(-0.5 * f.inv_s * dinv_s), "v^(-3/2) is inv_s to the third power."}});
    expect("row 4, variance = the mean of squared: d.squared", m(d.squared), m(zero + dvariance / f.n),
           {{m(zero + dvariance), "Each entry has a share of 1/N in the mean."}});
    expect(
        "rows 6 and 3: d.centred", m(d.centred), m(dcentred),
        {{m(by_xhat), "What comes through xhat is there; what comes through squared is missing."},
         {m(by_squared), "What comes through squared is there; what comes through xhat was overwritten or is missing."},
         {m(by_xhat + by_squared / 2), "The derivative of a square is 2 times its base."}});
    expect("row 2, centred = x - mean: d.mean", d.mean, -dcentred.sum(),
           {{number(dcentred.sum()), "mean is subtracted, so there is a minus."},
            {number(-dcentred.mean()), "mean is subtracted from every sample, so its gradient is the sum."}});
    expect("rows 2 and 1: d.x", m(d.x), m(dcentred - dcentred.mean()),
           {{m(dcentred), "What comes through the mean is missing."},
            {m(zero - dcentred.mean()), "What comes straight from centred was overwritten or is missing."},
            {m(dcentred - dcentred.sum()), "Each x has a share of 1/N in the mean."}});
    const Column numeric =
        slopes(m(f.x), [&](const Matrix& x) {
          const Column centred = x.array() - x.mean();
          return (g * (f.gamma * centred / std::sqrt(centred.square().mean() + f.eps) + f.beta)).sum();
        }).array();
    expect("d.x against central differences", m(d.x), m(numeric), {}, 1e-6);
    return fmt::format("And the sum of d.x is {:.1e}: a bias in front would get no gradient.", std::abs(d.x.sum()));
  });
}
