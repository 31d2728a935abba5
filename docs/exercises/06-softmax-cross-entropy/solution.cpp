using tare::Index;
using tare::Matrix;

// The mean loss of the logits z [N x K]; dz [N x K] becomes its gradient. Labels are from 0 to K - 1.
double softmax_cross_entropy_by_hand(const Matrix& z, const std::vector<int>& labels, Matrix& dz) {
  const double n = static_cast<double>(z.rows());
  double loss = 0;
  for (Index i = 0; i < z.rows(); ++i) {
    const double max = z.row(i).maxCoeff();
    dz.row(i) = (z.row(i).array() - max).exp();
    const double sum = dz.row(i).sum();
    loss += std::log(sum) + max - z(i, labels[i]);
    dz.row(i) /= sum;
    dz(i, labels[i]) -= 1;
  }
  dz /= n;
  return loss / n;
}
