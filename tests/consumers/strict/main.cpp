// The templates of the headers, each used once.
#include <tare/tare.h>

using namespace tare;

Var cube(Var a) {
  Var y = Tape::record("cube", {a}, a.rows(), a.cols());
  Scratch squares = a.tape().scratch(a.rows(), a.cols());
  squares.set([](auto row) { return row * row; }, a);
  y.set([](auto row, auto s) { return row * s; }, a, squares);
  return y.pullback([=](View g) { a.add_grad([](auto d, auto s) { return 3 * d * s; }, g, squares); });
}

Var total(Var a) {
  Var y = Tape::record("total", {a}, 1, a.cols());
  y.set(col_sums([](auto row) { return row.unaryExpr(functions::exp); }), a);
  return y.pullback(
      [=](View g) { a.add_grad([](auto d, auto row) { return d * row.unaryExpr(functions::exp); }, g, a); });
}

int main() try {
  Random random(1);
  Workers workers(2);
  workers.split(10, 1, 1e9, [](Index, Index) {});
  Matrix x(3, 2);
  x << 1, 2, 3, 4, 5, 6;
  Parameter p("p", 3, 2);
  p.value = x;
  Tape tape(workers);
  Var v = tape.leaf(p);
  const std::vector<int> labels{0, 1, 1};
  tape.copy(std::span<const int>(labels));
  Var y = (cube(v) + 1 - v * v / (v + 2)) * 3;
  y = softmax(concat_cols(slice_cols(y, 0, 1), row_sum(max(y, -y))));
  tape.backward(mean(total(y)) + softmax_cross_entropy(v, labels));
  Matrix gradient = p.grad, product(3, 3);
  const View a = v.value();
  write({"product", MatrixMap(product.data(), 3, 3), false}, workers, a * a.transpose());
  Sequential model;
  model.add(Linear({.in = 2, .out = 4}, random));
  model.add(Elementwise("ReLU", relu));
  model.add(Dropout(0.5, Random(2)));
  model.add(LayerNorm({.features = 4}));
  const Error error("{} {}", shape_of(Buffer(x)), state_of(model).size());
  check(true, "x", "y", 1);
  return check_gradients([](Tape&, auto in) { return cube(in[0]); }, {x}, random).relative < 0.1 ? 0 : 1;
} catch (const Error&) {
  return 2;
}
