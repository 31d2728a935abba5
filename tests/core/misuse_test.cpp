// Whoever writes an op outside of core meets the same checks as the ops inside: every wrong shape and size is an
// Error that names it, and nothing is read or written out of bounds (which the build with the address sanitizer would
// report).
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include <tare/core/tools/inspect.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace TARE_NAMESPACE {
namespace {

constexpr Index kHuge = std::numeric_limits<Index>::max() / 2;
const std::vector<Shape> kNoShapes{{-1, 3}, {3, -1}, {kHuge, kHuge}, {kHuge / 1000, kHuge / 1000}};

// y = the formula of a and b, with the result's shape; the pullback adds b's gradient to a's and a product to b's.
template <class Formula>
Var own_op(Var a, Var b, Shape result, const Formula& formula) {
  Var y = Tape::record("own_op", {a, b}, result.rows, result.cols);
  y.set(formula, a, b);
  return y;
}

const auto sum_of_both = [](auto a, auto b) { return a + b; };

TEST_CASE("an op of one's own whose operands do not fit is an Error that names it") {
  Tape tape;
  const Var x = tape.constant(Matrix::Ones(4, 6)), short_x = tape.constant(Matrix::Ones(3, 6));
  const Var narrow = tape.constant(Matrix::Ones(4, 5)), row = tape.constant(Matrix::Ones(1, 6));
  const auto set = [&](Var a, Var b, Shape result) { return error_of([&] { own_op(a, b, result, sum_of_both); }); };
  CHECK(set(x, row, {4, 6}) == "");
  CHECK(set(x, short_x, {4, 6}) == "own_op: expected operands [4 x 6] or [1 x 6], found [3 x 6]");
  CHECK(set(narrow, x, {4, 6}) == "own_op: expected operands [4 x 6] or [1 x 6], found [4 x 5]");
  CHECK(set(x, x, {5, 6}) == "own_op: expected operands [5 x 6] or [1 x 6], found [4 x 6]");
  CHECK(set(x, x, {4, 7}) == "own_op: expected operands [4 x 7] or [1 x 7], found [4 x 6]");
  CHECK(set(x, x, {1, 6}) == "own_op: expected operands [1 x 6], found [4 x 6]");

  const auto sums = [&](Var a, Var b, Shape result) {
    return error_of([&] { own_op(a, b, result, col_sums(sum_of_both)); });
  };
  CHECK(sums(x, row, {1, 6}) == "");
  CHECK(sums(row, x, {1, 6}) == "");
  CHECK(contains(sums(x, short_x, {1, 6}), "own_op: expected operands [4 x 6] or [1 x 6], found [3 x 6]"));
  CHECK(contains(sums(x, narrow, {1, 6}), "found [4 x 5]"));
  CHECK(sums(x, x, {2, 6}) == "own_op: expected one row for column sums, found [2 x 6]");

  const auto product = [&](Var a, Var b, Shape result) {
    return error_of([&] {
      Var y = Tape::record("own_product", {a, b}, result.rows, result.cols);
      y.set(a.value() * b.value());
      y.add(a.value() * b.value());
    });
  };
  const Var tall = tape.constant(Matrix::Ones(6, 2));
  CHECK(product(x, tall, {4, 2}) == "");
  CHECK(product(x, x, {4, 6}) == "own_product: expected factors whose product is [4 x 6], found [4 x 6] and [4 x 6]");
  CHECK(contains(product(x, tall, {4, 3}), "[4 x 3], found [4 x 6] and [6 x 2]"));
  CHECK(contains(product(x, tall, {5, 2}), "[5 x 2], found [4 x 6] and [6 x 2]"));

  // What a formula returns has a width, too.
  const Eigen::Array<real, 1, Eigen::Dynamic> five = Eigen::Array<real, 1, Eigen::Dynamic>::Ones(5);
  const auto five_wide = [&](auto, auto) { return ConstRow(five.data(), 5); };
  CHECK(error_of([&] { own_op(x, x, {4, 6}, five_wide); }) == "own_op: expected a formula of 6 numbers a row, found 5");
  CHECK(contains(error_of([&] { own_op(x, x, {1, 6}, col_sums(five_wide)); }), "6 numbers a row, found 5"));

  Scratch scratch = tape.scratch(4, 6);
  CHECK(error_of([&] { scratch.set([](auto a) { return a; }, narrow); }) ==
        "scratch: expected operands [4 x 6] or [1 x 6], found [4 x 5]");
}

TEST_CASE("so is a pullback whose gradients do not fit") {
  Parameter p = parameter(Matrix::Ones(4, 6));
  const auto backward = [&](const auto& pull) {
    Tape tape;
    const Var x = tape.leaf(p);
    Var y = Tape::record("own_op", {x}, 4, 6);
    y.set([](auto x) { return x; }, x);
    y.pullback([=](View g) { pull(x, g); });
    return error_of([&] { tape.backward(sum(y)); });
  };
  CHECK(backward([](Var x, View g) { x.add_grad([](auto g) { return g; }, g); }) == "");
  CHECK(backward([](Var x, View g) { x.add_grad([](auto g) { return g; }, View(g.data(), 3, 6)); }) ==
        "leaf: expected operands [4 x 6] or [1 x 6], found [3 x 6]");
  CHECK(contains(backward([](Var x, View g) { x.add_grad(col_sums([](auto g) { return g; }), g); }),
                 "expected one row for column sums, found [4 x 6]"));
  CHECK(contains(backward([](Var x, View g) { x.add_grad(g * x.value()); }), "whose product is [4 x 6]"));
  CHECK(contains(backward([](Var x, View g) { x.add_grad(g.transpose() * x.value()); }), "[6 x 4] and [4 x 6]"));
}

TEST_CASE("a product is not written over its factors") {
  Tape tape;
  const Var x = tape.constant(Matrix::Ones(4, 4));
  CHECK(error_of([&] { x.set(x.value() * x.value()); }) ==
        "constant: a product [4 x 4] [4 x 4] cannot be written over one of its factors");
}

TEST_CASE("a product is written as in mathematics") {
  Random random(6, Random::Stream{4});
  const Matrix a = random_matrix(random, 3, 5), b = random_matrix(random, 5, 2);
  Tape tape;
  const Var y = tape.constant(3, 2), transposed = tape.constant(2, 3);
  y.set(tape.constant(a).value() * tape.constant(b).value());
  transposed.set(View(b).transpose() * View(a).transpose());
  CHECK(max_difference(y.value(), a * b) <= 1e-5);
  CHECK(max_difference(transposed.value(), (a * b).eval().transpose()) <= 1e-5);
}

TEST_CASE("what a formula throws, on whatever thread, arrives where the op was called") {
  Workers workers(3);
  Tape tape(workers);
  const Var x = tape.constant(Matrix::Ones(1000, 1000));
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto throws = [](auto x) {
      if (x.size() > 0) throw std::runtime_error("from a formula");
      return x;
    };
    Var y = Tape::record("own_op", {x}, 1000, 1000), sums = Tape::record("own_op", {x}, 1, 1000);
    CHECK_THROWS_WITH(y.set(throws, x), "from a formula");
    CHECK_THROWS_WITH(sums.set(col_sums(throws), x), "from a formula");
    y.set([](auto x) { return 2 * x; }, x);  // the workers go on working
    CHECK(y.value().cwiseEqual(2).all());
  }
}

TEST_CASE("a formula that returns an expression of its own array is told apart") {
  using Array = Eigen::Array<real, 1, Eigen::Dynamic>;
  const Array own(3);
  const ConstRow row(own.data(), 3);
  CHECK(detail::refers_to_array<decltype(2 * own)>);
  CHECK(detail::refers_to_array<decltype(row + own)>);
  CHECK(detail::refers_to_array<decltype((row > real{0}).select(own, row))>);
  CHECK(detail::refers_to_array<decltype((row + own).sqrt() * row)>);
  CHECK_FALSE(detail::refers_to_array<decltype(2 * row + row)>);
  CHECK_FALSE(detail::refers_to_array<decltype((row > real{0}).select(row, ConstRow::Constant(3, 1)))>);
  CHECK_FALSE(detail::refers_to_array<decltype((row * row).sqrt() / 3)>);
  CHECK_FALSE(detail::refers_to_array<ConstRow>);
}

TEST_CASE("only what an op records can be written, not a leaf") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  const Var leaf = tape.leaf(p);
  const std::string refused = "parameter: a leaf is its parameter's value, which no op may write";
  CHECK(error_of([&] { leaf.set([] { return 7; }); }) == refused);
  CHECK(error_of([&] { leaf.set(leaf.value() * leaf.value()); }) == refused);
  CHECK(error_of([&] { leaf.add(leaf.value() * leaf.value()); }) == refused);
  CHECK(error_of([&] { leaf.mutable_value(); }) == refused);
  CHECK(same_bits(p.value, Matrix::Ones(2, 2)));
}

