// A library of matrices that knows nothing of Tare.
#pragma once

#include <Eigen/Core>

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Rows make(int rows, int cols);
void take(Rows matrix);   // and frees it
void grow(Rows& matrix);  // frees it and makes a larger one
int alignment();
