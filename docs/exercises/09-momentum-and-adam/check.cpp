using namespace exercise;

int main() {
  return run([] {
    const double g[] = {1, 0.5, -2, 0.25};
    // lr 0.1, mu 0.9, from w = 1: v = 1, 1.4, -0.74, -0.416.
    const double after_momentum[] = {0.9, 0.76, 0.834, 0.8756};
    const double as_average[] = {0.99, 0.976, 0.9834, 0.98756};  // with (1 - mu) g
    Momentum momentum{1, 0.1, 0.9};
    for (int i = 0; i < 4; ++i) {
      expect(
          fmt::format("Momentum, step {}: w", i + 1), momentum.step(g[i]), after_momentum[i],
          {{number(as_average[i]), "That is with (1 - mu) g instead of g, a running average. Here g counts in full."},
           {number(1), "The weight has not moved."},
           {number(1 - 0.1 * (i == 0   ? 1
                              : i == 1 ? 1.5
                              : i == 2 ? -0.5
                                       : -0.25)),
            "That is plain gradient descent: the velocity v is not remembered."}},
          1e-9);
    }
    // lr 0.1, from w = 1, beta1 0.9, beta2 0.999.
    double m = 0, v = 0, w = 1, uncorrected = 1, inside = 1, only_m = 1, only_v = 1;
    Adam adam{1, 0.1};
    for (int i = 0; i < 4; ++i) {
      m = 0.9 * m + 0.1 * g[i];
      v = 0.999 * v + 0.001 * g[i] * g[i];
      const double m_hat = m / (1 - std::pow(0.9, i + 1)), v_hat = v / (1 - std::pow(0.999, i + 1));
      w -= 0.1 * m_hat / (std::sqrt(v_hat) + 1e-8);
      uncorrected -= 0.1 * m / (std::sqrt(v) + 1e-8);
      inside -= 0.1 * m_hat / std::sqrt(v_hat + 1e-8);
      only_m -= 0.1 * m_hat / (std::sqrt(v) + 1e-8);
      only_v -= 0.1 * m / (std::sqrt(v_hat) + 1e-8);
      expect(fmt::format("Adam, step {}: w", i + 1), adam.step(g[i]), w,
             {{number(uncorrected),
               "Neither moment is corrected: they start at 0 and are too small at first. Divide m by "
               "1 - beta1^t and v by 1 - beta2^t, with t = 1 in the first step."},
              {number(inside), "eps stands inside the root. sqrt(v_hat) + eps."},
              {number(only_m), "m is corrected, v is not: v_hat = v / (1 - beta2^t)."},
              {number(only_v), "v is corrected, m is not: m_hat = m / (1 - beta1^t)."},
              {number(1), "The weight has not moved."}},
             1e-10);
    }
    Adam tiny{1, 0.1};
    expect("Adam, first step from a gradient of 1e-9: w", tiny.step(1e-9), 1 - 0.1 * 1e-9 / (1e-9 + 1e-8),
           {{number(1 - 0.1 * 1e-9 / std::sqrt(1e-18 + 1e-8)), "eps stands inside the root: sqrt(v_hat) + eps."}},
           1e-9);
    return "Adam's first step is lr long, whatever the gradient's size (as long as that is well above eps).";
  });
}
