#include <tare/tare.h>

double third_in_double() {
  tare::Tape tape;
  return static_cast<double>(tare::mean(tape.constant(tare::Matrix::Constant(1, 1, tare::real{1} / 3))).item());
}
