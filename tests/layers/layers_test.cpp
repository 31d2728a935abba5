// The layers, Sequential and make_mlp, in double: values, gradients, what each call may change, and copies.
#include <tare/apps/train/diagonal_gradient.h>
#include <tare/core/tools/gradcheck.h>
#include <tare/core/tools/inspect.h>
#include <tare/layers/batch_norm.h>
#include <tare/layers/init.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include <tare/layers/sequential.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace tare {
namespace {

Random test_random(std::uint64_t number = 0) { return Random(5, Random::Stream{4}, number); }

Matrix evaluate(Layer& layer, const Matrix& x, Mode mode) {
  Tape tape;
  return layer.forward(tape.constant(x), mode).value();
}

std::vector<std::string> state_names(Layer& layer) {
  std::vector<std::string> names;
  for (const StateTensor& tensor : layer.state()) names.push_back(tensor.name);
  return names;
}

using Names = std::vector<std::string>;

// Everything that lasts in a layer: its state first, then its gradients.
std::vector<Matrix> snapshot(Layer& layer) {
  std::vector<Matrix> numbers;
  for (const StateTensor& tensor : layer.state()) {
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      numbers.push_back(Matrix::Constant(1, 1, static_cast<real>(**count)));
    } else {
      numbers.emplace_back(std::get<MatrixMap>(tensor.data));
    }
  }
  for (const Parameter* p : layer.parameters()) numbers.emplace_back(p->grad);
  return numbers;
}

bool same(const std::vector<Matrix>& a, const std::vector<Matrix>& b) {
  return std::ranges::equal(a, b, [](const Matrix& x, const Matrix& y) { return same_bits(x, y); });
}

// Gives every number of the snapshot another value.
void disturb(Layer& layer) {
  for (const StateTensor& tensor : layer.state()) {
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      ++**count;
    } else {
      MatrixMap m = std::get<MatrixMap>(tensor.data);
      m.array() += 1;
    }
  }
  for (Parameter* p : layer.parameters()) p->grad.array() += 1;
}

// Numbers that no constructor sets, so that a copy that forgets one shows. Variances stay positive.
void randomize(Layer& layer, Random& random) {
  for (const StateTensor& tensor : layer.state()) {
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
      **count = 1 + random.below(100);
      continue;
    }
    MatrixMap m = std::get<MatrixMap>(tensor.data);
    m = random_matrix(random, m.rows(), m.cols());
    if (tensor.name.ends_with("running_var")) m = m.cwiseAbs().array() + 0.5;
  }
  for (Parameter* p : layer.parameters()) p->grad = random_matrix(random, p->grad.rows(), p->grad.cols());
}

// The layer's derivatives by its input and by each parameter against central differences.
void check_layer(const Layer& layer, const Matrix& x, Mode mode) {
  INFO(layer.describe(), mode == Mode::train ? ", train" : ", eval");
  Random random = test_random(1);
  // Each call gets a copy that starts from the same state, or Dropout would draw another mask. The tape borrows its
  // parameters until the next call.
  std::unique_ptr<Layer> copy;
  const Differentiable f = [&](Tape&, std::span<const Var> in) {
    copy = layer.clone();
    return copy->forward(in[0], mode);
  };
  const GradientError by_input = check_gradients(f, {x}, random);
  CHECK_MESSAGE(by_input.relative <= 1e-6, by_input.worst);

  const Matrix y = evaluate(*layer.clone(), x, mode), upstream = random_matrix(random, y.rows(), y.cols());
  const std::unique_ptr<Layer> analytic = layer.clone();
  for (Parameter* p : analytic->parameters()) p->grad.setZero();
  Tape tape;
  Var out = analytic->forward(tape.constant(x), mode);
  if (!analytic->parameters().empty()) tape.backward(sum(mul(out, tape.constant(upstream))));
  for (std::size_t k = 0; k < analytic->parameters().size(); ++k) {
    const Parameter& p = *analytic->parameters()[k];
    Matrix numeric(p.value.rows(), p.value.cols());
    for (Index e = 0; e < numeric.size(); ++e) {
      const double h = 6e-6;
      auto value_at = [&](double shift) {
        const std::unique_ptr<Layer> shifted = layer.clone();
        shifted->parameters()[k]->value.data()[e] += shift;
        return evaluate(*shifted, x, mode).cwiseProduct(upstream).sum();
      };
      numeric.data()[e] = (value_at(h) - value_at(-h)) / (2 * h);
    }
    CAPTURE(p.name);
    CAPTURE(k);
    CHECK(max_difference(p.grad, numeric) <= 1e-6 * std::max(max_abs(numeric), 1.0));
  }
}

// ---- Linear ---------------------------------------------------------------------------------------------------------

TEST_CASE("Linear is x W' + b") {
  Linear layer({.in = 3, .out = 2});
  CHECK(layer.describe() == "Linear(3, 2)");
  CHECK(max_abs(layer.weight.value) == 0);
  CHECK(max_abs(layer.bias->value) == 0);
  layer.weight.value << 1, 2, 3, 4, 5, 6;
  layer.bias->value << 10, 20;
  Matrix x(2, 3), expected(2, 2);
  x << 1, 0, -1, 2, 1, 1;
  expected << 8, 18, 17, 39;  // 1 - 3 + 10, 4 - 6 + 20;  2 + 2 + 3 + 10, 8 + 5 + 6 + 20
  CHECK(same_bits(evaluate(layer, x, Mode::train), expected));
  CHECK(same_bits(evaluate(layer, x, Mode::eval), expected));

  CHECK(layer.parameters() == Parameters{&layer.weight, &*layer.bias});
  CHECK(state_names(layer) == Names{"weight", "bias"});
  CHECK(layer.state()[0].shape == std::vector<std::int64_t>{2, 3});
  CHECK(layer.state()[1].shape == std::vector<std::int64_t>{2});
}

