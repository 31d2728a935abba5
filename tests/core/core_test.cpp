// The tape, the ops' values and errors, and the identities that the fused ops must fulfil; for both scalars.
// Derivatives against finite differences are in op_table_test.cpp.
#include <tare/apps/train/diagonal_gradient.h>
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/layer_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include <tare/core/tools/gradcheck.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace tare {
namespace {

constexpr bool kDouble = sizeof(real) == 8;
constexpr double kTolerance = kDouble ? 1e-12 : 2e-5;  // of two ways to compute the same
constexpr real kEps = static_cast<real>(1e-5);
constexpr real kNan = std::numeric_limits<real>::quiet_NaN();

Random test_random(std::uint64_t number = 0) { return Random(3, Random::Stream{4}, number); }

// The Var that `f` makes of leaves for the parameters.
template <class F>
Var apply(Tape& tape, std::vector<Parameter>& parameters, const F& f) {
  std::vector<Var> leaves;
  for (Parameter& p : parameters) leaves.push_back(tape.leaf(p));
  return f(std::span<const Var>(leaves));
}

// A value of `f` and the gradients of sum(upstream o value) by every input.
struct Result {
  Matrix value;
  std::vector<Matrix> gradients;
};

template <class F>
Result run(const F& f, const std::vector<Matrix>& inputs, const Matrix& upstream) {
  std::vector<Parameter> parameters;
  for (const Matrix& m : inputs) parameters.push_back(parameter(m));
  Tape tape;
  const Var y = apply(tape, parameters, f);
  Result result{y.value(), {}};
  tape.backward(sum(mul(y, tape.constant(upstream))));
  for (const Parameter& p : parameters) result.gradients.push_back(p.grad);
  return result;
}

using In = std::span<const Var>;

// ---- Values --------------------------------------------------------------------------------------------------------

// Every entry of f(a) against formula(i, j).
template <class F, class Formula>
void check_value(const char* op, Index rows, Index cols, const F& f, const Formula& formula) {
  INFO(op);
  const View y = f().value();
  REQUIRE(y.rows() == rows);
  REQUIRE(y.cols() == cols);
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < cols; ++j) {
      const double expected = formula(i, j);
      CHECK(std::abs(static_cast<double>(y(i, j)) - expected) <= kTolerance * (1 + std::abs(expected)));
    }
  }
}

TEST_CASE("the ops compute what their names say") {
  constexpr Index n = 5, c = 19, m = 3;  // c: a full vector register and a remainder
  Random random = test_random();
  const Matrix a = random_matrix(random, n, c), b = random_matrix(random, n, c), k = random_matrix(random, c, m);
  const Matrix r = random_matrix(random, 1, c), p = a.cwiseAbs().array() + real{0.1};
  Tape tape;
  const Var va = tape.constant(a), vb = tape.constant(b), vk = tape.constant(k), vr = tape.constant(r);
  const Var vp = tape.constant(p);

  auto dot = [&](Index i, Index j) {
    double total = 0;
    for (Index l = 0; l < c; ++l) total += static_cast<double>(a(i, l)) * static_cast<double>(k(l, j));
    return total;
  };
  auto column_total = [&](Index j) {
    double total = 0;
    for (Index i = 0; i < n; ++i) total += static_cast<double>(a(i, j));
    return total;
  };
  double total = 0;
  for (Index j = 0; j < c; ++j) total += column_total(j);

  check_value(
      "matmul", n, m, [&] { return matmul(va, vk); }, dot);
  check_value(
      "transpose", c, n, [&] { return transpose(va); }, [&](Index i, Index j) { return a(j, i); });
  check_value(
      "add", n, c, [&] { return add(va, vb); }, [&](Index i, Index j) { return a(i, j) + b(i, j); });
  check_value(
      "sub", n, c, [&] { return sub(va, vb); }, [&](Index i, Index j) { return a(i, j) - b(i, j); });
  check_value(
      "mul", n, c, [&] { return mul(va, vb); }, [&](Index i, Index j) { return a(i, j) * b(i, j); });
  check_value(
      "add_scalar", n, c, [&] { return add_scalar(va, real{3}); }, [&](Index i, Index j) { return a(i, j) + 3; });
  check_value(
      "add_row", n, c, [&] { return add_row(va, vr); }, [&](Index i, Index j) { return a(i, j) + r(0, j); });
  check_value(
      "sub_row", n, c, [&] { return sub_row(va, vr); }, [&](Index i, Index j) { return a(i, j) - r(0, j); });
  check_value(
      "mul_row", n, c, [&] { return mul_row(va, vr); }, [&](Index i, Index j) { return a(i, j) * r(0, j); });
  check_value(
      "col_mean", 1, c, [&] { return col_mean(va); }, [&](Index, Index j) { return column_total(j) / n; });
  check_value(
      "sum", 1, 1, [&] { return sum(va); }, [&](Index, Index) { return total; });
  check_value(
      "mean", 1, 1, [&] { return mean(va); }, [&](Index, Index) { return total / (n * c); });
  check_value(
      "square", n, c, [&] { return square(va); }, [&](Index i, Index j) { return a(i, j) * a(i, j); });
  check_value(
      "rsqrt", n, c, [&] { return rsqrt(vp); }, [&](Index i, Index j) { return 1 / std::sqrt(p(i, j)); });
  check_value(
      "exp", n, c, [&] { return exp(va); }, [&](Index i, Index j) { return std::exp(a(i, j)); });
  check_value(
      "log", n, c, [&] { return log(vp); }, [&](Index i, Index j) { return std::log(p(i, j)); });
  check_value(
      "relu", n, c, [&] { return relu(va); }, [&](Index i, Index j) { return std::max(a(i, j), real{0}); });
  check_value(
      "sigmoid", n, c, [&] { return sigmoid(va); }, [&](Index i, Index j) { return 1 / (1 + std::exp(-a(i, j))); });
  check_value(
      "tanh", n, c, [&] { return tanh(va); }, [&](Index i, Index j) { return std::tanh(a(i, j)); });
}

