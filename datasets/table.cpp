#include <tare/datasets/table.h>

#include <tare/datasets/split.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

using Places = std::vector<std::uint32_t>;

Buffer rows_of(const View& m, const Places& places) {
  Buffer rows(std::ssize(places), m.cols());
  for (Index i = 0; i < rows.rows(); ++i) rows.row(i) = m.row(places[static_cast<std::size_t>(i)]);
  return rows;
}

Table part_of(const Table& table, const Places& places) {
  Table part{rows_of(table.x, places), labels_at(table.labels, places)};
  if (table.targets) part.targets.emplace(rows_of(*table.targets, places));
  return part;
}

void check_columns(const View& x, const View& mean) {
  check(x.cols() == mean.cols(), "standardization: columns", fmt::format("{}", mean.cols()).c_str(), x.cols());
}

}  // namespace

void check_counts(const ImageSet& set) {
  check_shape("images", {static_cast<Index>(set.count), static_cast<Index>(set.features())});
  if (set.is_table() && (set.rows != 1 || std::ssize(set.numbers) != set.count * set.cols || !set.pixels.empty())) {
    throw Error("samples: expected {} rows of {} numbers, found {} numbers", set.count, set.cols, set.numbers.size());
  }
  if (!set.is_table() && std::ssize(set.pixels) != set.count * set.features()) {
    throw Error("images: expected {} x {} x {} pixels, found {}", set.count, set.rows, set.cols, set.pixels.size());
  }
  if (!set.labels.empty() && std::ssize(set.labels) != set.count) {
    throw Error("images: expected a label for each of {} images, found {}", set.count, set.labels.size());
  }
}

Split<Table> split(const Table& table, Index test, std::uint64_t seed) {
  const Index n = table.x.rows();
  if (!table.labels.empty() && std::ssize(table.labels) != n) {
    throw Error("split: expected {} labels, found {}", n, table.labels.size());
  }
  if (table.targets && table.targets->rows() != n) {
    throw Error("split: expected {} rows of targets, found {}", n, table.targets->rows());
  }
  const SplitPlaces places = split_places(n, test, seed);
  return {part_of(table, places.train), part_of(table, places.test)};
}

Split<ImageSet> split(const ImageSet& set, Index test, std::uint64_t seed) {
  check_counts(set);
  const SplitPlaces places = split_places(set.count, test, seed);
  return {samples_at(set, places.train), samples_at(set, places.test)};
}

// The first row is taken away before averaging: one number only has the deviation 0 then, exactly.
Standardization::Standardization(const View& x) : mean(1, x.cols()), deviation(1, x.cols()) {
  check(x.rows() >= 1, "standardization: rows", "at least 1", x.rows());
  for (Index c = 0; c < x.cols(); ++c) {
    const auto first = static_cast<double>(x(0, c));
    double sum = 0, squares = 0;  // in double also for float: this is done once
    for (Index i = 0; i < x.rows(); ++i) sum += static_cast<double>(x(i, c)) - first;
    const double m = first + sum / static_cast<double>(x.rows());
    for (Index i = 0; i < x.rows(); ++i) {
      const double d = static_cast<double>(x(i, c)) - m;
      squares += d * d;
    }
    mean(0, c) = static_cast<real>(m);
    deviation(0, c) = static_cast<real>(std::sqrt(squares / static_cast<double>(x.rows())));
    if (deviation(0, c) == 0) deviation(0, c) = 1;
  }
}

void Standardization::apply(MatrixMap x) const {
  check_columns(x, mean);
  for (Index i = 0; i < x.rows(); ++i) x.row(i) = (x.row(i) - mean.row(0)).cwiseQuotient(deviation.row(0));
}

void Standardization::undo(MatrixMap x) const {
  check_columns(x, mean);
  for (Index i = 0; i < x.rows(); ++i) x.row(i) = x.row(i).cwiseProduct(deviation.row(0)) + mean.row(0);
}

}  // namespace TARE_NAMESPACE