TEST_CASE("a Linear without bias has none, rather than a zero one") {
  Linear layer({.in = 3, .out = 2, .bias = false});
  CHECK(layer.describe() == "Linear(3, 2, no bias)");
  CHECK_FALSE(layer.bias.has_value());
  CHECK(layer.parameters() == Parameters{&layer.weight});
  CHECK(state_names(layer) == Names{"weight"});
  layer.weight.value << 1, 2, 3, 4, 5, 6;
  Matrix x(1, 3), expected(1, 2);
  x << 1, 0, -1;
  expected << -2, -2;
  CHECK(same_bits(evaluate(layer, x, Mode::train), expected));
}

// ---- BatchNorm ------------------------------------------------------------------------------------------------------

TEST_CASE("BatchNorm's running statistics by hand") {
  BatchNorm layer({.features = 1});
  CHECK(layer.describe() == "BatchNorm(1)");
  CHECK(layer.running_mean(0, 0) == 0);
  CHECK(layer.running_var(0, 0) == 1);
  Matrix x(2, 1);
  x << 1, 3;  // mean 2, variance 2 (unbiased), 1 (biased)
  evaluate(layer, x, Mode::train);
  CHECK(layer.running_mean(0, 0) == doctest::Approx(0.2).epsilon(1e-14));
  CHECK(layer.running_var(0, 0) == doctest::Approx(1.1).epsilon(1e-14));  // 0.9 * 1 + 0.1 * 2
  Matrix y(3, 1);
  y << 0, 3, 6;  // mean 3, variance 9
  evaluate(layer, y, Mode::train);
  CHECK(layer.running_mean(0, 0) == doctest::Approx(0.48).epsilon(1e-14));  // 0.9 * 0.2 + 0.1 * 3
  CHECK(layer.running_var(0, 0) == doctest::Approx(1.89).epsilon(1e-14));   // 0.9 * 1.1 + 0.1 * 9
  CHECK(layer.num_batches_tracked == 2);
}

TEST_CASE("BatchNorm's running statistics after k steps, in closed form [BN-5]") {
  constexpr int steps = 7;
  constexpr Index features = 5;
  for (const BatchNormOp op : {batch_norm, batch_norm_composed}) {
    for (const double momentum : {0.1, 0.3}) {
      CAPTURE(momentum);
      Random random = test_random(2);
      BatchNorm layer({.features = features, .op = op, .momentum = momentum});
      // running_k = (1 - m)^k running_0 + sum_i m (1 - m)^(k - 1 - i) batch_i
      Matrix mean = Matrix::Zero(1, features), var = Matrix::Constant(1, features, std::pow(1 - momentum, steps));
      for (int i = 0; i < steps; ++i) {
        const Index n = 2 + i;
        const Matrix x = (random_matrix(random, n, features) * 2).array() + 3;
        const Matrix batch_mean = x.colwise().mean();
        const Matrix centred = x.rowwise() - batch_mean.row(0);
        const double weight = momentum * std::pow(1 - momentum, steps - 1 - i);
        mean += weight * batch_mean;
        var += weight * centred.colwise().squaredNorm() / static_cast<real>(n - 1);
        evaluate(layer, x, Mode::train);
      }
      CHECK(max_difference(layer.running_mean, mean) <= 1e-13);
      CHECK(max_difference(layer.running_var, var) <= 1e-13);
      CHECK(layer.num_batches_tracked == steps);
    }
  }
}

TEST_CASE("BatchNorm: evaluation uses the running statistics and changes nothing [BN-6]") {
  Random random = test_random(3);
  for (const BatchNormOp op : {batch_norm, batch_norm_composed}) {
    BatchNorm layer({.features = 4, .op = op, .eps = 0.25});
    randomize(layer, random);
    const std::vector<Matrix> before = snapshot(layer);
    for (const Index n : {1, 6}) {  // a single sample can be evaluated
      const Matrix x = random_matrix(random, n, 4);
      const Matrix y = evaluate(layer, x, Mode::eval);
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < 4; ++j) {
          const double xhat = (x(i, j) - layer.running_mean(0, j)) / std::sqrt(layer.running_var(0, j) + 0.25);
          CHECK(y(i, j) == doctest::Approx(layer.gamma.value(0, j) * xhat + layer.beta.value(0, j)).epsilon(1e-13));
        }
      }
    }
    CHECK(same(snapshot(layer), before));
  }
}

