// What networks and losses are written with: operators beside the named ops, and the ops that only programs outside of
// core use. Their derivatives are in the op table; here are their values, and what they refuse.
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tare {
namespace {

Matrix rows(std::initializer_list<std::initializer_list<real>> numbers) {
  Matrix m(std::ssize(numbers), std::ssize(*numbers.begin()));
  Index i = 0;
  for (const auto& row : numbers) {
    Index j = 0;
    for (const real x : row) m(i, j++) = x;
    ++i;
  }
  return m;
}

TEST_CASE("an operator is the op that has its name") {
  Random random(3);
  Tape tape;
  const Var a = tape.constant(random_matrix(random, 3, 4)), b = tape.constant(random_matrix(random, 3, 4));
  CHECK(same_bits((a + b).value(), add(a, b).value()));
  CHECK(same_bits((a - b).value(), sub(a, b).value()));
  CHECK(same_bits((a * b).value(), mul(a, b).value()));
  CHECK(same_bits((a / b).value(), div(a, b).value()));
  const real c = real{2.5};
  const Matrix x = a.value();
  CHECK(same_bits((a + c).value(), x.array() + c));
  CHECK(same_bits((c + a).value(), x.array() + c));
  CHECK(same_bits((a - c).value(), x.array() - c));
  CHECK(same_bits((c - a).value(), c - x.array()));
  CHECK(same_bits((-a).value(), -x));
  CHECK(same_bits((a * c).value(), c * x));
  CHECK(same_bits((c * a).value(), c * x));
  CHECK(max_difference((a / c).value(), x / c) <= 1e-15);
}

TEST_CASE("the values of the ops that only programs use") {
  Tape tape;
  const Var a = tape.constant(rows({{1, -2, 3}, {4, 5, -6}})), b = tape.constant(rows({{2, 4, 3}, {-8, 1, 2}}));
  CHECK(same_bits(div(a, b).value(), rows({{0.5, -0.5, 1}, {-0.5, 5, -3}})));
  CHECK(same_bits(max(a, b).value(), rows({{2, 4, 3}, {4, 5, 2}})));
  CHECK(same_bits(row_sum(a).value(), rows({{2}, {3}})));
  CHECK(same_bits(concat_cols(a, b).value(), rows({{1, -2, 3, 2, 4, 3}, {4, 5, -6, -8, 1, 2}})));
  CHECK(same_bits(slice_cols(a, 1, 2).value(), rows({{-2, 3}, {5, -6}})));
  CHECK(slice_cols(a, 3, 0).cols() == 0);
  CHECK(mse(a, b).item() == doctest::Approx((1 + 36 + 0 + 144 + 16 + 64) / 6.0));
  // e^0 : e^log2 : e^log5
  const Matrix p = softmax(tape.constant(rows({{0, std::log(real{2}), std::log(real{5})}}))).value();
  CHECK(max_difference(p, rows({{0.125, 0.25, 0.625}})) <= 1e-15);
  const Matrix far = softmax(tape.constant(rows({{1e4, 0, -1e4}, {-1e4, -1e4, -1e4}}))).value();
  CHECK(max_difference(far, rows({{1, 0, 0}, {1 / real{3}, 1 / real{3}, 1 / real{3}}})) <= 1e-15);
}

TEST_CASE("max: where both are equal, the gradient is the first one's") {
  Parameter a = parameter(rows({{1, 2}})), b = parameter(rows({{1, 3}}));
  Tape tape;
  tape.backward(sum(max(tape.leaf(a), tape.leaf(b))));
  CHECK(same_bits(a.grad, rows({{1, 0}})));
  CHECK(same_bits(b.grad, rows({{0, 1}})));
}

TEST_CASE("shapes that do not fit are an Error that names the op") {
  Tape tape;
  const Var a = tape.constant(Matrix::Ones(2, 3)), b = tape.constant(Matrix::Ones(3, 2));
  CHECK(error_of([&] { a + b; }) == "add: expected two equal shapes, found [2 x 3] and [3 x 2]");
  CHECK(error_of([&] { a / b; }) == "div: expected two equal shapes, found [2 x 3] and [3 x 2]");
  CHECK(error_of([&] { max(a, b); }) == "max: expected two equal shapes, found [2 x 3] and [3 x 2]");
  CHECK(error_of([&] { mse(a, b); }) == "mse: expected two equal shapes, found [2 x 3] and [3 x 2]");
  CHECK(error_of([&] { concat_cols(a, b); }) == "concat_cols: expected [N x C] and [N x D], found [2 x 3] and [3 x 2]");
  for (const Index begin : {Index{-1}, Index{4}}) {
    CHECK(contains(error_of([&] { slice_cols(a, begin, 1); }), fmt::format("slice_cols: begin: expected a column of "
                                                                           "the operand, found {}",
                                                                           begin)));
  }
  for (const Index size : {Index{-1}, Index{3}, std::numeric_limits<Index>::max()}) {
    CHECK(contains(error_of([&] { slice_cols(a, 1, size); }), "slice_cols: size: expected no more columns"));
  }
  CHECK(contains(error_of([&] { softmax(tape.constant(2, 0)); }), "softmax: expected at least one row and column"));
}

TEST_CASE("item is the number of a [1 x 1] value, and of no other") {
  Tape tape;
  CHECK(sum(tape.constant(rows({{1, 2, 4}}))).item() == 7);
  CHECK(error_of([&] { tape.constant(rows({{1, 2}})).item(); }) == "item: expected a [1 x 1] value, found [1 x 2]");
}

TEST_CASE("a program's own streams are none of the library's") {
  for (const auto stream : {Random::Stream::init, Random::Stream::order, Random::Stream::dropout, Random::Stream::check,
                            Random::Stream::digits, Random::Stream::toys, Random::Stream::split}) {
    CHECK(Random(1).bits() != Random(1, stream).bits());
    CHECK(static_cast<std::uint64_t>(stream) < 1000);
  }
  CHECK(Random(1).bits() == Random(1, Random::Stream{1000}).bits());
}

}  // namespace
}  // namespace tare
