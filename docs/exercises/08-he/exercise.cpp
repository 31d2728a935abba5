// The deviation of the weights of a layer with `in` inputs.
double weight_deviation(double in, bool relu_follows) {
  // Gap.
  return relu_follows ? 0.02 : 0.02;
}