TEST_CASE("BatchNorm: training uses the batch's statistics and changes the running ones only") {
  Random random = test_random(4);
  BatchNorm layer({.features = 3, .eps = 0.25});
  randomize(layer, random);
  const std::vector<Matrix> before = snapshot(layer);
  const Matrix x = random_matrix(random, 6, 3);
  const Matrix y = evaluate(layer, x, Mode::train);
  for (Index j = 0; j < 3; ++j) {
    const double mean = x.col(j).mean(), variance = (x.col(j).array() - mean).square().mean();
    for (Index i = 0; i < 6; ++i) {
      const double xhat = (x(i, j) - mean) / std::sqrt(variance + 0.25);
      CHECK(y(i, j) == doctest::Approx(layer.gamma.value(0, j) * xhat + layer.beta.value(0, j)).epsilon(1e-13));
    }
  }
  const std::vector<Matrix> after = snapshot(layer);
  const Names names = state_names(layer);
  CHECK(names == Names{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  for (std::size_t i = 0; i < after.size(); ++i) {
    CAPTURE(i);
    const bool buffer = i >= 2 && i < names.size();
    CHECK(same_bits(after[i], before[i]) == !buffer);
  }
  CHECK(layer.state()[2].shape == std::vector<std::int64_t>{3});
  CHECK(layer.state()[4].shape.empty());
}

TEST_CASE("BatchNorm that is not affine: gamma 1 and beta 0, neither trained nor saved") {
  BatchNorm affine({.features = 3}), plain({.features = 3, .affine = false});
  CHECK(plain.describe() == "BatchNorm(3, not affine)");
  CHECK(plain.parameters().empty());
  std::vector<std::string> names;
  for (const StateTensor& tensor : plain.state()) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"running_mean", "running_var", "num_batches_tracked"});
  Random random = test_random(12);
  const Matrix x = random_matrix(random, 5, 3);
  for (const Mode mode : {Mode::train, Mode::eval})
    CHECK(same_bits(evaluate(plain, x, mode), evaluate(affine, x, mode)));
  check_layer(plain, x, Mode::train);
  Parameter input("input", 5, 3);
  input.value = x;
  Tape tape;
  tape.backward(sum(square(plain.forward(tape.leaf(input), Mode::train))));
  CHECK(plain.gamma.grad.isZero(0));
}

TEST_CASE("BatchNorm: one sample cannot train, and the error says where and what to do") {
  Sequential model;
  model.add(Linear({.in = 3, .out = 4, .bias = false}));
  BatchNorm& layer = model.add(BatchNorm({.features = 4}));
  const std::vector<Matrix> before = snapshot(model);
  const Matrix x = Matrix::Ones(1, 3);
  const std::string message = error_of([&] { evaluate(model, x, Mode::train); });
  CHECK(message.starts_with("layer 1, BatchNorm(4): "));
  CHECK(contains(message, "at least 2 samples in a batch"));
  CHECK(contains(message, "found 1"));
  CHECK(contains(message, "use a larger batch, or evaluation mode"));
  CHECK(same(snapshot(model), before));
  CHECK(layer.num_batches_tracked == 0);
  CHECK(error_of([&] { evaluate(model, x, Mode::eval); }).empty());
  CHECK(error_of([&] { evaluate(model, Matrix::Ones(2, 3), Mode::train); }).empty());
}

TEST_CASE("BatchNorm trains with the op it is given: the same outputs; the diagonal's gradient differs") {
  Random random = test_random(5);
  const Matrix x = random_matrix(random, 6, 5), upstream = random_matrix(random, 6, 5);
  struct Result {
    Matrix y, dx, dgamma, dbeta, running_mean, running_var;
  };
  auto run = [&](BatchNormOp op) {
    BatchNorm layer({.features = 5, .op = op});
    Random same_numbers = test_random(6);
    randomize(layer, same_numbers);
    for (Parameter* p : layer.parameters()) p->grad.setZero();
    Parameter input = parameter(x);
    Tape tape;
    Var y = layer.forward(tape.leaf(input), Mode::train);
    const Matrix value = y.value();
    tape.backward(sum(mul(y, tape.constant(upstream))));
    return Result{value, input.grad, layer.gamma.grad, layer.beta.grad, layer.running_mean, layer.running_var};
  };
  const Result fused = run(batch_norm), composed = run(batch_norm_composed);
  const Result diagonal = run(batch_norm_diagonal_gradient);
  for (const Result* other : {&composed, &diagonal}) {
    CHECK(max_difference(fused.y, other->y) <= 1e-12);
    CHECK(max_difference(fused.dgamma, other->dgamma) <= 1e-12);
    CHECK(max_difference(fused.dbeta, other->dbeta) <= 1e-12);
    CHECK(max_difference(fused.running_mean, other->running_mean) <= 1e-12);
    CHECK(max_difference(fused.running_var, other->running_var) <= 1e-12);
  }
  CHECK(max_difference(fused.dx, composed.dx) <= 1e-12);
  CHECK(max_difference(fused.dx, diagonal.dx) > 1e-2);
}

// ---- Gradients ------------------------------------------------------------------------------------------------------

