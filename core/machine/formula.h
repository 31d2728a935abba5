// What an op computes elementwise or sums over a column, from a formula for one row, split over threads so that no sum
// ever changes its order: a formula by rows, sums over the rows by columns.
#pragma once

#include <tare/core/machine/matrix.h>
#include <tare/core/machine/workers.h>

#include <algorithm>
#include <initializer_list>
#include <type_traits>

namespace TARE_NAMESPACE {

/// A formula whose values are summed over all rows, in their order.
template <class Formula>
struct ColSums {
  Formula formula;
};
template <class Formula>
ColSums<Formula> col_sums(const Formula& formula) {
  return {formula};
}

/// Where something is written, by which op, and whether it is added to what is there.
struct Target {
  const char* op;
  MatrixMap to;
  bool add;
};

namespace detail {

inline ConstRow operand_row(const View& v, Index i, Columns c) { return v.row(v.rows() == 1 ? 0 : i, c); }
// The N of operands that have N rows or one. (One row beside an empty batch has nothing to go with.)
template <class... Views>
Index rows_of_all(const Views&... views) {
  const auto [fewest, most] = std::minmax({views.rows()...});
  return fewest == 0 ? 0 : most;
}

// Error, naming the op, unless every operand is as wide as the target and has as many rows as the others, or one.
void check_operands(const Target& target, bool sums, std::initializer_list<const View*> operands);

// Whether an Eigen expression refers to an array that owns its numbers. Eigen keeps such an operand by reference, and
// one of the formula's own is gone when the expression is computed. (Maps and constants are kept by value.)
template <class Expression>
constexpr bool refers_to_array = std::is_base_of_v<Eigen::PlainObjectBase<Expression>, Expression>;
template <class Expression>
inline constexpr bool refers_to_array<const Expression> = refers_to_array<Expression>;
template <class Op, class Plain>
inline constexpr bool refers_to_array<Eigen::CwiseNullaryOp<Op, Plain>> = false;
template <class Plain, int kOptions, class Stride>
inline constexpr bool refers_to_array<Eigen::Map<Plain, kOptions, Stride>> = false;
template <template <class...> class Expression, class... Parts>
inline constexpr bool refers_to_array<Expression<Parts...>> = (refers_to_array<Parts> || ...);

// Calls the formula, whose result must be `size` numbers wide, or one number.
template <class Formula, class... Rows>
auto call(const char* op, const Formula& formula, Index size, const Rows&... rows) {
  using Result = std::invoke_result_t<const Formula&, const Rows&...>;
  static_assert(!std::is_reference_v<Result>, "a formula returns a value, not a reference");
  if constexpr (std::is_arithmetic_v<Result>) {
    return ConstRow::Constant(size, static_cast<real>(formula(rows...)));
  } else {
    static_assert(!refers_to_array<Result> || std::is_base_of_v<Eigen::PlainObjectBase<Result>, Result>,
                  "a formula's expression is computed later, when an Array of its own is gone: make it an operand");
    Result result = formula(rows...);
    if (result.size() != size)
      throw Error("{}: expected a formula of {} numbers a row, found {}", op, size, result.size());
    return result;
  }
}

}  // namespace detail

/// target = or += the formula, called for every row i with row i of every operand (its only row, if it has just one).
/// Error, naming the op, if the shapes do not fit.
template <class Formula, class... Views>
void write(Target target, Workers& workers, const Formula& formula, const Views&... operands) {
  detail::check_operands(target, false, {&operands...});
  MatrixMap& to = target.to;
  const Columns all{0, to.cols()};
  const double work = Workers::kElementwiseWork * static_cast<double>(to.size());
  workers.split(to.rows(), 1, work, [&](Index begin, Index size) {
    for (Index i = begin; i < begin + size; ++i) {
      const auto result = detail::call(target.op, formula, all.size, detail::operand_row(operands, i, all)...);
      if (target.add) {
        row(to, i, all) += result;
      } else {
        row(to, i, all) = result;
      }
    }
  });
}

/// The same with the sum over all rows, of which the target has one.
template <class Formula, class... Views>
void write(Target target, Workers& workers, const ColSums<Formula>& sums, const Views&... operands) {
  static_assert(sizeof...(Views) > 0, "sums need an operand, whose rows they go over");
  detail::check_operands(target, true, {&operands...});
  MatrixMap& to = target.to;
  const Index rows = detail::rows_of_all(operands...);
  const double work = Workers::kElementwiseWork * static_cast<double>(rows * to.cols());
  workers.split(to.cols(), Workers::kLine, work, [&](Index begin, Index size) {
    const Columns c{begin, size};
    if (!target.add) row(to, 0, c).setZero();
    for (Index i = 0; i < rows; ++i) {
      row(to, 0, c) += detail::call(target.op, sums.formula, size, detail::operand_row(operands, i, c)...);
    }
  });
}

}  // namespace TARE_NAMESPACE
