using namespace exercise;

namespace {

// By which factor a layer multiplies the mean square of its inputs, the geometric mean over ten layers.
double factor(bool relu) {
  const Index width = 512;
  tare::Random random(8);
  Matrix z = random_matrix(random, 64, width);
  double first = 0;
  for (int layer = 0; layer <= 10; ++layer) {
    const Matrix a = relu && layer > 0 ? Matrix(z.cwiseMax(0)) : z;
    const Matrix w = random_matrix(random, width, width, 0, weight_deviation(static_cast<double>(width), relu));
    z = a * w.transpose();
    if (layer == 0) first = z.squaredNorm();
  }
  return first == 0 ? 0 : std::pow(z.squaredNorm() / first, 0.1);
}

}  // namespace

int main() {
  return run([] {
    for (const bool relu : {false, true}) {
      const double found = factor(relu);
      const char* of = relu ? "with ReLU" : "without an activation";
      if (std::isfinite(found) && std::abs(found - 1) <= 0.05) continue;
      std::string says = fmt::format(
          "Ten layers {}: each multiplies the mean square by {:.3f}, expected 1.00 +- 0.05. After ten layers that is a "
          "factor of {:.2g}.",
          of, found, std::pow(found, 10));
      const double n = 512;
      if (found == 0 || !std::isfinite(found)) {
        says = fmt::format("Ten layers {}: expected a factor of 1.00 +- 0.05 a layer, found outputs that are {}.", of,
                           found == 0 ? "all 0" : "not finite");
      } else if (relu && std::abs(found - 0.5) < 0.05) {
        says +=
            "\nHalf is lost in every layer: of a value that is as often negative as positive, ReLU keeps half the "
            "square.";
      } else if (!relu && std::abs(found - 2) < 0.2) {
        says += "\nThe factor 2 makes up for what a ReLU cuts off. Here no ReLU follows.";
      } else if (std::abs(found * n - 1) < 0.2 || std::abs(found * n - 2) < 0.4) {
        says += "\nThat is the variance. A deviation is its square root.";
      } else if (found > 100) {
        says += "\nThe more inputs, the larger the sum: the deviation has to be divided by the root of `in`.";
      } else {
        says += "\nA sum of `in` products of independent numbers has the variance in * variance(w) * mean square(x).";
      }
      not_yet("{}", says);
    }
    return fmt::format("Measured: {:.3f} a layer without an activation, {:.3f} with ReLU.", factor(false),
                       factor(true));
  });
}