// [OP-1]
TEST_CASE("relu keeps a NaN, wherever in a vector register it is, and has derivative 0 at 0") {
  Matrix x = Matrix::Constant(1, 67, kNan);
  x(0, 5) = 0;
  x(0, 6) = 2;
  Parameter p = parameter(x);
  Tape tape;
  const Var y = relu(tape.leaf(p));
  for (Index j = 0; j < x.cols(); ++j) CHECK(std::isnan(y.value()(0, j)) == std::isnan(x(0, j)));
  CHECK(y.value()(0, 5) == 0);
  CHECK(y.value()(0, 6) == 2);
  tape.backward(sum(y));
  CHECK(p.grad(0, 5) == 0);
  CHECK(p.grad(0, 6) == 1);
}

// [OP-5]
TEST_CASE("dropout zeroes with probability p, scales the rest, and passes gradients through the same mask") {
  constexpr real kept = real{1} / (1 - real{0.25});
  Parameter p = parameter(Matrix::Ones(200, 50));
  Tape tape;
  Random random = test_random(), same = test_random();
  const Var y = dropout(tape.leaf(p), 0.25, random);
  const Matrix value = y.value();
  const auto dropped = (value.array() == real{0}).count();
  CHECK(dropped + ((value.array() - kept).abs() < real{1e-6}).count() == value.size());
  // Of 10000 with probability 1/4: 2500, give or take four standard deviations of 43.
  CHECK(dropped > 2500 - 4 * 43);
  CHECK(dropped < 2500 + 4 * 43);

  CHECK(same_bits(value, dropout(tape.leaf(p), 0.25, same).value()));
  CHECK(same_bits(p.value, dropout(tape.leaf(p), 0, random).value()));

  tape.backward(sum(y));
  CHECK(same_bits(p.grad, value));
}

// [CE-1]
TEST_CASE("softmax_cross_entropy of known logits") {
  Tape tape;
  const std::vector<int> labels{0, 2};
  CHECK(softmax_cross_entropy(tape.constant(Matrix::Zero(2, 4)), labels).value()(0, 0) ==
        doctest::Approx(std::log(4.0)));
  Matrix logits(2, 3);
  logits << 1, 2, 3, -1, 0, 5;
  const double row0 = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0)) - 1;
  const double row1 = std::log(std::exp(-1.0) + 1 + std::exp(5.0)) - 5;
  CHECK(softmax_cross_entropy(tape.constant(logits), labels).value()(0, 0) == doctest::Approx((row0 + row1) / 2));
}

// [CE-2]
TEST_CASE("softmax_cross_entropy is finite for logits of 1e4") {
  Matrix logits(3, 3);
  logits << 1e4, -1e4, 0,  // sure and right: loss 0
      1e4, -1e4, 0,        // sure and wrong: loss 2e4
      -1e4, -1e4, -1e4;    // loss log 3
  const std::vector<int> labels{0, 1, 2};
  Parameter p = parameter(logits);
  Tape tape;
  const Var loss = softmax_cross_entropy(tape.leaf(p), labels);
  CHECK(loss.value()(0, 0) == doctest::Approx((2e4 + std::log(3.0)) / 3));
  tape.backward(loss);
  Matrix expected(3, 3);
  expected << 0, 0, 0, 1, -1, 0, 1.0 / 3, 1.0 / 3, -2.0 / 3;
  CHECK(max_difference(p.grad, expected / real{3}) <= 1e-6);
}

TEST_CASE("count_correct takes the first of equal logits") {
  Matrix logits(3, 3);
  logits << 1, 1, 0, 0, 2, 2, 0, 0, 3;
  const std::vector<int> labels{0, 2, 2};
  CHECK(predicted_class(logits, 0) == 0);
  CHECK(predicted_class(logits, 1) == 1);
  CHECK(predicted_class(logits, 2) == 2);
  CHECK(count_correct(logits, labels) == 2);
}

