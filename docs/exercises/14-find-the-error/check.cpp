using namespace exercise;

int main() {
  return run([] {
    const char* right[] = {"",
                           "y_i = gamma xhat_i + beta, and no other y contains xhat_i.",
                           "mu = (x_1 + ... + x_N) / N.",
                           "2/N sum_j (x_j - mu) (d x_j/d x_i - 1/N), and the sum of all x_j - mu is 0.",
                           "s = sqrt(sigma^2 + eps), so ds = 1/(2 s) d sigma^2 = (x_i - mu) / (N s).",
                           "it is the quotient rule with lines 2 and 4 put in.",
                           "",
                           "it is line 6 with line 5 put in. The error is older."};
    if (first_wrong_line == 0) not_yet("first_wrong_line: expected a number from 1 to 7, found 0.");
    if (first_wrong_line < 1 || first_wrong_line > 7) {
      not_yet("first_wrong_line: expected a number from 1 to 7, found {}.", first_wrong_line);
    }
    if (first_wrong_line != 6) {
      not_yet(
          "Line {} is right as it stands: {}\nTry numbers: in a column of three, move x_1 a little. Which outputs "
          "move?",
          first_wrong_line, right[first_wrong_line]);
    }
    Eigen::ArrayXd x(4);
    x << 1, 2, 4, 9;
    const auto normalized = [](const Eigen::ArrayXd& column) {
      const Eigen::ArrayXd centred = column - column.mean();
      return Eigen::ArrayXd(centred / std::sqrt(centred.square().mean() + 1e-5));
    };
    const Eigen::ArrayXd xhat = normalized(x), centred = x - x.mean();
    const double s = std::sqrt(centred.square().mean() + 1e-5), h = 1e-6;
    for (const auto& [i, j] : {std::pair(0, 1), std::pair(3, 2)}) {
      Eigen::ArrayXd above = x, below = x;
      above(i) += h;
      below(i) -= h;
      const double numeric = (normalized(above)(j) - normalized(below)(j)) / (2 * h);
      expect(
          fmt::format("line 6 it is. The column 1, 2, 4, 9: d xhat_{}/d x_{}", j + 1, i + 1),
          cross_derivative(xhat(i), xhat(j), s, 4), numeric,
          {{number(0), "x_i does move xhat_j: through the mean and through s, which are in every xhat."},
           {number(-1 / (4 * s)), "That is the path through the mean. x_i also moves s, by which xhat_j is divided."},
           {number(-xhat(i) * xhat(j) / (4 * s)),
            "That is the path through s. x_i also moves the mean, which xhat_j contains."},
           {number(1 / s * (1 - 0.25 - xhat(i) * xhat(j) / 4)),
            "x_j itself does not move with x_i: the 1 is only there for j = i."}},
          1e-6);
    }
    return "x_i moves every xhat_j, so line 6 is a sum over j: the derivation kept one of N terms.";
  });
}
