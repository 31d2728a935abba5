// The number of the first line that is wrong.
constexpr int first_wrong_line = 0;

// d xhat_j / d x_i for j other than i, in a column of n numbers.
double cross_derivative([[maybe_unused]] double xhat_i, [[maybe_unused]] double xhat_j, [[maybe_unused]] double s,
                        [[maybe_unused]] double n) {
  // Gap.
  return 0;
}