TEST_CASE("sums over no rows are zero, forward and backward") {
  Parameter r = parameter(Matrix::Ones(1, 3));
  Tape tape;
  tape.constant(Matrix::Constant(50, 3, kNan));  // what lies in the memory that the step gets
  tape.clear();
  const Var none = tape.constant(0, 3);
  const Var loss = sum(add_row(none, tape.leaf(r)));
  CHECK(loss.value()(0, 0) == 0);
  tape.backward(loss);
  CHECK(same_bits(r.grad, Matrix::Zero(1, 3)));
}

// ---- Errors --------------------------------------------------------------------------------------------------------

TEST_CASE("a shape error names the op and both shapes") {
  Tape tape;
  const Var x = tape.constant(2, 3), square_x = tape.constant(3, 3), tall = tape.constant(3, 2);
  const Var row = tape.constant(1, 3), short_row = tape.constant(1, 2);
  x.mutable_value().setOnes();

  // Calls f and expects an error of `op` with these shapes.
  auto expect = [](const char* op, const std::vector<std::string>& shapes, auto f) {
    const std::string message = error_of(f);
    INFO(op << ", found: " << message);
    CHECK(message.starts_with(std::string(op) + ": "));
    for (const std::string& shape : shapes) CHECK(contains(message, shape));
    CHECK(!contains(message, "\n"));
  };
  expect("matmul", {"[2 x 3]", "[2 x 3]"}, [&] { matmul(x, x); });
  expect("matmul", {"[3 x 2]", "[3 x 3]"}, [&] { matmul(tall, square_x); });
  using Binary = Var (*)(Var, Var);
  // (Named anew, because clang 14 cannot capture a structured binding.)
  for (const auto& named : {std::pair<const char*, Binary>{"add", add}, {"sub", sub}, {"mul", mul}}) {
    const char* op = named.first;
    const Binary f = named.second;
    expect(op, {"[2 x 3]", "[3 x 2]"}, [&] { f(x, tall); });
    expect(op, {"[2 x 3]", "[1 x 3]"}, [&] { f(x, row); });  // no broadcasting
    expect(op, {"[2 x 3]", "[3 x 3]"}, [&] { f(x, square_x); });
  }
  for (const auto& named :
       {std::pair<const char*, Binary>{"add_row", add_row}, {"sub_row", sub_row}, {"mul_row", mul_row}}) {
    const char* op = named.first;
    const Binary f = named.second;
    expect(op, {"[2 x 3]", "[1 x 2]"}, [&] { f(x, short_row); });
    expect(op, {"[2 x 3]", "[2 x 3]"}, [&] { f(x, x); });
  }
  expect("linear", {"[2 x 3]", "[3 x 2]"}, [&] { linear(x, tall); });
  expect("linear", {"[2 x 3]", "[3 x 2]"}, [&] { linear(x, tall, short_row); });
  expect("linear", {"[3 x 3]", "[1 x 2]"}, [&] { linear(x, square_x, short_row); });
  expect("linear", {"[3 x 3]", "[2 x 3]"}, [&] { linear(x, square_x, x); });

  for (const auto& named : {std::pair<const char*, BatchNormOp>{"batch_norm", batch_norm},
                            {"batch_norm_composed", batch_norm_composed},
                            {"batch_norm", batch_norm_diagonal_gradient}}) {  // which begins with it
    const char* op = named.first;
    const BatchNormOp f = named.second;
    expect(op, {"[2 x 3]", "[1 x 2]"}, [&] { f(x, short_row, row, kEps); });
    expect(op, {"[2 x 3]", "[2 x 3]"}, [&] { f(x, row, x, kEps); });
    expect(op, {"[0 x 3]"}, [&] { f(tape.constant(0, 3), row, row, kEps); });
    expect(op, {"eps", "-1"}, [&] { f(x, row, row, -1); });
  }
  expect("layer_norm", {"[2 x 3]", "[1 x 2]"}, [&] { layer_norm(x, short_row, row, kEps); });
  expect("layer_norm", {"[2 x 3]", "[1 x 2]"}, [&] { layer_norm(x, row, short_row, kEps); });
  CHECK(!error_of([&] { layer_norm_composed(x, short_row, row, kEps); }).empty());
  CHECK(!error_of([&] { linear_composed(x, square_x, short_row); }).empty());

  expect("col_mean", {"[0 x 3]"}, [&] { col_mean(tape.constant(0, 3)); });
  expect("mean", {"[3 x 0]"}, [&] { mean(tape.constant(3, 0)); });
}

TEST_CASE("labels that do not fit the logits are an error") {
  Tape tape;
  const Var logits = tape.constant(Matrix::Zero(2, 3));
  for (const auto loss : {softmax_cross_entropy, softmax_cross_entropy_composed}) {
    auto message = [&](const std::vector<int>& labels) { return error_of([&] { loss(logits, labels); }); };
    CHECK(message({0, 2}) == "");
    CHECK(contains(message({0, 3}), "expected labels from 0 to 2, found 3 in row 1"));
    CHECK(contains(message({-1, 0}), "found -1 in row 0"));
    CHECK(contains(message({0}), "found 1 labels and logits [2 x 3]"));
    CHECK(message({0, 3}).starts_with("softmax_cross_entropy"));
  }
}