TEST_CASE("the gradients of every layer, by input and parameters, against central differences") {
  Random random = test_random(7);
  const Matrix x = random_matrix(random, 5, 4);
  // Away from the kink of ReLU.
  const Matrix off_zero = x.unaryExpr([](real v) { return v >= 0 ? v + 0.1 : v - 0.1; });

  std::vector<std::unique_ptr<Layer>> layers;
  layers.push_back(std::make_unique<Linear>(Linear::Options{.in = 4, .out = 3}));
  layers.push_back(std::make_unique<Linear>(Linear::Options{.in = 4, .out = 3, .bias = false}));
  layers.push_back(std::make_unique<BatchNorm>(BatchNorm::Options{.features = 4}));
  layers.push_back(
      std::make_unique<BatchNorm>(BatchNorm::Options{.features = 4, .op = batch_norm_composed, .eps = 0.1}));
  layers.push_back(std::make_unique<LayerNorm>(LayerNorm::Options{.features = 4}));
  layers.push_back(std::make_unique<LayerNorm>(LayerNorm::Options{.features = 4, .eps = 0.1}));
  layers.push_back(std::make_unique<Elementwise>("ReLU", relu));
  layers.push_back(std::make_unique<Elementwise>("Sigmoid", sigmoid));
  layers.push_back(std::make_unique<Elementwise>("Tanh", tanh));
  layers.push_back(std::make_unique<Dropout>(0.4, test_random(8)));
  for (const auto& layer : layers) {
    randomize(*layer, random);
    for (const Mode mode : {Mode::train, Mode::eval}) check_layer(*layer, off_zero, mode);
  }
}

TEST_CASE("the gradients of whole networks, with a kept bias too, against central differences") {
  Random random = test_random(9);
  const Matrix x = random_matrix(random, 6, 4);
  for (const Norm norm : {Norm::batch, Norm::layer, Norm::none}) {
    for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
      // tanh: random weights would put some input of a ReLU next to its kink.
      Sequential model = make_mlp({.in = 4,
                                   .hidden = {5, 3},
                                   .out = 2,
                                   .norm = norm,
                                   .bias = bias,
                                   .activation = Activation::tanh,
                                   .dropout = 0.2},
                                  11);
      randomize(model, random);
      for (const Mode mode : {Mode::train, Mode::eval}) check_layer(model, x, mode);
    }
  }
}

TEST_CASE("LayerNorm normalizes each sample, in both modes") {
  LayerNorm layer({.features = 2, .eps = 0});
  CHECK(layer.describe() == "LayerNorm(2)");
  CHECK(state_names(layer) == Names{"weight", "bias"});
  Matrix x(2, 2), expected(2, 2);
  x << 1, 3, 20, 10;
  expected << -1, 1, 1, -1;
  CHECK(max_difference(evaluate(layer, x, Mode::train), expected) <= 1e-15);
  layer.gamma.value << 2, 3;
  layer.beta.value << 5, 7;
  expected << 3, 10, 7, 4;
  CHECK(max_difference(evaluate(layer, x, Mode::eval), expected) <= 1e-14);
}

TEST_CASE("the activations") {
  Matrix x(1, 3);
  x << -2, 0, 3;
  Elementwise relu_layer = activation_layer(Activation::relu);
  Elementwise sigmoid_layer = activation_layer(Activation::sigmoid);
  Elementwise tanh_layer = activation_layer(Activation::tanh);
  for (const Mode mode : {Mode::train, Mode::eval}) {
    const Matrix r = evaluate(relu_layer, x, mode), s = evaluate(sigmoid_layer, x, mode);
    const Matrix t = evaluate(tanh_layer, x, mode);
    for (Index j = 0; j < 3; ++j) {
      CHECK(r(0, j) == std::max(x(0, j), 0.0));
      CHECK(s(0, j) == doctest::Approx(1 / (1 + std::exp(-x(0, j)))).epsilon(1e-14));
      CHECK(t(0, j) == doctest::Approx(std::tanh(x(0, j))).epsilon(1e-14));
    }
  }
  CHECK(relu_layer.describe() == "ReLU");
  CHECK(sigmoid_layer.describe() == "Sigmoid");
  CHECK(tanh_layer.describe() == "Tanh");
}

// ---- Dropout --------------------------------------------------------------------------------------------------------

TEST_CASE("Dropout zeroes the right fraction and scales the rest in training, and passes on in evaluation") {
  const Matrix x = Matrix::Constant(200, 200, 7);
  for (const double p : {0.0, 0.3, 0.8}) {
    CAPTURE(p);
    Dropout layer(p, test_random(10));
    CHECK(layer.describe() == fmt::format("Dropout({})", p));
    CHECK(same_bits(evaluate(layer, x, Mode::eval), x));
    const Matrix y = evaluate(layer, x, Mode::train);
    Index zeros = 0, scaled = 0;
    for (real v : y.reshaped()) {
      zeros += v == 0;
      scaled += std::abs(v - 7 / (1 - p)) <= 1e-13;
    }
    CHECK(zeros + scaled == x.size());
    const double n = static_cast<double>(x.size()), deviation = std::sqrt(p * (1 - p) / n);
    CHECK(std::abs(static_cast<double>(zeros) / n - p) <= 5 * deviation);
  }
}

TEST_CASE("Dropout: evaluation draws nothing; a copy continues like the original, with a generator of its own") {
  const Matrix x = Matrix::Ones(4, 50);
  Dropout layer(0.5, test_random(12));
  Dropout untouched = layer;
  const Matrix first = evaluate(untouched, x, Mode::train);
  evaluate(layer, x, Mode::eval);
  CHECK(same_bits(evaluate(layer, x, Mode::train), first));

  const std::unique_ptr<Layer> copy = layer.clone();
  const Matrix second = evaluate(layer, x, Mode::train);
  CHECK_FALSE(same_bits(second, first));
  const Matrix third = evaluate(layer, x, Mode::train);
  // What the original has drawn meanwhile does not count for the copy.
  CHECK(same_bits(evaluate(*copy, x, Mode::train), second));
  CHECK(same_bits(evaluate(*copy, x, Mode::train), third));
}

