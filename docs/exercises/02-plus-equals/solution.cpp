struct Gradients {
  double h = 0, r = 0, y = 0, w = 0, x = 0;  // dL/dh, dL/dr, ...
};

// L = (y - t)^2 with h = w x, r = h h, y = w r + h.
Gradients gradients(double w, double x, double t) {
  const double h = w * x;
  const double r = h * h;
  const double y = w * r + h;

  Gradients d;
  // L = (y - t)^2
  d.y = 2 * (y - t);
  // y = w r + h
  d.w += r * d.y;
  d.r += w * d.y;
  d.h += d.y;
  // r = h h
  d.h += 2 * h * d.r;
  // h = w x
  d.w += x * d.h;
  d.x += w * d.h;
  return d;
}