TEST_CASE("a dropout probability outside [0, 1) is an error") {
  Tape tape;
  const Var x = tape.constant(Matrix::Ones(2, 2));
  Random random = test_random();
  for (const double p : {-0.1, 1.0, 1.5, std::nan("")}) {
    CHECK(error_of([&] { dropout(x, p, random); }).starts_with("dropout: "));
  }
}

TEST_CASE("misuse of the tape is an error") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape, other;

  SUBCASE("a Var after clear()") {
    const Var x = tape.leaf(p), loss = sum(x);
    tape.clear();
    const std::string cleared = "a Var was used after its tape was cleared";
    CHECK(error_of([&] { x.value(); }) == cleared);
    CHECK(error_of([&] { x.shape(); }) == cleared);
    CHECK(error_of([&] { x.grad(); }) == cleared);
    CHECK(error_of([&] { square(x); }) == cleared);
    CHECK(error_of([&] { tape.backward(loss); }) == cleared);
    // Not even when the tape has a node in the same place again.
    tape.leaf(p);
    CHECK(error_of([&] { x.value(); }) == cleared);
    CHECK(error_of([&] { add(tape.leaf(p), x); }) == cleared);
  }
  SUBCASE("mixed tapes") {
    const Var x = tape.leaf(p), y = other.leaf(p);
    CHECK(error_of([&] { add(x, y); }) == "add: its operands are on different tapes");
    CHECK(error_of([&] { matmul(y, x); }) == "matmul: its operands are on different tapes");
    CHECK(error_of([&] { Tape::record("four", {x, x, x, x}, 1, 1); }) == "four: expected 1 to 3 operands, found 4");
    CHECK(contains(error_of([&] { tape.backward(sum(y)); }), "on another tape"));
  }
  SUBCASE("backward on a matrix") {
    const Var y = square(tape.leaf(p));
    const std::string message = error_of([&] { tape.backward(y); });
    CHECK(contains(message, "[2 x 2]"));
    CHECK(contains(message, "square"));
    tape.backward(sum(y));  // the tape is still usable
    CHECK(p.grad(0, 0) == 2);
  }
  SUBCASE("backward twice") {
    const Var loss = sum(square(tape.leaf(p)));
    tape.backward(loss);
    CHECK(contains(error_of([&] { tape.backward(loss); }), "already done"));
    CHECK(p.grad(0, 0) == 2);
  }
  SUBCASE("an op after backward") {
    const Var x = tape.leaf(p);
    tape.backward(sum(x));
    CHECK(contains(error_of([&] { square(x); }), "square: backward() has run"));
    CHECK(contains(error_of([&] { tape.leaf(p); }), "leaf: backward() has run"));
    tape.clear();
    CHECK(error_of([&] { square(tape.leaf(p)); }) == "");
  }
  SUBCASE("a loss that depends on no parameter") {
    CHECK(contains(error_of([&] { tape.backward(sum(tape.constant(p.value))); }), "depends on no parameter"));
  }
  SUBCASE("gradients that are not there") {
    const Var x = tape.leaf(p), k = tape.constant(p.value), loss = sum(mul(x, k));
    CHECK(contains(error_of([&] { x.grad(); }), "backward() has not run"));
    tape.backward(loss);
    CHECK(error_of([&] { x.grad(); }) == "");
    CHECK(contains(error_of([&] { k.grad(); }), "constant needs no gradient"));
  }
}

// ---- The tape ------------------------------------------------------------------------------------------------------

// [AD-1] [AD-3]
TEST_CASE("a value that is used twice gets both gradients") {
  Parameter p("x", 1, 1);
  p.value(0, 0) = 3;
  Tape tape;
  const Var x = tape.leaf(p);

  SUBCASE("by one op: d(x x)/dx = 2 x") {
    tape.backward(mul(x, x));
    CHECK(p.grad(0, 0) == 6);
  }
  SUBCASE("by one product: d(x x)/dx = 2 x") {
    tape.backward(matmul(x, x));
    CHECK(p.grad(0, 0) == 6);
  }
  SUBCASE("x - x has derivative 0") {
    tape.backward(sub(x, x));
    CHECK(p.grad(0, 0) == 0);
  }
  SUBCASE("in a diamond: d(x^2 + 5 x^2)/dx through y = x^2") {
    const Var y = square(x);
    tape.backward(add(y, mul(y, tape.constant(Matrix::Constant(1, 1, 5)))));
    CHECK(y.grad()(0, 0) == 6);
    CHECK(p.grad(0, 0) == 36);
  }
  SUBCASE("far apart: d(x^2 (x + 1))/dx = 3 x^2 + 2 x") {
    const Var y = square(x), z = add_scalar(x, 1);
    tape.backward(mul(y, z));
    CHECK(p.grad(0, 0) == 33);
  }
  SUBCASE("as operand and row: d(1'(x + 1 x))/dx") {
    tape.backward(add_row(x, x));
    CHECK(p.grad(0, 0) == 2);
  }
}

