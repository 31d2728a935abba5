struct Momentum {
  double w, lr, mu;
  double v = 0;

  double step([[maybe_unused]] double g) {
    v = mu * v + g;
    w -= lr * v;
    return w;
  }
};

struct Adam {
  double w, lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double m = 0, v = 0;
  int t = 0;  // steps made

  double step([[maybe_unused]] double g) {
    ++t;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    const double m_hat = m / (1 - std::pow(beta1, t)), v_hat = v / (1 - std::pow(beta2, t));
    w -= lr * m_hat / (std::sqrt(v_hat) + eps);
    return w;
  }
};