TEST_CASE("an op has one pullback, which is recorded last") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  const Var leaf = tape.leaf(p), constant = tape.constant(Matrix::Ones(2, 2)), y = square(leaf);
  const auto pullback = [=](View g) { leaf.add_grad([](auto g) { return g; }, g); };
  CHECK(error_of([&] { y.pullback(pullback); }) == "square: expected one pullback, found a second");
  CHECK(error_of([&] { leaf.pullback(pullback); }) == "leaf: a pullback needs an operand");
  CHECK(error_of([&] { constant.pullback(pullback); }) == "constant: a pullback needs an operand");
  const std::string refused = "square: written after its pullback was recorded";
  CHECK(error_of([&] { y.set([] { return 7; }); }) == refused);
  CHECK(error_of([&] { y.set(leaf.value() * leaf.value()); }) == refused);
  CHECK(error_of([&] { y.add(leaf.value() * leaf.value()); }) == refused);
  CHECK(error_of([&] { y.mutable_value(); }) == refused);
  tape.backward(sum(y));
  CHECK(p.grad.cwiseEqual(2).all());
  CHECK(error_of([&] { tape.entry(tape.size()); }) == "entry: expected a place below 4, found 4");
}

TEST_CASE("record without operands, and shapes that are none") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  const Var x = tape.leaf(p);
  CHECK(error_of([&] { Tape::record("none", {}, 1, 1); }) == "none: expected 1 to 3 operands, found 0");
  for (const Shape s : kNoShapes) {
    CAPTURE(fmt::format("{}", s));
    const std::string shape = fmt::format("{}", s);
    CHECK(contains(error_of([&] { Tape::record("own_op", {x}, s.rows, s.cols); }), "own_op: "));
    CHECK(contains(error_of([&] { Tape::record("own_op", {x}, s.rows, s.cols); }), shape));
    CHECK(contains(error_of([&] { tape.constant(s.rows, s.cols); }), shape));
    CHECK(contains(error_of([&] { tape.scratch(s.rows, s.cols); }), shape));
    CHECK(contains(error_of([&] { Parameter("w", s.rows, s.cols); }), shape));
    CHECK(contains(error_of([&] { Buffer(s.rows, s.cols); }), shape));
  }
  CHECK(contains(error_of([] { Parameter("w", 0, 3); }), "w: "));
  CHECK(tape.size() == 1);  // nothing that was refused is on it
}

