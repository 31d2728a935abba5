// The deviation of the weights of a layer with `in` inputs.
double weight_deviation(double in, bool relu_follows) { return std::sqrt((relu_follows ? 2 : 1) / in); }
