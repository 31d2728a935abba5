// Folding, and dropping biases, in a trained model: the same logits and the same predictions [FOLD-1] [FOLD-2]
// [BIAS-3].
#include <tare/core/machine/random.h>
#include <tare/core/ops/loss.h>
#include <tare/datasets/batches.h>
#include <tare/layers/batch_norm.h>
#include <tare/layers/fold.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include <tare/optim/optimizer.h>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

using namespace tare;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Matrix logits_of(Sequential model, const ImageSet& set) {
  Tape tape(Tape::Gradients::none);
  return model.forward(gather(set, Pixels::standard, 0, set.count, tape), Mode::eval).value();
}

void train(Sequential& model, const ImageSet& set, Index steps) {
  Batches batches(set, Pixels::standard, 100, 1, true);
  const Parameters parameters = model.parameters();
  Sgd sgd(parameters, {.momentum = 0.9});
  Workers workers(2);
  Tape tape(workers);
  for (Index step = 0; step < steps; ++step) {
    tape.clear();
    const Batch batch = batches.at(step, tape);
    Var loss = softmax_cross_entropy(model.forward(batch.x, Mode::train), batch.labels);
    zero_grad(parameters);
    tape.backward(loss);
    sgd.step(0.05, tape.workers());
  }
}

void check_same(const Matrix& expected, const Matrix& found) {
  const float scale = std::max(1.0f, expected.cwiseAbs().maxCoeff());
  CHECK((expected - found).cwiseAbs().maxCoeff() <= 1e-5f * scale);
  Index differently = 0;
  for (Index i = 0; i < expected.rows(); ++i) differently += predicted_class(expected, i) != predicted_class(found, i);
  CHECK(differently == 0);
}

// Trains with redundant biases that are far from 0, then folds and drops.
void check_folding(const ImageSet& train_set, const ImageSet& test_set, const std::vector<Index>& hidden, Index steps) {
  for (const Activation activation : {Activation::relu, Activation::sigmoid}) {
    Sequential model = make_mlp(
        {.in = train_set.features(), .hidden = hidden, .out = 10, .bias = BiasRule::keep, .activation = activation}, 1);
    dynamic_cast<Linear&>(model[0]).bias->value.setConstant(0.7f);
    train(model, train_set, steps);
    const Matrix expected = logits_of(model, test_set);
    check_same(expected, logits_of(fold_batch_norm(model), test_set));
    const Sequential dropped = drop_cancelled_biases(model);
    check_same(expected, logits_of(dropped, test_set));
    check_same(expected, logits_of(fold_batch_norm(dropped), test_set));
  }
}

ImageSet synthetic(std::int64_t count) {
  Random random(7, Random::Stream{4}, static_cast<std::uint64_t>(count));
  ImageSet set{count, 6, 6, std::vector<std::uint8_t>(static_cast<std::size_t>(36 * count)),
               std::vector<int>(static_cast<std::size_t>(count))};
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    set.labels[i] = static_cast<int>(i % 10);
    Random pattern(static_cast<std::uint64_t>(set.labels[i]), Random::Stream{4});
    for (std::size_t p = 0; p < 36; ++p) {
      set.pixels[36 * i + p] = static_cast<std::uint8_t>(pattern.below(2) * 120 + random.below(136));
    }
  }
  return set;
}

TEST_CASE("a folded model has the same logits and predictions") {
  check_folding(synthetic(600), synthetic(200), {20, 12}, 60);
}

TEST_CASE("a folded model has the same predictions on all of MNIST's test images") {
  const char* folder = std::getenv("TARE_DATA");
  if (folder == nullptr || !std::filesystem::exists(folder)) {
    MESSAGE("skipped: TARE_DATA names no folder with MNIST");
    return;
  }
  const DataSet mnist = load_data(folder);
  REQUIRE(mnist.test.count == 10000);
  check_folding(mnist.train, mnist.test, {64, 32}, 600);
}

TEST_CASE("folding takes BatchNorm away and gives the Linear its bias back") {
  const Sequential model = make_mlp({.in = 3, .hidden = {4}, .out = 2, .norm = Norm::batch}, 1);
  const Sequential folded = fold_batch_norm(model);
  CHECK(model.describe() == "Linear(3, 4, no bias) - BatchNorm(4) - ReLU - Linear(4, 2)");
  CHECK(folded.describe() == "Linear(3, 4) - ReLU - Linear(4, 2)");
}

TEST_CASE("where folding is for speed, what cannot be folded stays") {
  Random random(3, Random::Stream{1000});
  const auto norm = [&](Index features) {
    BatchNorm layer({.features = features});
    for (Index k = 0; k < features; ++k) {
      layer.gamma.value(0, k) = static_cast<real>(random.normal());
      layer.beta.value(0, k) = static_cast<real>(random.normal());
      layer.running_mean(0, k) = static_cast<real>(random.normal());
      layer.running_var(0, k) = static_cast<real>(0.1 + random.uniform());
    }
    return layer;
  };
  const auto linear = [&](Index in, Index out) {
    Linear layer({.in = in, .out = out});
    for (Index i = 0; i < in * out; ++i) layer.weight.value.data()[i] = static_cast<real>(random.normal());
    return layer;
  };
  Sequential model;
  model.add(norm(3));
  model.add(linear(3, 4));
  model.add(norm(4));
  model.add(activation_layer(Activation::relu));
  model.add(norm(4));
  model.add(linear(4, 2));
  const std::unique_ptr<Layer> folded = fold_where_possible(model);
  CHECK(folded->describe() == "BatchNorm(3) - Linear(3, 4) - ReLU - BatchNorm(4) - Linear(4, 2)");
  Tape tape(Tape::Gradients::none);
  Matrix x(5, 3);
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<real>(random.normal());
  check_same(evaluate(model, tape.constant(x)).value(), evaluate(*folded, tape.constant(x)).value());

  const Sequential without = make_mlp({.in = 3, .hidden = {4}, .out = 2, .norm = Norm::layer}, 1);
  CHECK(fold_where_possible(without)->describe() == without.describe());
}

TEST_CASE("what cannot be folded is an error that names the layer") {
  const auto message = [](const Sequential& model) -> std::string {
    try {
      fold_batch_norm(model);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Sequential after_relu;
  after_relu.add(Linear({.in = 3, .out = 4}));
  after_relu.add(activation_layer(Activation::relu));
  after_relu.add(BatchNorm({.features = 4}));
  CHECK(contains(message(after_relu), "layer 2, BatchNorm(4)"));
  CHECK(contains(message(after_relu), "found ReLU"));
  Sequential too_wide;
  too_wide.add(Linear({.in = 3, .out = 4}));
  too_wide.add(BatchNorm({.features = 5}));
  CHECK(contains(message(too_wide), "layer 1, BatchNorm(5)"));
  CHECK_THROWS_AS(drop_cancelled_biases(too_wide), Error);
  Sequential first;
  first.add(BatchNorm({.features = 4}));
  CHECK(contains(message(first), "layer 0"));
  CHECK(contains(message(make_mlp({.in = 3, .hidden = {4}, .out = 2, .norm = Norm::none}, 1)), "found none"));
  CHECK_THROWS_AS(drop_cancelled_biases(make_mlp({.in = 3, .hidden = {4}, .out = 2}, 1)), Error);
}

}  // namespace