TEST_CASE("a parameter on the tape twice gets both gradients") {
  Parameter p("x", 1, 1);
  p.value(0, 0) = 3;
  Tape tape;
  tape.backward(mul(tape.leaf(p), tape.leaf(p)));
  CHECK(p.grad(0, 0) == 6);
}

// [AD-2]
TEST_CASE("a loss may be a parameter itself, and its gradient is added as well") {
  Parameter p("x", 1, 1);
  p.grad(0, 0) = 5;
  Tape tape;
  tape.backward(tape.leaf(p));
  CHECK(p.grad(0, 0) == 6);
}

TEST_CASE("gradients accumulate over steps until they are zeroed") {
  Random random = test_random();
  Parameter p = parameter(random_matrix(random, 3, 2));
  Tape tape;
  auto backward = [&] {
    tape.clear();
    tape.backward(sum(square(tape.leaf(p))));
  };
  backward();
  const Matrix once = p.grad;
  CHECK(max_difference(once, 2 * p.value) == 0);
  backward();
  CHECK(max_difference(p.grad, 2 * once) == 0);
}

TEST_CASE("the gradient of a value that the loss does not depend on is zero") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  const Var x = tape.leaf(p), unused = square(x);
  tape.backward(sum(x));
  CHECK(same_bits(unused.grad(), Matrix::Zero(2, 2)));
  CHECK(same_bits(p.grad, Matrix::Ones(2, 2)));
}

// c a
Var times(Var a, real c) {
  Var y = Tape::record("times", {a}, a.rows(), a.cols());
  y.set([=](auto a) { return c * a; }, a);
  return y.pullback([=](View g) { a.add_grad([=](auto g) { return c * g; }, g); });
}

TEST_CASE("a chain of 10,000 ops, and its memory the second time") {
  constexpr int kLength = 10'000;
  constexpr auto factor = static_cast<real>(1.0005), shift = static_cast<real>(-0.001);
  Parameter p("x", 1, 1);
  p.value(0, 0) = real{0.7};
  Tape tape;
  std::vector<const real*> addresses[2];
  for (auto& of_step : addresses) {
    p.grad.setZero();
    tape.clear();
    CHECK(tape.size() == 0);
    Var y = tape.leaf(p);
    real value = p.value(0, 0), derivative = 1;
    for (int i = 0; i < kLength; ++i) {
      const bool even = i % 2 == 0;
      y = even ? times(y, factor) : add_scalar(y, shift);
      value = even ? factor * value : value + shift;
      if (even) derivative *= factor;
      of_step.push_back(y.value().data());
    }
    CHECK(tape.size() == kLength + 1);
    CHECK(y.value()(0, 0) == value);
    tape.backward(y);
    CHECK(p.grad(0, 0) == derivative);
    of_step.push_back(tape.size() == kLength + 1 ? nullptr : y.value().data());
  }
  CHECK(addresses[0] == addresses[1]);
}

// y = a with a pullback that counts its calls.
Var counting(Var a, int* calls) {
  Var y = Tape::record("counting", {a}, a.rows(), a.cols());
  y.set([](auto a) { return a; }, a);
  return y.pullback([=](View g) {
    ++*calls;
    a.add_grad([](auto g) { return g; }, g);
  });
}

TEST_CASE("an operand that needs no gradient costs nothing and gets none") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  int constant_calls = 0, unused_calls = 0, used_calls = 0;
  const Var x = tape.leaf(p);
  const Var from_constant = counting(tape.constant(Matrix::Ones(2, 2)), &constant_calls);
  counting(x, &unused_calls);
  tape.backward(sum(mul(counting(x, &used_calls), from_constant)));
  CHECK(constant_calls == 0);
  CHECK(unused_calls == 0);
  CHECK(used_calls == 1);
  CHECK(contains(error_of([&] { from_constant.grad(); }), "counting needs no gradient"));
  CHECK(p.grad(1, 1) == 1);
}

TEST_CASE("a frozen parameter gets no gradient, nor does what depends on nothing else; the others get theirs") {
  Random random = test_random(30);
  Parameter x = parameter(random_matrix(random, 4, 3)), w = parameter(random_matrix(random, 2, 3)),
            b = parameter(random_matrix(random, 1, 2));
  const Matrix upstream = random_matrix(random, 4, 2);
  const auto backward = [&] {
    for (Parameter* p : {&x, &w, &b}) p->grad.setZero();
    Tape tape;
    tape.backward(sum(linear(tape.leaf(x), tape.leaf(w), tape.leaf(b)) * tape.constant(upstream)));
  };
  backward();
  const Matrix dx = x.grad, db = b.grad;
  CHECK(max_abs(w.grad) > 0);
  w.requires_grad = false;
  backward();
  CHECK(same_bits(w.grad, Matrix::Zero(2, 3)));
  CHECK(same_bits(x.grad, dx));
  CHECK(same_bits(b.grad, db));

  Tape tape;
  Var leaf = tape.leaf(w), squared = square(leaf), learned = tape.leaf(b);
  CHECK(error_of([&] { tape.backward(sum(squared)); }) == "backward: the loss depends on no parameter");
  tape.backward(sum(squared) + sum(learned));
  CHECK(error_of([&] { leaf.grad(); }) == "grad: the value of leaf needs no gradient");
  CHECK(error_of([&] { squared.grad(); }) == "grad: the value of square needs no gradient");
  CHECK(same_bits(learned.grad(), b.grad));
  CHECK(same_bits(w.grad, Matrix::Zero(2, 3)));
  CHECK_FALSE(tape.entry(0).grad.has_value());
}

