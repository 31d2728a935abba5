#include <tare/core/machine/formula.h>

namespace TARE_NAMESPACE::detail {

void check_operands(const Target& target, bool sums, std::initializer_list<const View*> operands) {
  const Shape to{target.to.rows(), target.to.cols()};
  Index rows = sums ? 1 : to.rows;  // that an operand may have besides one
  for (const View* v : operands) {
    if (sums && rows == 1) rows = v->rows();
    if (v->cols() != to.cols || (v->rows() != 1 && v->rows() != rows)) {
      const std::string one_row = rows == 1 ? "" : fmt::format(" or [1 x {}]", to.cols);
      throw Error("{}: expected operands [{} x {}]{}, found {}", target.op, rows, to.cols, one_row, shape_of(*v));
    }
  }
  if (sums && to.rows != 1) throw Error("{}: expected one row for column sums, found {}", target.op, to);
}

}  // namespace TARE_NAMESPACE::detail
