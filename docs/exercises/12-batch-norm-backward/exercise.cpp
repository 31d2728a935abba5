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
  // d.scaled += ...
  // d.beta += ...

  // Row 7: scaled = gamma xhat
  // d.xhat += ...
  // d.gamma += ...

  // Row 6: xhat = centred inv_s
  // d.centred += ...
  // d.inv_s += ...

  // Row 5: inv_s = (variance + eps)^(-1/2)
  // d.variance += ...

  // Row 4: variance = the mean of squared
  // d.squared += ...

  // Row 3: squared = centred^2
  // d.centred += ...

  // Row 2: centred = x - mean
  // d.x += ...
  // d.mean += ...

  // Row 1: mean = the mean of x
  // d.x += ...
}
