using tare::Index;
using tare::Matrix;

// The mean loss of the logits z [N x K]; dz [N x K] becomes its gradient. Labels are from 0 to K - 1.
double softmax_cross_entropy_by_hand(const Matrix& z, const std::vector<int>& labels, Matrix& dz) {
  // Gap.
  dz.setZero();
  return 0;
}