TEST_CASE("assigning a matrix of another shape is an Error") {
  Parameter p = parameter(Matrix::Ones(2, 3));
  CHECK(error_of([&] { p.value = Matrix::Ones(3, 2); }) == "expected a matrix [2 x 3] to copy, found [3 x 2]");
  CHECK(contains(error_of([&] { p.value = Parameter("q", 1, 3).value; }), "found [1 x 3]"));
  Tape tape;
  Scratch scratch = tape.scratch(2, 3);
  CHECK(contains(error_of([&] { scratch = p.value.transpose(); }), "found [3 x 2]"));
  const Var x = tape.constant(2, 3);
  CHECK(contains(error_of([&] { x.mutable_value() = Matrix::Ones(2, 4); }), "found [2 x 4]"));
  CHECK(same_bits(p.value, Matrix::Ones(2, 3)));
}

TEST_CASE("a loss keeps its labels: temporaries, and two batches on one tape") {
  Random random(6, Random::Stream{4}, 1);
  Parameter p = parameter(random_matrix(random, 3, 4)), q = p;
  std::vector<int> reused{0, 1, 2};
  Tape tape;
  const Var first = softmax_cross_entropy(tape.leaf(p), reused);
  reused = {3, 3, 3};
  const Var second = softmax_cross_entropy(tape.leaf(p), std::vector<int>{3, 3, 3});
  tape.backward(add(first, second));

  for (const std::vector<int>& labels : {std::vector<int>{0, 1, 2}, {3, 3, 3}}) {
    Tape alone;
    alone.backward(softmax_cross_entropy(alone.leaf(q), labels));
  }
  CHECK(max_difference(p.grad, q.grad) <= 1e-6);
}

