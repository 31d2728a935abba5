using Column = Eigen::ArrayXd;

// What the forward pass computed.
struct Forward {
  double n, mean, variance, inv_s, gamma, beta, eps;
  Column x, centred, squared, xhat, scaled, y;
};

// dL/d of each of them; zero at first.
struct Gradients {
  double mean = 0, variance = 0, inv_s = 0, gamma = 0, beta = 0;
  Column x, centred, squared, xhat, scaled;
};

// g is dL/dy.
void backward([[maybe_unused]] const Forward& f, [[maybe_unused]] const Column& g, [[maybe_unused]] Gradients& d) {
  // Row 8: y = scaled + beta
  d.scaled += g;
  d.beta += g.sum();

  // Row 7: scaled = gamma xhat
  d.xhat += f.gamma * d.scaled;
  d.gamma += (f.xhat * d.scaled).sum();

  // Row 6: xhat = centred inv_s
  d.centred += f.inv_s * d.xhat;
  d.inv_s += (f.centred * d.xhat).sum();

  // Row 5: inv_s = (variance + eps)^(-1/2)
  d.variance += -0.5 * f.inv_s * f.inv_s * f.inv_s * d.inv_s;

  // Row 4: variance = the mean of squared
  d.squared += d.variance / f.n;

  // Row 3: squared = centred^2
  d.centred += 2 * f.centred * d.squared;

  // Row 2: centred = x - mean
  d.x += d.centred;
  d.mean += -d.centred.sum();

  // Row 1: mean = the mean of x
  d.x += d.mean / f.n;
}