// ---- Copies ---------------------------------------------------------------------------------------------------------

// `copy` must equal `original` and share nothing with it.
void check_deep(Layer& original, Layer& copy) {
  INFO(original.describe());
  REQUIRE(copy.describe() == original.describe());
  REQUIRE(state_names(copy) == state_names(original));
  const std::vector<Matrix> before = snapshot(original);
  REQUIRE(same(snapshot(copy), before));
  const Parameters ours = original.parameters(), theirs = copy.parameters();
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i] != theirs[i]);
    CHECK(ours[i]->name == theirs[i]->name);
  }
  disturb(copy);
  const std::vector<Matrix> disturbed = snapshot(copy);
  CHECK(same(snapshot(original), before));
  disturb(original);
  disturb(original);
  CHECK(same(snapshot(copy), disturbed));
  const std::vector<Matrix> twice = snapshot(original);
  for (std::size_t i = 0; i < twice.size(); ++i) CHECK_FALSE(same_bits(twice[i], disturbed[i]));
}

template <class L>
void check_copies(L original, const L& other) {
  Random random = test_random(13);
  randomize(original, random);
  L copied(original);
  check_deep(original, copied);
  const std::unique_ptr<Layer> cloned = original.clone();
  check_deep(original, *cloned);
  L assigned(other);
  assigned = original;
  check_deep(original, assigned);

  const std::vector<Matrix> before = snapshot(original);
  const L& itself = original;
  original = itself;
  CHECK(same(snapshot(original), before));
}

TEST_CASE("copying a layer copies everything it owns") {
  check_copies(Linear({.in = 3, .out = 2}), Linear({.in = 3, .out = 2, .bias = false}));
  check_copies(Linear({.in = 3, .out = 2, .bias = false}), Linear({.in = 3, .out = 2}));
  check_copies(LayerNorm({.features = 3}), LayerNorm({.features = 3}));
  check_copies(BatchNorm({.features = 3}), BatchNorm({.features = 3}));

  const BatchNorm original({.features = 3, .op = batch_norm_composed, .eps = 0.5, .momentum = 0.25});
  const BatchNorm copy(original);
  CHECK((copy.options.op == batch_norm_composed));
  CHECK(copy.options.eps == 0.5);
  CHECK(copy.options.momentum == 0.25);
}

TEST_CASE("copying a Sequential copies its layers") {
  const MlpOptions options{.in = 4, .hidden = {5, 3}, .out = 2, .dropout = 0.5};
  // Assignment takes over another architecture.
  check_copies(make_mlp(options, 1), make_mlp({.in = 7, .hidden = {2}, .out = 3, .norm = Norm::layer}, 1));
  check_copies(make_mlp(options, 1), Sequential());

  // The original and its copy train alike, each with its own dropout generators and running statistics.
  Random random = test_random(14);
  const Matrix x = random_matrix(random, 8, 4);
  Sequential original = make_mlp(options, 1);
  evaluate(original, x, Mode::train);
  Sequential copy(original);
  const Matrix first = evaluate(original, x, Mode::train), second = evaluate(original, x, Mode::train);
  CHECK_FALSE(same_bits(first, second));
  CHECK(same_bits(evaluate(copy, x, Mode::train), first));
  CHECK(same_bits(evaluate(copy, x, Mode::train), second));
  CHECK(same(snapshot(copy), snapshot(original)));

  // A layer that was moved keeps its address: parameters collected before are still the model's.
  const Parameters parameters = copy.parameters();
  Sequential moved = std::move(copy);
  CHECK(moved.parameters() == parameters);
}

// ---- Sequential -----------------------------------------------------------------------------------------------------

