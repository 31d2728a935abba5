// The switches of make_mlp: where the normalization stands and what it does, what is trained, and residual blocks; in
// double.
#include <tare/core/ops/loss.h>
#include <tare/core/tools/gradcheck.h>
#include <tare/layers/fold.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include <tare/optim/optimizer.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace tare {
namespace {

Random test_random(std::uint64_t number = 0) { return Random(16, Random::Stream{4}, number); }

// Numbers that no training begins with, so that whatever is left out shows.
void randomize(Layer& model) {
  Random random = test_random(99);
  for (const StateTensor& tensor : model.state()) {
    const auto* found = std::get_if<MatrixMap>(&tensor.data);
    if (found == nullptr) continue;
    MatrixMap m = *found;
    m = random_matrix(random, m.rows(), m.cols());
    if (tensor.name.ends_with("running_var")) m = m.cwiseAbs().array() + 0.5;
  }
}

Matrix output(const Layer& model, const Matrix& x) {
  Tape tape(Tape::Gradients::none);
  return evaluate(model, tape.constant(x)).value();
}

const MlpOptions kSmall{.in = 3, .hidden = {4, 5}, .out = 2};
// Its first, second and fourth blocks are as wide as their inputs.
const MlpOptions kResidual{.in = 4, .hidden = {4, 4, 5, 5}, .out = 2, .residual = true};

std::string described(MlpOptions options, const std::function<void(MlpOptions&)>& change) {
  change(options);
  return make_mlp(options, 1).describe();
}

TEST_CASE("a normalization behind the activation stands before the dropout, and the bias before it stays") {
  const auto after = [](MlpOptions& o) { o.norm_place = NormPlace::after; };
  CHECK(described(kSmall, after) ==
        "Linear(3, 4) - ReLU - BatchNorm(4) - Linear(4, 5) - ReLU - BatchNorm(5) - Linear(5, 2)");
  CHECK(described(kSmall, [&](MlpOptions& o) { after(o), o.dropout = 0.5, o.activation = Activation::tanh; }) ==
        "Linear(3, 4) - Tanh - BatchNorm(4) - Dropout(0.5) - Linear(4, 5) - Tanh - BatchNorm(5) - Dropout(0.5) - "
        "Linear(5, 2)");
  CHECK(described(kSmall, [&](MlpOptions& o) { after(o), o.norm = Norm::layer; }) ==
        "Linear(3, 4) - ReLU - LayerNorm(4) - Linear(4, 5) - ReLU - LayerNorm(5) - Linear(5, 2)");
  CHECK(described(kSmall, [&](MlpOptions& o) { after(o), o.norm = Norm::none; }) ==
        described(kSmall, [](MlpOptions& o) { o.norm = Norm::none; }));
}

TEST_CASE("a bias is dropped only where BatchNorm right behind it subtracts the mean") {
  for (const bool mean : {true, false}) {
    for (const bool variance : {true, false}) {
      for (const bool affine : {true, false}) {
        for (const BiasRule rule : {BiasRule::drop_cancelled, BiasRule::keep}) {
          const bool dropped = mean && rule == BiasRule::drop_cancelled;
          const std::string text = described(kSmall, [&](MlpOptions& o) {
            o.parts = {.mean = mean, .variance = variance, .affine = affine};
            o.bias = rule;
          });
          CHECK(text == fmt::format("Linear(3, 4{0}) - BatchNorm(4{1}) - ReLU - Linear(4, 5{0}) - BatchNorm(5{1}) - "
                                    "ReLU - Linear(5, 2)",
                                    dropped ? ", no bias" : "", affine ? "" : ", not affine"));
        }
      }
    }
  }
}

TEST_CASE("options of BatchNorm reach every one of them, also inside of a residual block") {
  for (const bool affine : {true, false}) {
    MlpOptions options = kResidual;
    options.bn_momentum = 0.25;
    options.parts.affine = affine;
    const Sequential model = make_mlp(options, 1, batch_norm_composed);
    int found = 0;
    for (const Layer* layer : innermost_layers(model)) {
      const auto* norm = dynamic_cast<const BatchNorm*>(layer);
      if (norm == nullptr) continue;
      ++found;
      CHECK(norm->options.momentum == 0.25);
      CHECK(norm->options.affine == affine);
      CHECK((norm->options.op == batch_norm_composed));
    }
    CHECK(found == 4);
  }
}

TEST_CASE("every switch begins with the weights of the plain network") {
  const std::vector<std::function<void(MlpOptions&)>> changes{
      [](MlpOptions& o) { o.norm_place = NormPlace::after; }, [](MlpOptions& o) { o.parts.mean = false; },
      [](MlpOptions& o) { o.trained = Trained::norm; }, [](MlpOptions& o) { o.residual = false; }};
  const auto weights = [](const MlpOptions& options) {
    std::vector<Matrix> all;
    const Sequential model = make_mlp(options, 7);
    for (const Layer* layer : innermost_layers(model)) {
      if (const auto* linear = dynamic_cast<const Linear*>(layer)) all.emplace_back(linear->weight.value);
    }
    return all;
  };
  const std::vector<Matrix> plain = weights(kResidual);
  REQUIRE(plain.size() == 5);
  for (const auto& change : changes) {
    MlpOptions options = kResidual;
    change(options);
    const std::vector<Matrix> found = weights(options);
    CHECK(std::ranges::equal(found, plain, [](const Matrix& a, const Matrix& b) { return same_bits(a, b); }));
  }
}

TEST_CASE("only gamma and beta are trained where that is asked for") {
  for (const Norm norm : {Norm::batch, Norm::layer}) {
    for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
      for (const bool residual : {false, true}) {
        MlpOptions options = kResidual;
        options.norm = norm;
        options.bias = bias;
        options.residual = residual;
        options.trained = Trained::norm;
        Sequential model = make_mlp(options, 1);
        INFO(model.describe());
        CHECK(count_parameters(model) == 2 * (4 + 4 + 5 + 5));
        const Parameters trained = trained_parameters(model);
        CHECK(trained.size() == 8);
        for (const Layer* layer : innermost_layers(model)) {
          const bool is_linear = dynamic_cast<const Linear*>(layer) != nullptr;
          for (const Parameter* p : parameters_of(*layer)) {
            CHECK(p->requires_grad == !is_linear);
            CHECK((std::ranges::find(trained, p) != trained.end()) == !is_linear);
          }
        }

        // A copy is frozen likewise, and a step moves gamma and beta only.
        Sequential copy = model;
        CHECK(count_parameters(copy) == count_parameters(model));
        Random random = test_random();
        Tape tape;
        const Var y = copy.forward(tape.constant(random_matrix(random, 6, 4)), Mode::train);
        tape.backward(softmax_cross_entropy(y, std::vector<int>{0, 1, 0, 1, 1, 1}));
        Sgd(trained_parameters(copy), {}).step(0.1, tape.workers());
        const auto before = parameters_of(model), after = parameters_of(copy);
        REQUIRE(before.size() == after.size());
        for (std::size_t i = 0; i < before.size(); ++i) {
          CHECK(same_bits(before[i]->value, after[i]->value) == !before[i]->requires_grad);
        }
      }
    }
  }
  const Sequential all = make_mlp(kResidual, 1);
  CHECK(count_parameters(all) == (16 + 8) + (16 + 8) + (20 + 10) + (25 + 10) + 12);
}

