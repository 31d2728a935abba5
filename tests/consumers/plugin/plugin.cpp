#include <tare/tare.h>

extern "C" double answer() {
  tare::Tape tape;
  return static_cast<double>(tare::sum(tape.constant(tare::Matrix::Ones(6, 7))).item());
}
