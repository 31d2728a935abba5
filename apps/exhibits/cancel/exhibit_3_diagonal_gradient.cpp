// Exhibit 3: note 2's formula against the full gradient.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/apps/train/diagonal_gradient.h>

#include <algorithm>

namespace TARE_NAMESPACE::exhibits {
namespace {

// 200 random columns, each a batch of its own; gamma = 1.
struct Columns {
  explicit Columns(Index n) {
    Random random = random_for(10 + static_cast<std::uint64_t>(n));
    batch = {normal_matrix(random, n, count), Matrix::Ones(1, count), Matrix::Zero(1, count),
             normal_matrix(random, n, count)};
  }
  Columns with_gradient(const Matrix& g) const {
    Columns other = *this;
    other.batch.g = g;
    return other;
  }
  Numbers of_note_2() const { return normalize(batch, batch_norm_diagonal_gradient).dx; }
  Numbers of_batch_norm() const { return normalize(batch).dx; }
  // By central differences.
  Numbers expected() const {
    const Numbers x = numbers(batch.x), g = numbers(batch.g);
    Numbers slope(x.rows(), count);
    for (Index k = 0; k < count; ++k) {
      slope.col(k) = slopes(x.col(k), [&](const Numbers& column) {
        const Numbers mean = mean_of(column), s = deviation(variance_of(column, mean), kEps);
        return sum_over(x.rows(), [&](Index i) { return g(i, k) * (column(i, 0) - mean(0, 0)) / s(0, 0); });
      });
    }
    return slope;
  }
  // max |dx| in units of gamma/s
  double size(const Numbers& dx) const {
    const Numbers s = deviation(variance_of(numbers(batch.x)), kEps);
    return distance(dx, Numbers::Zero(dx.rows(), count), s.cwiseInverse());
  }

  static constexpr Index count = 200;
  Batch batch;
};

constexpr Index kSizes[] = {4, 16, 64, 128};

void show_gradients_of_mean_zero(CheckReport& report) {
  report.say(
      "Note 2 keeps only the diagonal of J: how x_i moves y_i, but not how it moves every other y_j. For 200 random "
      "columns each: the median of |d - f| / |f|, where f is the full gradient by central differences; and of |sum_i "
      "dx_i| / sum_i |dx_i|, which is the bias's gradient, and must be 0 if note 3 is right. Who trusts note 2 must "
      "conclude that the bias matters.");
  report.row("    N   error of:                 bias gradient of:");
  report.row("        note 2     batch_norm     note 2     batch_norm");
  struct Row {
    Index n;
    double diagonal_error, full_error, diagonal_bias, full_bias;
  };
  std::vector<Row> rows;
  for (Index n : kSizes) {
    const Columns columns(n);
    const Numbers diagonal = columns.of_note_2(), full = columns.of_batch_norm(), expected = columns.expected();
    rows.push_back({n, median(column_errors(diagonal, expected)), largest(column_errors(full, expected)),
                    median(cancellation(diagonal)), largest(cancellation(full))});
    report.row("  {:3}   {:4.0f} %{:15.1e}{:11.2f}{:15.1e}", n, 100 * rows.back().diagonal_error,
               rows.back().full_error, rows.back().diagonal_bias, rows.back().full_bias);
  }
  report.conclusion(
      "Note 2's gradient is off by {:.0f} % in a batch of 4 and still by {:.0f} % in one of 128. It gets better in "
      "large batches only if the upstream gradient has mean zero; otherwise it is off by about 100 % in any batch.",
      100 * rows.front().diagonal_error, 100 * rows.back().diagonal_error);
  report.row("  (for batch_norm the largest of the 200 instead of the median)");
  const double least_error[] = {0.5, 0.25, 0.12, 0.08}, least_bias[] = {0.3, 0.15, 0.07, 0.05};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    report.at_most("exhibit 3", fmt::format("N = {}: batch_norm's gradient is right", row.n), row.full_error,
                   in_precision(1e-6, 1e-3));
    report.at_least("exhibit 3", fmt::format("N = {}: note 2's is wrong", row.n), row.diagonal_error, least_error[i]);
    report.at_most("exhibit 3", fmt::format("N = {}: batch_norm gives the bias no gradient", row.n), row.full_bias,
                   in_precision(1e-12, 1e-3));
    report.at_least("exhibit 3", fmt::format("N = {}: note 2 gives it one", row.n), row.diagonal_bias, least_bias[i]);
  }
}

void show_gradients_of_other_means(CheckReport& report) {
  report.say(
      "Above, the upstream gradient g = dL/dy is N(0, 1). Its mean matters. Adding the same number to every g_i leaves "
      "the true gradient as it was, because the y_i of a column always have the same sum, but not note 2's. With g = 1 "
      "+ N(0, 1) the median error stays near 100 % at every N: a large batch makes it small only if g has mean "
      "zero.\n\n"
      "g = 1 does not hide note 2's error but exposes it: the true gradient is then zero, and note 2's is not (largest "
      "|dx|, in units of gamma/s). What g = 1 does hide is a wrong scale, for twice zero is zero: batch_norm's "
      "gradient times 2 passes with g = 1 and fails with g = N(0, 1).");
  report.row("    N   error of note 2:   largest |dx| if g = 1:   error of batch_norm times 2:");
  report.row("        g = 1 + N(0, 1)    note 2     batch_norm    g = 1      g = N(0, 1)");
  double least_error = 1, least_dx = 1, largest_dx = 0, twice_of_ones = 0, least_twice = 1;
  for (Index n : kSizes) {
    const Columns columns(n), ones = columns.with_gradient(Matrix::Ones(n, Columns::count));
    const Columns shifted = columns.with_gradient(columns.batch.g.array() + real{1});
    const double error = median(column_errors(shifted.of_note_2(), shifted.expected()));
    const double note_2 = ones.size(ones.of_note_2()), batch_norm = ones.size(ones.of_batch_norm());
    const double twice_ones = ones.size(2 * ones.of_batch_norm() - ones.expected());
    const double twice = median(column_errors(2 * columns.of_batch_norm(), columns.expected()));
    report.row("  {:3}   {:13.0f} %{:10.2f}{:15.1e}{:9.1e}{:15.0f} %", n, 100 * error, note_2, batch_norm, twice_ones,
               100 * twice);
    least_error = std::min(least_error, error), least_dx = std::min(least_dx, note_2);
    largest_dx = std::max(largest_dx, batch_norm), twice_of_ones = std::max(twice_of_ones, twice_ones);
    least_twice = std::min(least_twice, twice);
  }
  report.at_least("exhibit 3", "g = 1 + N(0, 1): note 2's error, at the best N", least_error, 0.9);
  report.at_most("exhibit 3", "g = 1: largest |dx| of batch_norm, at any N", largest_dx, in_precision(1e-12, 2e-5));
  report.at_least("exhibit 3", "g = 1: largest |dx| of note 2, at the best N", least_dx, 0.7);
  report.at_most("exhibit 3", "g = 1: twice the gradient passes at any N", twice_of_ones, in_precision(1e-7, 2e-5));
  report.at_least("exhibit 3", "g = N(0, 1): twice the gradient is wrong", least_twice, 0.99);
}

}  // namespace

void show_diagonal_gradient(CheckReport& report) {
  report.heading("Exhibit 3: note 2's formula against the full one");
  show_gradients_of_mean_zero(report);
  show_gradients_of_other_means(report);
}

}  // namespace TARE_NAMESPACE::exhibits
