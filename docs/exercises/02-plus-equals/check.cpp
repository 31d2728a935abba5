using namespace exercise;

namespace {

double loss(double w, double x, double t) {
  const double h = w * x;
  const double y = w * h * h + h;
  return (y - t) * (y - t);
}

}  // namespace

int main() {
  return run([] {
    for (const auto& [w, x, t] : {std::tuple(0.5, 2.0, 3.0), std::tuple(-1.25, 0.75, 0.5)}) {
      const Gradients d = gradients(w, x, t);
      const double h = w * x, r = h * h, dy = 2 * (w * r + h - t), dr = w * dy, dh = 2 * h * dr + dy;
      expect("dL/dy", d.y, dy);
      expect("dL/dr", d.r, dr);
      expect("dL/dh", d.h, dh,
             {{number(2 * h * dr),
               "h is used by two statements, r = h h and y = w r + h. Only what came back from the first is there."},
              {number(dy),
               "h is used by two statements, r = h h and y = w r + h. Only what came back from the second "
               "is there."}});
      const double dw = r * dy + x * dh;
      expect("dL/dw", d.w, dw,
             {{number(x * dh), "w is used by two statements, and what came back from y = w r + h is lost."},
              {number(r * dy), "w is used by two statements, and what came back from h = w x is lost."}});
      expect("dL/dx", d.x, w * dh);
      const double numeric = (loss(w + 1e-6, x, t) - loss(w - 1e-6, x, t)) / 2e-6;
      expect("dL/dw against a central difference", d.w, numeric, {}, 1e-4);
    }
    return "A gradient is a sum over all uses, so it is always added and must start from zero.";
  });
}