TEST_CASE("Sequential: names, order and description") {
  Sequential model;
  CHECK(model.size() == 0);
  CHECK(model.describe().empty());
  Matrix x = Matrix::Ones(2, 3);
  CHECK(same_bits(evaluate(model, x, Mode::train), x));

  Linear& first = model.add(Linear({.in = 3, .out = 4, .bias = false}));
  BatchNorm& norm = model.add(BatchNorm({.features = 4}));
  model.add(activation_layer(Activation::relu));
  model.add(Dropout(0.25, test_random()));
  Linear& last = model.add(Linear({.in = 4, .out = 2}));
  CHECK(model.size() == 5);
  CHECK(&model[4] == &last);
  CHECK(model.describe() == "Linear(3, 4, no bias) - BatchNorm(4) - ReLU - Dropout(0.25) - Linear(4, 2)");
  CHECK(model.parameters() == Parameters{&first.weight, &norm.gamma, &norm.beta, &last.weight, &*last.bias});
  CHECK(state_names(model) == Names{"0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                    "1.num_batches_tracked", "4.weight", "4.bias"});
  // The entries are the layers' own memory.
  CHECK(std::get<MatrixMap>(model.state()[0].data).data() == first.weight.value.data());
  CHECK(std::get<MatrixMap>(model.state()[3].data).data() == norm.running_mean.data());
  CHECK(std::get<std::int64_t*>(model.state()[5].data) == &norm.num_batches_tracked);
}

TEST_CASE("Sequential feeds each layer with the one before, in the given mode") {
  Random random = test_random(15);
  const Matrix x = random_matrix(random, 6, 4);
  for (const Mode mode : {Mode::train, Mode::eval}) {
    Sequential model = make_mlp({.in = 4, .hidden = {5}, .out = 2, .dropout = 0.5}, 2);
    Sequential copy = model;
    Matrix y = x;
    for (std::size_t i = 0; i < copy.size(); ++i) y = evaluate(copy[i], y, mode);
    CHECK(same_bits(evaluate(model, x, mode), y));
  }
}

TEST_CASE("Sequential: a shape error names the layer, the op and both shapes") {
  Sequential model;
  model.add(Linear({.in = 3, .out = 4}));
  model.add(activation_layer(Activation::relu));
  model.add(Linear({.in = 5, .out = 2}));
  const std::string message = error_of([&] { evaluate(model, Matrix::Ones(7, 3), Mode::eval); });
  CHECK(message.starts_with("layer 2, Linear(5, 2): linear: "));
  CHECK(contains(message, "[7 x 4]"));
  CHECK(contains(message, "[2 x 5]"));

  Sequential normalized;
  normalized.add(Linear({.in = 3, .out = 4}));
  normalized.add(BatchNorm({.features = 5}));
  const std::string norm_message = error_of([&] { evaluate(normalized, Matrix::Ones(7, 3), Mode::train); });
  CHECK(norm_message.starts_with("layer 1, BatchNorm(5): batch_norm: "));
  CHECK(contains(norm_message, "[7 x 4]"));
  CHECK(contains(norm_message, "[1 x 5]"));
}

// ---- make_mlp -------------------------------------------------------------------------------------------------------

Index parameter_count(Sequential& model) {
  Index count = 0;
  for (const Parameter* p : model.parameters()) count += p->value.size();
  return count;
}

std::vector<Linear*> linears(Sequential& model) {
  std::vector<Linear*> found;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (auto* layer = dynamic_cast<Linear*>(&model[i])) found.push_back(layer);
  }
  return found;
}

TEST_CASE("make_mlp: the order of layers and the bias rule, for every combination") {
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
      for (const Activation activation : {Activation::relu, Activation::sigmoid, Activation::tanh}) {
        for (const double dropout : {0.0, 0.5}) {
          Sequential model = make_mlp({.in = 6,
                                       .hidden = {5, 4},
                                       .out = 3,
                                       .norm = norm,
                                       .bias = bias,
                                       .activation = activation,
                                       .dropout = dropout},
                                      1);
          // Only BatchNorm cancels a bias.
          const bool dropped = norm == Norm::batch && bias == BiasRule::drop_cancelled;
          auto block = [&](int in, int out) {
            std::string text = fmt::format("Linear({}, {}{}) - ", in, out, dropped ? ", no bias" : "");
            if (norm == Norm::batch) text += fmt::format("BatchNorm({}) - ", out);
            if (norm == Norm::layer) text += fmt::format("LayerNorm({}) - ", out);
            text += activation == Activation::relu ? "ReLU" : activation == Activation::sigmoid ? "Sigmoid" : "Tanh";
            return text + (dropout > 0 ? " - Dropout(0.5) - " : " - ");
          };
          CHECK(model.describe() == block(6, 5) + block(5, 4) + "Linear(4, 3)");
        }
      }
    }
  }
  CHECK(make_mlp({.in = 6, .hidden = {}, .out = 3}, 1).describe() == "Linear(6, 3)");
  for (const BatchNormOp op : {batch_norm, batch_norm_composed}) {
    Sequential model = make_mlp({.in = 6, .hidden = {5}, .out = 3}, 1, op);
    CHECK((dynamic_cast<BatchNorm&>(model[1]).options.op == op));
  }
}

TEST_CASE("make_mlp: the parameter counts of the default network") {
  const MlpOptions options{.in = 784, .hidden = {256, 128}, .out = 10};
  Sequential model = make_mlp(options, 1);
  CHECK(parameter_count(model) == 235530);
  MlpOptions keep = options, none = options, layer = options;
  keep.bias = BiasRule::keep;
  none.norm = Norm::none;
  layer.norm = Norm::layer;
  Sequential kept = make_mlp(keep, 1), without = make_mlp(none, 1), layer_norm = make_mlp(layer, 1);
  CHECK(parameter_count(kept) == 235914);
  CHECK(parameter_count(without) == 235146);
  CHECK(parameter_count(layer_norm) == 235914);
}

TEST_CASE("make_mlp: a seed means the same weights whatever the biases, norm and dropout") {
  const MlpOptions options{.in = 20, .hidden = {16, 12}, .out = 5};
  Sequential reference = make_mlp(options, 7);
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
      MlpOptions variant = options;
      variant.norm = norm;
      variant.bias = bias;
      variant.dropout = bias == BiasRule::keep ? 0.5 : 0;
      Sequential model = make_mlp(variant, 7);
      for (std::size_t i = 0; i < 3; ++i) {
        CHECK(same_bits(linears(model)[i]->weight.value, linears(reference)[i]->weight.value));
      }
    }
  }
  Sequential other = make_mlp(options, 8);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK_FALSE(same_bits(linears(other)[i]->weight.value, linears(reference)[i]->weight.value));
  }
}

