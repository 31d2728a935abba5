struct Momentum {
  double w, lr, mu;
  double v = 0;

  double step([[maybe_unused]] double g) {
    // Gap.
    return w;
  }
};

struct Adam {
  double w, lr, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  double m = 0, v = 0;
  int t = 0;  // steps made

  double step([[maybe_unused]] double g) {
    // Gap.
    return w;
  }
};
