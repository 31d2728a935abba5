using Column = Eigen::ArrayXd;

// dL/dx of one column.
Column batch_norm_dx(const Column& g, const Column& xhat, double gamma, double s) {
  // Gap.
  return gamma / s * g;
}
