// The number of the first line that is wrong.
constexpr int first_wrong_line = 6;

// d xhat_j / d x_i for j other than i, in a column of n numbers.
double cross_derivative([[maybe_unused]] double xhat_i, [[maybe_unused]] double xhat_j, [[maybe_unused]] double s,
                        [[maybe_unused]] double n) {
  return -(1 + xhat_i * xhat_j) / (n * s);
}
