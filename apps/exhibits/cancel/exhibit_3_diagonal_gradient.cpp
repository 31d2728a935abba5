// Exhibit 3: note 2's formula against the full gradient.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/apps/train/diagonal_gradient.h>

namespace TARE_NAMESPACE::exhibits {

void show_diagonal_gradient(CheckReport& report) {
  report.heading("Exhibit 3: note 2's formula against the full one");
  report.say(
      "Note 2 keeps only the diagonal of J: how x_i moves y_i, but not how it moves every other y_j. For\n"
      "200 random columns each: the median of |d - f| / |f|, where f is the full gradient by central\n"
      "differences; and of |sum_i dx_i| / sum_i |dx_i|, which is the bias's gradient, and must be 0 if note\n"
      "3 is right. Who trusts note 2 must conclude that the bias matters.\n\n"
      "    N    error of note 2   error of batch_norm   bias gradient of note 2   of batch_norm");
  const Index columns = 200;
  struct Row {
    Index n;
    double diagonal_error, full_error, diagonal_bias, full_bias;
  };
  std::vector<Row> rows;
  for (Index n : {4, 16, 64, 128}) {
    Random random = random_for(10 + static_cast<std::uint64_t>(n));
    const Batch batch{normal_matrix(random, n, columns), Matrix::Ones(1, columns), Matrix::Zero(1, columns),
                      normal_matrix(random, n, columns)};
    const Numbers x = numbers(batch.x), g = numbers(batch.g);
    Numbers slope(n, columns);
    for (Index k = 0; k < columns; ++k) {
      slope.col(k) = slopes(x.col(k), [&](const Numbers& column) {
        const Numbers mean = mean_of(column), s = deviation(variance_of(column, mean), kEps);
        return sum_over(n, [&](Index i) { return g(i, k) * (column(i, 0) - mean(0, 0)) / s(0, 0); });
      });
    }
    const Numbers diagonal = normalize(batch, batch_norm_diagonal_gradient).dx, full = normalize(batch).dx;
    rows.push_back({n, median(column_errors(diagonal, slope)), largest(column_errors(full, slope)),
                    median(cancellation(diagonal)), largest(cancellation(full))});
    report.say("  {:3}   {:14.0f} %   {:19.1e}   {:23.2f}   {:13.1e}", n, 100 * rows.back().diagonal_error,
               rows.back().full_error, rows.back().diagonal_bias, rows.back().full_bias);
  }
  report.say("  (for batch_norm the largest of the 200 instead of the median)\n");
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

}  // namespace TARE_NAMESPACE::exhibits