TEST_CASE("a tape without gradients computes values and keeps nothing else") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  // How far apart the values of consecutive ops lie: a pullback that is kept lies in between.
  auto distance = [&](Tape& tape) {
    const Var x = square(tape.leaf(p)), y = square(x);
    return reinterpret_cast<const char*>(y.value().data()) - reinterpret_cast<const char*>(x.value().data());
  };
  Tape recording, tape(Tape::Gradients::none);
  const Var first = tape.constant(2, 2), second = tape.constant(2, 2);
  const auto nothing_between =
      reinterpret_cast<const char*>(second.value().data()) - reinterpret_cast<const char*>(first.value().data());
  CHECK(distance(tape) == nothing_between);
  CHECK(distance(recording) > nothing_between);

  p.value(0, 1) = 3;
  const Var y = square(tape.leaf(p)), loss = sum(y);
  CHECK(y.value()(0, 1) == 9);
  CHECK(contains(error_of([&] { tape.backward(loss); }), "records no gradients"));
  CHECK(contains(error_of([&] { y.grad(); }), "square needs no gradient"));
  CHECK(same_bits(p.grad, Matrix::Zero(2, 2)));
}

TEST_CASE("what an arena hands out is aligned, apart, and at the same place the next time") {
  Arena arena;
  std::vector<const real*> first;
  for (int i = 0; i < 8; ++i) {
    MatrixMap m = arena.matrix(31, 33);
    m.setConstant(static_cast<real>(i));
    first.push_back(m.data());
  }
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(reinterpret_cast<std::uintptr_t>(first[i]) % 64 == 0);
    CHECK(View(first[i], 31, 33).cwiseEqual(static_cast<real>(i)).all());
  }
  // A matrix larger than any block, between small ones, comes back at the same address too.
  Arena mixed;
  std::vector<const real*> round[2];
  for (auto& addresses : round) {
    mixed.clear();
    for (const Index rows : {1, 3000, 2, 2000, 1}) addresses.push_back(mixed.matrix(rows, 200).data());
  }
  CHECK(round[0] == round[1]);
}

TEST_CASE("a copied parameter owns its numbers") {
  Parameter p = parameter(Matrix::Ones(64, 64));
  Parameter q = p;
  q.value(0, 0) = 5;
  q.grad(0, 0) = 7;
  CHECK(p.value(0, 0) == 1);
  CHECK(p.grad(0, 0) == 0);
  p = q;
  CHECK(p.value(0, 0) == 5);
  CHECK(p.value.data() != q.value.data());
}

// ---- Fused against composed ----------------------------------------------------------------------------------------

// Values and all gradients agree to kTolerance times `scale` or the largest entry.
void check_equal(const Result& a, const Result& b, double scale) {
  CHECK(max_difference(a.value, b.value) <= kTolerance * std::max(1.0, max_abs(b.value)));
  REQUIRE(a.gradients.size() == b.gradients.size());
  for (std::size_t k = 0; k < a.gradients.size(); ++k) {
    INFO("gradient of input " << k);
    CHECK(max_abs(b.gradients[k]) > 0);  // two gradients of zero agree too easily
    CHECK(max_difference(a.gradients[k], b.gradients[k]) <= kTolerance * std::max(scale, max_abs(b.gradients[k])));
  }
}

// [LIN-1] [LIN-2]
TEST_CASE("linear and linear_composed agree") {
  std::uint64_t number = 0;
  for (const auto& [n, in, out] : {std::array<Index, 3>{1, 1, 1}, {7, 5, 3}, {33, 64, 17}, {64, 100, 10}}) {
    Random random = test_random(number++);
    const std::vector<Matrix> inputs{random_matrix(random, n, in), random_matrix(random, out, in),
                                     random_matrix(random, 1, out)};
    const Matrix upstream = random_matrix(random, n, out);
    const Result composed = run([](In x) { return linear_composed(x[0], x[1], x[2]); }, inputs, upstream);
    check_equal(run([](In x) { return linear(x[0], x[1], x[2]); }, inputs, upstream), composed, 1);

    const std::vector<Matrix> without(inputs.begin(), inputs.begin() + 2);
    const Result product = run([](In x) { return matmul(x[0], transpose(x[1])); }, without, upstream);
    check_equal(run([](In x) { return linear(x[0], x[1]); }, without, upstream), product, 1);
  }
}

