#include "ordinary.h"

Rows make(int rows, int cols) { return Rows::Ones(rows, cols) * 2; }
void take(Rows matrix) { matrix.resize(1, 1); }
void grow(Rows& matrix) { matrix = Rows::Ones(2 * matrix.rows(), matrix.cols()); }
int alignment() { return EIGEN_MAX_ALIGN_BYTES; }
