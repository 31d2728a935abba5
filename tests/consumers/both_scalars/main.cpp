#include <tare/tare.h>

double third_in_double();

int main() {
  static_assert(std::is_same_v<tare::real, float>);
  tare::Tape tape;
  const float third = tare::mean(tape.constant(tare::Matrix::Constant(1, 1, 1.0f / 3))).item();
  return static_cast<double>(third) != third_in_double() && third_in_double() == 1.0 / 3 ? 0 : 1;
}
