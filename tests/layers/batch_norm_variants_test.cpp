// BatchNorm with parts left out, and in pieces of the batch; in double.
#include <tare/apps/train/batch_norm_variants.h>
#include <tare/core/tools/gradcheck.h>
#include <tare/layers/linear.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

namespace tare {
namespace {

constexpr real kEps = 1e-5;

Random test_random(std::uint64_t number = 0) { return Random(15, Random::Stream{4}, number); }

const std::vector<std::pair<std::string, BatchNormOp>> kOps{{"mean only", batch_norm_mean_only},
                                                            {"variance only", batch_norm_variance_only},
                                                            {"neither", batch_norm_neither},
                                                            {"both", batch_norm}};

// With numbers that no constructor sets.
BatchNorm used_norm(Index features, BatchNormOp op, Random& random, double momentum = 0.1) {
  BatchNorm norm({.features = features, .op = op, .momentum = momentum});
  for (MatrixMap m : {MatrixMap(norm.gamma.value), MatrixMap(norm.beta.value), MatrixMap(norm.running_mean)}) {
    m = random_matrix(random, 1, features);
  }
  norm.running_var.array() += random_matrix(random, 1, features).array().square();
  return norm;
}

TEST_CASE("the gradients of BatchNorm without its mean, its variance or both, against central differences") {
  std::uint64_t number = 1;
  for (const auto& op : kOps) {
    CAPTURE(op.first);
    Random random = test_random(number++);
    const std::vector<Buffer> inputs{random_matrix(random, 6, 3), random_matrix(random, 1, 3),
                                     random_matrix(random, 1, 3)};
    const auto f = [&](Tape&, std::span<const Var> in) { return op.second(in[0], in[1], in[2], kEps).y; };
    const GradientError error = check_gradients(f, inputs, random);
    INFO(error.worst);
    CHECK(error.relative <= 1e-6);
  }
}

TEST_CASE("each part does what it says, and reports statistics under which evaluation does it, too") {
  Random random = test_random(10);
  const Matrix x = (random_matrix(random, 8, 2).array() * 3 + 5).matrix(), gamma = random_matrix(random, 1, 2),
               beta = random_matrix(random, 1, 2);
  for (const auto& op : kOps) {
    CAPTURE(op.first);
    Tape tape;
    const BatchNormResult found = op.second(tape.constant(x), tape.constant(gamma), tape.constant(beta), kEps);
    for (Index k = 0; k < 2; ++k) {
      double mean = 0, variance = 0;
      for (Index i = 0; i < 8; ++i) mean += x(i, k) / 8;
      for (Index i = 0; i < 8; ++i) variance += (x(i, k) - mean) * (x(i, k) - mean) / 8;
      const bool subtracts = op.first == "mean only" || op.first == "both";
      const bool divides = op.first == "variance only" || op.first == "both";
      for (Index i = 0; i < 8; ++i) {
        double y = subtracts ? x(i, k) - mean : x(i, k);
        if (divides) y /= std::sqrt(variance + kEps);
        CHECK(found.y.value()(i, k) == doctest::Approx(gamma(0, k) * y + beta(0, k)).epsilon(1e-12));
      }
      CHECK(found.mean(0, k) == doctest::Approx(subtracts ? mean : 0).epsilon(1e-12));
      // Made unbiased and with eps, 1.
      if (!divides) CHECK(found.variance(0, k) * 8 / 7 + kEps == doctest::Approx(1).epsilon(1e-12));
      if (divides) CHECK(found.variance(0, k) == doctest::Approx(variance).epsilon(1e-12));
    }
  }
}

TEST_CASE("the parts that are asked for are the op that does them") {
  CHECK((batch_norm_parts({}) == batch_norm));
  CHECK((batch_norm_parts({.variance = false}) == batch_norm_mean_only));
  CHECK((batch_norm_parts({.mean = false}) == batch_norm_variance_only));
  CHECK((batch_norm_parts({.mean = false, .variance = false}) == batch_norm_neither));
  CHECK((batch_norm_parts({.affine = false}) == batch_norm));
}

TEST_CASE("evaluation after training leaves out what training left out") {
  Random random = test_random(11);
  Matrix x = random_matrix(random, 16, 3);
  x.array() = x.array() * 2 + 0.5;
  const auto evaluated = [&](BatchNormOp op) {
    BatchNorm norm({.features = 3, .op = op});
    for (int step = 0; step < 200; ++step) {
      Tape tape;
      norm.forward(tape.constant(x), Mode::train);
    }
    Tape tape(Tape::Gradients::none);
    struct {
      Matrix y, mean, variance;
    } found{evaluate(norm, tape.constant(x)).value(), norm.running_mean, norm.running_var};
    return found;
  };
  const auto mean_only = evaluated(batch_norm_mean_only), variance_only = evaluated(batch_norm_variance_only);
  CHECK(max_difference(mean_only.mean, x.colwise().mean()) <= 1e-6);
  CHECK(max_difference(mean_only.y, x.rowwise() - mean_only.mean.row(0)) <= 1e-5);
  CHECK(max_abs(variance_only.mean) == 0);
  const Matrix s = (variance_only.variance.array() + kEps).sqrt().matrix();
  CHECK(max_difference(variance_only.y, x.cwiseQuotient(s.replicate(16, 1))) <= 1e-12);
  CHECK(max_difference(evaluated(batch_norm_neither).y, x) <= 1e-5);
}

TEST_CASE("the gradients of BatchNorm in pieces, by x, gamma and beta, against central differences") {
  std::uint64_t number = 20;
  for (const auto& op : kOps) {
    for (const Index piece : {2, 3, 6}) {
      CAPTURE(op.first);
      CAPTURE(piece);
      Random random = test_random(number++);
      Parameter x = parameter(random_matrix(random, 6, 3));
      GhostBatchNorm norm(used_norm(3, op.second, random), piece);
      // Between two samples the Jacobian is almost zero: errors are relative to the scale of a unit of gamma / s.
      double floor = 1;
      for (Index begin = 0; begin < 6 && piece == 2; begin += 2) {
        const Matrix half = (x.value.row(begin) - x.value.row(begin + 1)).cwiseAbs() / 2;
        floor = std::max(floor, (norm.gamma.value.cwiseAbs().array() / half.array()).maxCoeff());
      }
      const auto f = [&](Tape& tape) { return norm.forward(tape.leaf(x), Mode::train); };
      const GradientError error = check_gradients(f, {&x, &norm.gamma, &norm.beta}, random, floor);
      INFO(error.worst);
      CHECK(error.relative <= 1e-6);
    }
  }
}

TEST_CASE("pieces are BatchNorm of each of them, one after the other: outputs, statistics and gradients") {
  std::uint64_t number = 50;
  for (const auto& op : kOps) {
    for (const Index piece : {2, 3, 4, 6, 12}) {
      CAPTURE(op.first);
      CAPTURE(piece);
      Random random = test_random(number++);
      Parameter x = parameter(random_matrix(random, 12, 5));
      const Matrix upstream = random_matrix(random, 12, 5);
      BatchNorm norm = used_norm(5, op.second, random, 0.3);
      norm.num_batches_tracked = 7;
      GhostBatchNorm ghost(norm, piece);
      Tape tape;
      const Var y = ghost.forward(tape.leaf(x), Mode::train);
      const Matrix found = y.value();
      tape.backward(sum(y * tape.constant(upstream)));

      for (Index begin = 0; begin < 12; begin += piece) {
        Parameter part = parameter(x.value.middleRows(begin, piece));
        Tape alone;
        const Var expected = norm.forward(alone.leaf(part), Mode::train);
        CHECK(max_difference(found.middleRows(begin, piece), expected.value()) <= 1e-11);
        alone.backward(sum(expected * alone.constant(upstream.middleRows(begin, piece))));
        CHECK(max_difference(x.grad.middleRows(begin, piece), part.grad) <= 1e-8 * std::max(1.0, max_abs(part.grad)));
      }
      CHECK(max_difference(ghost.gamma.grad, norm.gamma.grad) <= 1e-11);
      CHECK(max_difference(ghost.beta.grad, norm.beta.grad) <= 1e-11);
      CHECK(max_difference(ghost.running_mean, norm.running_mean) <= 1e-13);
      CHECK(max_difference(ghost.running_var, norm.running_var) <= 1e-13);
      CHECK(ghost.num_batches_tracked == norm.num_batches_tracked);
      CHECK(ghost.num_batches_tracked == 7 + 12 / piece);

      // Evaluation knows no pieces, whatever their number.
      Tape evaluation(Tape::Gradients::none);
      const Var some = evaluation.constant(x.value.topRows(7));
      norm.running_mean = ghost.running_mean;
      norm.running_var = ghost.running_var;
      CHECK(same_bits(evaluate(ghost, some).value(), evaluate(norm, some).value()));
      CHECK(ghost.num_batches_tracked == 7 + 12 / piece);
    }
  }
}

TEST_CASE("pieces of a layer that is not affine, and of a copy") {
  Random random = test_random(100);
  const Matrix x = random_matrix(random, 6, 2);
  GhostBatchNorm ghost(BatchNorm({.features = 2, .affine = false}), 3);
  CHECK(ghost.describe() == "BatchNorm(2, not affine) in pieces of 3");
  CHECK(ghost.parameters().empty());
  const std::unique_ptr<Layer> copy = ghost.clone();
  CHECK(copy->describe() == ghost.describe());
  Tape tape;
  const Matrix y = copy->forward(tape.constant(x), Mode::train).value();
  CHECK(same_bits(ghost.forward(tape.constant(x), Mode::train).value(), y));
  for (const Index begin : {0, 3}) {
    CHECK(max_abs(y.middleRows(begin, 3).colwise().mean()) <= 1e-12);
    CHECK(max_difference(y.middleRows(begin, 3).array().square().matrix().colwise().mean(), Matrix::Ones(1, 2)) <=
          1e-3);
  }
}

TEST_CASE("a batch that is no multiple of a piece is an Error, as is a piece of one sample") {
  GhostBatchNorm ghost(BatchNorm({.features = 3}), 4);
  for (const Index samples : {1, 3, 5, 7, 11}) {
    Tape tape;
    CHECK(error_of([&] { ghost.forward(tape.constant(Matrix::Ones(samples, 3)), Mode::train); }) ==
          fmt::format("BatchNorm(3) in pieces of 4: expected a batch that is a multiple of a piece, found {} samples",
                      samples));
  }
  CHECK(ghost.num_batches_tracked == 0);
  for (const Index piece : {1, 0, -2}) {
    const std::string message = error_of([&] { GhostBatchNorm(BatchNorm({.features = 3}), piece); });
    CHECK(contains(message, "GhostBatchNorm: piece: expected at least 2 samples"));
  }
}

TEST_CASE("a bias before it has a gradient of zero, in pieces and by the mean only; not by the variance only") {
  Random random = test_random(101);
  const Matrix x = random_matrix(random, 8, 4), upstream = random_matrix(random, 8, 3);
  Linear linear({.in = 4, .out = 3}, random);
  linear.bias->value = random_matrix(random, 1, 3);
  const auto bias_gradient = [&](Layer& norm) {
    linear.bias->grad.setZero();
    Tape tape;
    const Var y = norm.forward(linear.forward(tape.constant(x), Mode::train), Mode::train);
    tape.backward(sum(y * tape.constant(upstream)));
    return max_abs(linear.bias->grad);
  };
  for (const auto& op : kOps) {
    CAPTURE(op.first);
    BatchNorm norm({.features = 3, .op = op.second});
    GhostBatchNorm ghost(norm, 4);
    for (Layer* layer : std::initializer_list<Layer*>{&norm, &ghost}) {
      if (op.first == "both" || op.first == "mean only") {
        CHECK(bias_gradient(*layer) <= 1e-13);
      } else {
        CHECK(bias_gradient(*layer) > 1e-2);
      }
    }
  }
}

}  // namespace
}  // namespace tare
