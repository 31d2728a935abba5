using Column = Eigen::ArrayXd;

// dL/dx of one column.
Column batch_norm_dx(const Column& g, const Column& xhat, double gamma, double s) {
  const double n = static_cast<double>(g.size());
  return gamma / (n * s) * (n * g - g.sum() - xhat * (g * xhat).sum());
}