TEST_CASE("make_mlp: two Dropout layers drop different entries") {
  Sequential model = make_mlp({.in = 4, .hidden = {50, 50}, .out = 2, .norm = Norm::none, .dropout = 0.5}, 1);
  const Matrix x = Matrix::Ones(2, 50);
  CHECK_FALSE(same_bits(evaluate(model[2], x, Mode::train), evaluate(model[5], x, Mode::train)));
}

// [INIT-1] [INIT-2]
TEST_CASE("make_mlp: initial weights have the deviation that was asked for; biases 0, gamma 1, beta 0") {
  using Kind = InitScale::Kind;
  // Widths that tell He from Xavier and rows from columns.
  const std::vector<double> widths{100, 200, 60, 300};
  auto he = [](double in, double) { return std::sqrt(2 / in); };
  auto xavier = [](double in, double out) { return std::sqrt(2 / (in + out)); };
  auto normal = [](double, double) { return 0.02; };
  struct Case {
    InitScale init;
    Activation activation;
    double (*hidden)(double, double);
    double (*output)(double, double);
  };
  const Case cases[] = {
      {{}, Activation::relu, he, xavier},  // no ReLU behind the output
      {{}, Activation::sigmoid, xavier, xavier},
      {{}, Activation::tanh, xavier, xavier},
      {{.kind = Kind::he}, Activation::tanh, he, he},
      {{.kind = Kind::xavier}, Activation::relu, xavier, xavier},
      {{.kind = Kind::normal, .sigma = 0.02}, Activation::relu, normal, normal},
  };
  for (const Case& c : cases) {
    for (const Norm norm : {Norm::batch, Norm::layer}) {
      Sequential model = make_mlp({.in = 100,
                                   .hidden = {200, 60},
                                   .out = 300,
                                   .norm = norm,
                                   .bias = BiasRule::keep,
                                   .activation = c.activation,
                                   .init = c.init},
                                  3);
      for (std::size_t i = 0; i < 3; ++i) {
        CAPTURE(i);
        const Matrix w = linears(model)[i]->weight.value;
        const double n = static_cast<double>(w.size());
        const double sigma = (i == 2 ? c.output : c.hidden)(widths[i], widths[i + 1]);
        CHECK(std::abs(w.mean()) <= 5 * sigma / std::sqrt(n));
        const double deviation = std::sqrt((w.array() - w.mean()).square().mean());
        CHECK(std::abs(deviation / sigma - 1) <= 5 / std::sqrt(2 * n));
      }
      for (const StateTensor& tensor : model.state()) {
        if (tensor.name == "num_batches_tracked" || tensor.shape.size() != 1) continue;
        CAPTURE(tensor.name);
        const MatrixMap& m = std::get<MatrixMap>(tensor.data);
        const bool ones = tensor.name.ends_with(".weight") || tensor.name.ends_with("running_var");
        CHECK((m.array() == (ones ? 1.0 : 0.0)).all());
      }
    }
  }
}

TEST_CASE("the initializations scale the same normal numbers, drawn row by row") {
  Parameter normal("weight", 3, 5), he("weight", 3, 5), xavier("weight", 3, 5);
  Random a = test_random(16), b = test_random(16), c = test_random(16), d = test_random(16);
  init_normal(normal, 0.5, a);
  init_he(he, b);
  init_xavier(xavier, c);
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 5; ++j) {
      const double z = d.normal();
      CHECK(normal.value(i, j) == 0.5 * z);
      CHECK(he.value(i, j) == doctest::Approx(std::sqrt(2.0 / 5) * z).epsilon(1e-15));
      CHECK(xavier.value(i, j) == doctest::Approx(std::sqrt(2.0 / 8) * z).epsilon(1e-15));
    }
  }
}

// ---- What is refused, and who may only read
// ---------------------------------------------------------------------------

