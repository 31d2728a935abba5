#include "layers/layer.h"

#include <tare/tare.h>

int main() {
  tare::Tape tape;
  return Layer().height == 3 && tare::sum(tape.constant(tare::Matrix::Ones(2, 2))).item() == 4 ? 0 : 1;
}