TEST_CASE("linear is the same whether or not it knows its input's background") {
  Random random = test_random(7);
  const Index n = 37, in = 100, out = 70;
  Matrix images = Matrix::Constant(n, in, -0.4);
  for (Index i = 0; i < images.size(); ++i) {
    if (random.below(5) == 0) images.data()[i] = random.normal();
  }
  const std::vector<Matrix> inputs{random_matrix(random, out, in), random_matrix(random, 1, out)};
  const Matrix upstream = random_matrix(random, n, out);
  const auto with = [&](std::optional<real> background, bool bias) {
    const std::vector<Matrix> used(inputs.begin(), inputs.begin() + (bias ? 2 : 1));
    return run(
        [&](In x) {
          const Var image = x[0].tape().constant(n, in, background);
          image.mutable_value() = images;
          return bias ? linear(image, x[0], x[1]) : linear(image, x[0]);
        },
        used, upstream);
  };
  for (const bool bias : {false, true}) check_equal(with(-0.4, bias), with({}, bias), 1);
}

TEST_CASE("layer_norm and layer_norm_composed agree") {
  std::uint64_t number = 0;
  for (const auto& [n, c] : {std::pair<Index, Index>{1, 2}, {5, 3}, {33, 17}, {16, 100}}) {
    Random random = test_random(number++);
    const std::vector<Matrix> inputs{random_matrix(random, n, c), random_matrix(random, 1, c),
                                     random_matrix(random, 1, c)};
    const Matrix upstream = random_matrix(random, n, c);
    double scale = 0;  // max|gamma| / s max|g|
    for (Index i = 0; i < n; ++i) {
      const auto row = inputs[0].row(i).array();
      scale = std::max(scale, 1 / std::sqrt(static_cast<double>((row - row.mean()).square().mean() + kEps)));
    }
    scale *= max_abs(inputs[1]) * max_abs(upstream);
    check_equal(run([](In x) { return layer_norm(x[0], x[1], x[2], kEps); }, inputs, upstream),
                run([](In x) { return layer_norm_composed(x[0], x[1], x[2], kEps); }, inputs, upstream), scale);
  }
}

// [CE-3]
TEST_CASE("softmax_cross_entropy and softmax_cross_entropy_composed agree") {
  std::uint64_t number = 0;
  for (const auto& [n, k] : {std::pair<Index, Index>{1, 2}, {5, 3}, {33, 10}, {16, 100}}) {
    Random random = test_random(number++);
    std::vector<int> labels;
    for (Index i = 0; i < n; ++i) labels.push_back(static_cast<int>(random.below(static_cast<std::uint32_t>(k))));
    const std::vector<Matrix> logits{3 * random_matrix(random, n, k)};
    const Matrix upstream = Matrix::Constant(1, 1, real{-1.3});
    check_equal(run([&](In x) { return softmax_cross_entropy(x[0], labels); }, logits, upstream),
                run([&](In x) { return softmax_cross_entropy_composed(x[0], labels); }, logits, upstream), 0);
  }
}

struct BatchNormInputs {
  std::vector<Matrix> inputs;  // x, gamma, beta
  Matrix upstream;
  Matrix slope;  // |gamma| / s of each column
};

BatchNormInputs batch_norm_inputs(Index n, Index c, std::uint64_t number) {
  Random random = test_random(number);
  BatchNormInputs in{{random_matrix(random, n, c), random_matrix(random, 1, c), random_matrix(random, 1, c)},
                     random_matrix(random, n, c),
                     Matrix(1, c)};
  for (Index j = 0; j < c; ++j) {
    const auto column = in.inputs[0].col(j).array();
    const real variance = (column - column.mean()).square().mean();
    in.slope(0, j) = std::abs(in.inputs[1](0, j)) / std::sqrt(variance + kEps);
  }
  return in;
}

Result run_batch_norm(BatchNormOp op, const BatchNormInputs& in) {
  return run([op](In x) { return op(x[0], x[1], x[2], kEps).y; }, in.inputs, in.upstream);
}

TEST_CASE("batch_norm and batch_norm_composed agree, per feature [BN-1] [BN-2] [BN-3] [BN-4] [BN-7] [BN-8] [BN-9]") {
  std::uint64_t number = 0;
  for (const Shape& shape : {Shape{2, 5}, Shape{3, 7}, Shape{60, 19}, Shape{128, 3}}) {
    const Index n = shape.rows, c = shape.cols;
    const BatchNormInputs in = batch_norm_inputs(n, c, number++);
    const Result fused = run_batch_norm(batch_norm, in), composed = run_batch_norm(batch_norm_composed, in);
    check_equal(fused, composed, (in.slope * max_abs(in.upstream)).maxCoeff());
    for (Index j = 0; j < c; ++j) {
      INFO("N = " << n << ", feature " << j);
      const Matrix a = fused.gradients[0].col(j), b = composed.gradients[0].col(j), g = in.upstream.col(j);
      const double scale = std::max(max_abs(b), static_cast<double>(in.slope(0, j)) * max_abs(g));
      CHECK(max_difference(a, b) <= kTolerance * scale);
    }

    Tape tape;
    const Var x = tape.constant(in.inputs[0]), gamma = tape.constant(in.inputs[1]), beta = tape.constant(in.inputs[2]);
    const BatchNormResult one = batch_norm(x, gamma, beta, kEps), two = batch_norm_composed(x, gamma, beta, kEps);
    const BatchNormResult three = batch_norm_diagonal_gradient(x, gamma, beta, kEps);
    CHECK(max_difference(one.mean, two.mean) <= kTolerance);
    CHECK(max_difference(one.variance, two.variance) <= kTolerance * std::max(1.0, max_abs(two.variance)));
    CHECK(same_bits(one.y.value(), three.y.value()));
    CHECK(same_bits(one.mean, three.mean));
    CHECK(same_bits(one.variance, three.variance));
    // Against the definitions, not only against each other:
    const Matrix mean = in.inputs[0].colwise().mean();
    const Matrix variance = (in.inputs[0].rowwise() - mean.row(0)).array().square().colwise().mean();
    CHECK(max_difference(one.mean, mean) <= kTolerance);
    CHECK(max_difference(one.variance, variance) <= kTolerance * std::max(1.0, max_abs(variance)));
  }
}