TEST_CASE("counting correct predictions checks its labels") {
  const Matrix logits = Matrix::Zero(2, 3);
  CHECK(count_correct(logits, std::vector<int>{0, 1}) == 1);
  CHECK(contains(error_of([&] { count_correct(logits, std::vector<int>{0}); }), "found 1 labels"));
  CHECK(contains(error_of([&] { count_correct(logits, std::vector<int>{0, 3}); }), "found 3 in row 1"));
  CHECK(contains(error_of([&] { predicted_class(logits, 2); }), "[2 x 3]"));
  CHECK(contains(error_of([&] { predicted_class(Matrix(2, 0), 0); }), "[2 x 0]"));
}

TEST_CASE("a tape with empty values can be looked at") {
  Parameter p = parameter(Matrix::Ones(1, 3));
  Tape tape;
  tape.backward(sum(add_row(tape.constant(0, 3), tape.leaf(p))));
  CHECK(contains(tape_table(tape), "[0 x 3]"));
  CHECK(contains(tape_graph(tape), "[0 x 3]"));
  CHECK(contains(tape_table(tape, 2), "[0 x 3]"));
  CHECK(contains(tape_table(tape, 1, 1), " 1 .."));  // one number in any case
  CHECK_FALSE(contains(tape_table(tape, 2, 200), ".."));
  CHECK(error_of([&] { tape_table(tape, 0); }) == "tape_table: rows: expected at least 1, found 0");
}

TEST_CASE("the layers around a layer stay its name's beginning, also after an error") {
  Parameter p = parameter(Matrix::Ones(2, 2));
  Tape tape;
  {
    const Tape::LayerScope outer(tape, 2);
    tape.leaf(p);
    {
      const Tape::LayerScope inner(tape, 0);
      tape.leaf(p);
    }
    const Tape::LayerScope next(tape, 10);
    tape.leaf(p);
  }
  CHECK(!error_of([&] {
           const Tape::LayerScope scope(tape, 7);
           throw Error("in a layer");
         }).empty());
  tape.leaf(p);
  const std::vector<std::string> expected{"2", "2.0", "2.10", ""};
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(tape.entry(i).layer == expected[i]);
  CHECK(entry_name(tape.entry(1)) == "2.0.parameter");
}

std::size_t resident_bytes() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * 4096;
}

TEST_CASE("steps that grow need no more than four times the memory of the largest") {
  constexpr Index kSteps = 200, kRows = 100;
  const std::size_t before = resident_bytes();
  Arena arena;
  for (Index step = 1; step <= kSteps; ++step) {
    arena.clear();
    for (int i = 0; i < 3; ++i) arena.matrix(kRows, 100 * step).setOnes();
  }
  const double largest = 3.0 * sizeof(real) * kRows * 100 * kSteps;
  CHECK(static_cast<double>(resident_bytes() - before) <= 4 * largest);
}

#ifndef NDEBUG
TEST_CASE("in debug builds, what is used too late is an error") {
  Parameter p = parameter(Matrix::Ones(2, 3));
  SUBCASE("a View after clear()") {
    Tape tape;
    tape.constant(10, 30);
    const View kept = tape.constant(p.value).value();
    tape.clear();
    const Var y = tape.constant(2, 3);  // in the memory before it
    const std::string cleared = "a View was used after its tape was cleared";
    CHECK(error_of([&] { y.set([](auto v) { return v; }, kept); }) == cleared);
    CHECK(error_of([&] { y.set(kept * View(p.value)); }) == cleared);
    CHECK(error_of([&] { y.add(View(p.value) * kept.transpose()); }) == cleared);
  }
  SUBCASE("a Var after the end of its tape") {
    std::optional<Tape> tape(std::in_place);
    const Var x = tape->leaf(p);
    tape.reset();
    const std::string ended = "a Var was used after the end of its tape";
    CHECK(error_of([&] { x.value(); }) == ended);
    CHECK(error_of([&] { square(x); }) == ended);
    CHECK(error_of([&] { x.grad(); }) == ended);
    // Not even when another tape lies in the same place.
    tape.emplace();
    tape->leaf(p);
    CHECK(error_of([&] { x.value(); }) == "a Var was used after its tape was cleared");
  }
}
#endif

}  // namespace
}  // namespace TARE_NAMESPACE