TEST_CASE("hidden blocks as wide as their inputs are residual: x + block(x)") {
  const std::string wide = "x + Linear(4, 4, no bias) - BatchNorm(4) - ReLU";
  CHECK(described(kResidual, [](MlpOptions&) {}) ==
        fmt::format("({0}) - ({0}) - Linear(4, 5, no bias) - BatchNorm(5) - ReLU - "
                    "(x + Linear(5, 5, no bias) - BatchNorm(5) - ReLU) - Linear(5, 2)",
                    wide));
  CHECK(described(kResidual, [](MlpOptions& o) { o.norm_place = NormPlace::after, o.dropout = 0.5, o.hidden = {4}; }) ==
        "(x + Linear(4, 4) - ReLU - BatchNorm(4) - Dropout(0.5)) - Linear(4, 2)");
  // The output Linear is no hidden block, whatever its width.
  CHECK(described(kResidual, [](MlpOptions& o) {
          o.norm = Norm::none, o.hidden = {3, 2};
        }) == "Linear(4, 3) - ReLU - Linear(3, 2) - ReLU - Linear(2, 2)");

  Random random = test_random(2);
  const Matrix x = random_matrix(random, 6, 4);
  Sequential model = make_mlp(kResidual, 1);
  randomize(model);
  Matrix expected = x;
  for (std::size_t i = 0; i < model.size(); ++i) {
    const auto* block = dynamic_cast<const Residual*>(&model[i]);
    CHECK((block != nullptr) == (i == 0 || i == 1 || i == 5));
    if (block == nullptr) {
      expected = output(model[i], expected);
      continue;
    }
    Matrix inside = expected;
    for (std::size_t j = 0; j < block->size(); ++j) inside = output((*block)[j], inside);
    expected += inside;
  }
  CHECK(max_difference(output(model, x), expected) <= 1e-13);
}