TEST_CASE("a size or an option out of its range is an Error when the layer is made, naming the field") {
  constexpr Index kTooLarge = std::numeric_limits<Index>::max() / 2;
  const double nan = std::nan("");
  using F = std::function<void()>;
  const std::vector<std::pair<std::string, F>> refused{
      {"Linear: in: expected at least 1, found 0", [] { Linear({.in = 0, .out = 2}); }},
      {"Linear: out: expected at least 1, found -3", [] { Linear({.in = 2, .out = -3}); }},
      {"Linear: weight: ", [] { Linear({.in = kTooLarge, .out = kTooLarge}); }},
      {"BatchNorm: features: expected at least 1, found -1", [] { BatchNorm({.features = -1}); }},
      {"BatchNorm: op: expected an op, found none", [] { BatchNorm({.features = 2, .op = nullptr}); }},
      {"BatchNorm: eps: expected a finite number of at least 0, found -1",
       [] { BatchNorm({.features = 2, .eps = -1}); }},
      {"BatchNorm: eps: ", [=] { BatchNorm({.features = 2, .eps = nan}); }},
      {"BatchNorm: momentum: expected a number from 0 to 1, found 1.5",
       [] { BatchNorm({.features = 2, .momentum = 1.5}); }},
      {"BatchNorm: momentum: ", [=] { BatchNorm({.features = 2, .momentum = nan}); }},
      {"LayerNorm: features: expected at least 1, found 0", [] { LayerNorm({.features = 0}); }},
      {"Swish: op: expected an op, found none", [] { Elementwise("Swish", nullptr); }},
      {"Sequential: layer 1: expected a layer, found none",
       [] {
         Sequential model;
         model.add(Elementwise("ReLU", relu));
         model.add(std::unique_ptr<Layer>());
       }},
      {"LayerNorm: eps: ", [] { LayerNorm({.features = 2, .eps = -1e-5}); }},
      {"Dropout: p: expected a probability in [0, 1), found 1.5", [] { Dropout(1.5, test_random()); }},
      {"Dropout: p: ", [] { Dropout(-0.1, test_random()); }},
      {"Dropout: p: ", [=] { Dropout(nan, test_random()); }},
      {"Linear: out: ", [] { make_mlp({.in = 2, .hidden = {-3}, .out = 2}, 1); }},
      {"Linear: out: ", [] { make_mlp({.in = 2, .hidden = {3}, .out = 0}, 1); }},
      {"Linear: in: ", [] { make_mlp({.in = 0, .hidden = {3}, .out = 2}, 1); }},
      {"Dropout: p: ", [=] { make_mlp({.in = 2, .hidden = {3}, .out = 2, .dropout = nan}, 1); }},
      {"init_normal: sigma: ", [] {
         make_mlp({.in = 2, .hidden = {3}, .out = 2, .init = {.kind = InitScale::Kind::normal, .sigma = -1}}, 1);
       }}};
  for (const auto& refusal : refused) {
    INFO(refusal.first);
    const std::string found = error_of(refusal.second);
    CHECK_MESSAGE(found.starts_with(refusal.first), found);
  }
  CHECK(error_of([] { BatchNorm({.features = 1, .eps = 0, .momentum = 1}); }) == "");
}

BatchNormResult with_narrow_statistics(Var x, Var gamma, Var beta, real eps) {
  BatchNormResult result = batch_norm(x, gamma, beta, eps);
  return {result.y, View(result.mean.data(), 1, 1), result.variance, result.xhat, result.inv_s};
}

TEST_CASE("BatchNorm refuses statistics of another shape from an op of one's own") {
  BatchNorm layer({.features = 4, .op = with_narrow_statistics});
  const std::string message = error_of([&] { evaluate(layer, Matrix::Ones(3, 4), Mode::train); });
  CHECK(message == "BatchNorm: expected an op with statistics [1 x 4], found [1 x 1]");
  CHECK(layer.num_batches_tracked == 0);
}

Sequential nested() {
  Sequential block;
  block.add(Linear({.in = 4, .out = 4}));
  block.add(Dropout(0.5, test_random(70)));
  Sequential model;
  model.add(Linear({.in = 3, .out = 4}));
  model.add(Dropout(0.25, test_random(71)));
  model.add(std::move(block));
  model.add(Linear({.in = 4, .out = 2}));
  return model;
}

TEST_CASE("a Sequential in a Sequential: its tensors, its generators and its place on the tape") {
  Sequential model = nested();
  CHECK(state_names(model) == Names{"0.weight", "0.bias", "2.0.weight", "2.0.bias", "3.weight", "3.bias"});
  REQUIRE(model.generators().size() == 2);
  CHECK(model.generators()[1]->state() == test_random(70).state());
  Tape tape;
  model.forward(tape.constant(Matrix::Ones(2, 3)), Mode::train);
  Names leaves;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (tape.entry(i).parameter != nullptr) leaves.push_back(entry_name(tape.entry(i)));
  }
  CHECK(leaves == state_names(model));
}

TEST_CASE("after an error inside a layer, what comes next does not belong to that layer") {
  Sequential model = nested();
  Tape tape;
  const std::string message = error_of([&] { model.forward(tape.constant(Matrix::Ones(2, 5)), Mode::train); });
  CHECK(message.starts_with("layer 0, Linear(3, 4): linear: "));
  tape.constant(1, 1);
  CHECK(tape.entry(tape.size() - 1).layer.empty());
}

TEST_CASE("a model that nobody may change can be evaluated, described and counted") {
  Random random = test_random(72);
  Sequential trained = make_mlp({.in = 3, .hidden = {4}, .out = 2, .dropout = 0.5}, 1);
  const Matrix x = random_matrix(random, 5, 3);
  evaluate(trained, x, Mode::train);
  const Sequential& model = trained;
  const std::vector<Matrix> before = snapshot(trained);
  Tape tape(Tape::Gradients::none);
  CHECK(same_bits(evaluate(model, tape.constant(x)).value(), evaluate(trained, x, Mode::eval)));
  CHECK(same(snapshot(trained), before));
  CHECK(model.describe() == trained.describe());
  CHECK(count_parameters(model) == 3 * 4 + 2 * 4 + 4 * 2 + 2);
  std::vector<std::string> names;
  for (const ConstStateTensor& tensor : state_of(model)) names.push_back(tensor.name);
  CHECK(names == state_names(trained));
  // On a tape that records gradients, backward() would add to the model's.
  Tape recording;
  CHECK(contains(error_of([&] { evaluate(model, recording.constant(x)); }), "Gradients::none"));
}

}  // namespace
}  // namespace tare