TEST_CASE(
    "the gradients that batch normalization passes on cancel over the batch; the diagonal formula's do not [BIAS-2]") {
  std::uint64_t number = 10;
  for (const Index n : {3, 4, 60, 128}) {
    const BatchNormInputs in = batch_norm_inputs(n, 6, number++);
    auto imbalance = [&](BatchNormOp op, Index j) {
      const Matrix dx = run_batch_norm(op, in).gradients[0];
      const double sum_g = static_cast<double>(in.upstream.col(j).cwiseAbs().sum());
      return std::abs(static_cast<double>(dx.col(j).sum())) / (static_cast<double>(in.slope(0, j)) * sum_g);
    };
    double diagonal = 0;
    for (Index j = 0; j < 6; ++j) {
      INFO("N = " << n << ", feature " << j);
      CHECK(imbalance(batch_norm, j) <= (kDouble ? 1e-12 : 1e-5));
      CHECK(imbalance(batch_norm_composed, j) <= (kDouble ? 1e-12 : 1e-5));
      diagonal = std::max(diagonal, imbalance(batch_norm_diagonal_gradient, j));
    }
    CHECK(diagonal > 1e-2);
  }
}

TEST_CASE("batch normalization of a constant column is exactly beta, with finite gradients") {
  for (const Index n : {1, 2, 3, 10, 97}) {
    for (const double constant : {0.0, 0.1, -7.3e3, 1e4, 1.0 / 3}) {
      INFO("N = " << n << ", constant " << constant);
      BatchNormInputs in = batch_norm_inputs(n, 4, 20);
      in.inputs[0].col(2).setConstant(static_cast<real>(constant));
      for (const BatchNormOp op : {batch_norm, batch_norm_diagonal_gradient}) {
        const Result result = run_batch_norm(op, in);
        CHECK((result.value.col(2).array() == in.inputs[2](0, 2)).all());
        for (const Matrix& gradient : result.gradients) CHECK(gradient.allFinite());
        CHECK(result.gradients[1](0, 2) == 0);
      }
    }
  }
}

// ---- The gradient checker ------------------------------------------------------------------------------------------

// y = 3 a, with the derivative `slope`.
Var times_three(Var a, real slope) {
  Var y = Tape::record("times_three", {a}, a.rows(), a.cols());
  y.set([](auto a) { return 3 * a; }, a);
  return y.pullback([=](View g) { a.add_grad([=](auto g) { return slope * g; }, g); });
}

// [GC-1] [GC-2]
TEST_CASE("check_gradients finds a wrong derivative and says where") {
  Random random = test_random();
  const std::vector<Buffer> inputs{random_matrix(random, 2, 3), random_matrix(random, 2, 3)};
  const double right = kDouble ? 1e-9 : 0.05;  // in float differences are mostly rounding
  auto check = [&](const Differentiable& f, double floor = 1) { return check_gradients(f, inputs, random, floor); };

  CHECK(check([](Tape&, In x) { return add(x[0], times_three(x[1], 3)); }).relative <= right);
  const GradientError wrong = check([](Tape&, In x) { return add(x[0], times_three(x[1], real{3.5})); });
  CHECK(wrong.relative == doctest::Approx(0.5 / 3).epsilon(0.02));  // of the largest numeric entry
  CHECK(wrong.absolute >= 0.49);
  CHECK(contains(wrong.worst, "input 1"));
  CHECK(contains(wrong.worst, "analytic "));
  CHECK(contains(wrong.worst, "numeric "));
  CHECK(check([](Tape&, In x) { return add(x[0], times_three(x[1], real{3.5})); }, 1e3).relative < 0.01);  // the floor
  const GradientError infinite = check([](Tape&, In x) { return add(x[0], times_three(x[1], kNan)); });
  CHECK(!(infinite.relative <= 1e-6));
  CHECK(!infinite.worst.empty());
  // No difference of values that are not finite says anything.
  const GradientError undefined = check([](Tape&, In x) { return log(sub(x[0], x[0])); });
  CHECK(!(undefined.relative <= 1e-6));
  CHECK(!undefined.worst.empty());
}

}  // namespace
}  // namespace tare