TEST_CASE("a copy of a residual model is one, with numbers of its own") {
  Random random = test_random(3);
  const Matrix x = random_matrix(random, 6, 4);
  Sequential model = make_mlp(kResidual, 1);
  randomize(model);
  const Matrix before = output(model, x);
  Sequential copy = model;
  CHECK(copy.describe() == model.describe());
  CHECK(same_bits(output(copy, x), before));
  for (Parameter* p : copy.parameters()) p->value.array() += 1;
  CHECK(same_bits(output(model, x), before));
  CHECK_FALSE(same_bits(output(copy, x), before));
}

TEST_CASE("a residual model is folded block by block, with the same outputs in evaluation") {
  Random random = test_random(4);
  const Matrix x = random_matrix(random, 6, 4);
  for (const BiasRule bias : {BiasRule::drop_cancelled, BiasRule::keep}) {
    for (const bool affine : {true, false}) {
      MlpOptions options = kResidual;
      options.bias = bias;
      options.parts.affine = affine;
      options.dropout = 0.3;
      Sequential model = make_mlp(options, 1);
      randomize(model);
      const Matrix expected = output(model, x);
      const Sequential folded = fold_batch_norm(model);
      CHECK(folded.describe() ==
            "(x + Linear(4, 4) - ReLU - Dropout(0.3)) - (x + Linear(4, 4) - ReLU - Dropout(0.3)) - Linear(4, 5) - "
            "ReLU - Dropout(0.3) - (x + Linear(5, 5) - ReLU - Dropout(0.3)) - Linear(5, 2)");
      CHECK(max_difference(output(folded, x), expected) <= 1e-12 * max_abs(expected));
      const std::unique_ptr<Layer> where_possible = fold_where_possible(model);
      CHECK(where_possible->describe() == folded.describe());
      CHECK(max_difference(output(*where_possible, x), expected) <= 1e-12 * max_abs(expected));
      if (bias == BiasRule::keep) {
        CHECK(max_difference(output(drop_cancelled_biases(model), x), expected) <= 1e-12 * max_abs(expected));
      }
    }
  }
  // Behind the activation there is nothing to fold a BatchNorm into.
  MlpOptions options = kResidual;
  options.norm_place = NormPlace::after;
  Sequential after = make_mlp(options, 1);
  randomize(after);
  CHECK(fold_where_possible(after)->describe() == after.describe());
  CHECK(same_bits(output(*fold_where_possible(after), x), output(after, x)));
  CHECK(contains(error_of([&] { fold_batch_norm(after); }), "layer 0.2, BatchNorm(4)"));
}

TEST_CASE("the gradients of networks with these switches, against central differences") {
  std::uint64_t number = 5;
  for (const bool residual : {false, true}) {
    for (const NormPlace place : {NormPlace::before, NormPlace::after}) {
      MlpOptions options = kResidual;
      options.activation = Activation::tanh;  // away from a ReLU's kink
      options.residual = residual;
      options.norm_place = place;
      options.hidden = {4, 5, 5};
      Sequential model = make_mlp(options, 3);
      INFO(model.describe());
      Random random = test_random(number++);
      Parameter x = parameter(random_matrix(random, 6, 4));
      Parameters inputs = model.parameters();
      inputs.push_back(&x);
      const GradientError error =
          check_gradients([&](Tape& tape) { return model.forward(tape.leaf(x), Mode::train); }, inputs, random);
      INFO(error.worst);
      CHECK(error.relative <= 1e-6);
    }
  }
}

}  // namespace
}  // namespace tare
