// What must hold of every network, on networks, shapes and numbers drawn at random; in double.
#include <tare/core/ops/loss.h>
#include <tare/layers/files/model_file.h>
#include <tare/layers/fold.h>
#include <tare/optim/optimizer.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace tare {
namespace {

// A network with numbers that no constructor sets, and a batch for it.
struct Case {
  explicit Case(std::uint64_t number, Index widest = 40) : random(21, Random::Stream{4}, number) {
    auto up_to = [&](Index n) { return 1 + static_cast<Index>(random.below(static_cast<std::uint32_t>(n))); };
    options.in = up_to(widest);
    for (Index depth = up_to(4) - 1; depth > 0; --depth) options.hidden.push_back(up_to(widest));
    options.out = 1 + up_to(11);
    options.norm = std::vector{Norm::none, Norm::batch, Norm::layer}[random.below(3)];
    options.bias = random.below(2) == 0 ? BiasRule::keep : BiasRule::drop_cancelled;
    options.activation = std::vector{Activation::relu, Activation::sigmoid, Activation::tanh}[random.below(3)];
    options.dropout = random.below(2) == 0 ? 0.3 : 0;
    batch = 2 + up_to(2 * widest);
    seed = random.bits();
  }

  Sequential model() {
    Sequential model = make_mlp(options, seed, op);
    Random numbers(22, Random::Stream{4}, seed);
    for (const StateTensor& tensor : model.state()) {
      if (const auto* count = std::get_if<std::int64_t*>(&tensor.data)) {
        **count = 1 + numbers.below(1000);
        continue;
      }
      MatrixMap m = std::get<MatrixMap>(tensor.data);
      if (tensor.shape.size() == 1) m = random_matrix(numbers, m.rows(), m.cols());
      if (tensor.name.ends_with("running_var")) m = m.cwiseAbs().array() + 0.1;
    }
    return model;
  }
  Matrix x() const {
    Random numbers(23, Random::Stream{4}, seed);
    return random_matrix(numbers, batch, options.in);
  }

  Random random;
  MlpOptions options;
  BatchNormOp op = batch_norm;
  Index batch;
  std::uint64_t seed;
};

Matrix evaluate(Sequential model, const Matrix& x) {
  Tape tape(Tape::Gradients::none);
  return model.forward(tape.constant(x), Mode::eval).value();
}

// One step of training: the logits, then every gradient, then every number that lasts.
std::vector<Matrix> step(Sequential model, const Matrix& x, int threads) {
  Workers workers(threads);
  Tape tape(workers);
  const Parameters parameters = model.parameters();
  Adam adam(parameters, {});
  Var logits = model.forward(tape.constant(x), Mode::train);
  std::vector<int> labels;
  for (Index i = 0; i < x.rows(); ++i) labels.push_back(static_cast<int>(i % logits.cols()));
  tape.backward(softmax_cross_entropy(logits, labels));
  std::vector<Matrix> seen{logits.value()};
  for (const Parameter* p : parameters) seen.emplace_back(p->grad);
  adam.step(0.01, tape.workers());
  for (const StateTensor& tensor : model.state()) {
    if (const auto* numbers = std::get_if<MatrixMap>(&tensor.data)) seen.emplace_back(*numbers);
  }
  return seen;
}

TEST_CASE("composed and fused BatchNorm train alike") {
  int compared = 0;
  for (std::uint64_t number = 0; number < 120; ++number) {
    Case c(number);
    if (c.options.norm != Norm::batch || c.options.hidden.empty()) continue;
    CAPTURE(number);
    const Sequential fused = c.model();
    c.op = batch_norm_composed;
    const Sequential composed = c.model();
    INFO(fused.describe());
    const std::vector<Matrix> a = step(fused, c.x(), 1), b = step(composed, c.x(), 1);
    REQUIRE(a.size() == b.size());
    // Adam divides tiny gradients by themselves, so only what comes before it is compared.
    const std::size_t gradients = 1 + Sequential(fused).parameters().size();
    double scale = 1;
    for (std::size_t i = 0; i < gradients; ++i) scale = std::max(scale, max_abs(a[i]));
    for (std::size_t i = 0; i < gradients; ++i) {
      CAPTURE(i);
      CHECK(max_difference(a[i], b[i]) <= 1e-10 * scale);
    }
    ++compared;
  }
  CHECK(compared >= 20);
}

TEST_CASE("a model that was saved and loaded is the same") {
  const testing::TemporaryFolder folder;
  for (std::uint64_t number = 0; number < 40; ++number) {
    Case c(number);
    CAPTURE(number);
    Sequential model = c.model();
    INFO(model.describe());
    write_safetensors(folder / "model", state_tensors(model));
    const Safetensors contents = read_safetensors(folder / "model");
    const Matrix expected = evaluate(model, c.x());
    CHECK(same_bits(evaluate(build_model(contents, c.options.activation, "model", c.options.norm), c.x()), expected));
    Sequential other = make_mlp(c.options, c.seed + 1);
    load_state(other, contents, "model");
    CHECK(same_bits(evaluate(other, c.x()), expected));
  }
}

TEST_CASE("a folded model computes the same") {
  int compared = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    Case c(number);
    if (c.options.norm != Norm::batch || c.options.hidden.empty()) continue;
    CAPTURE(number);
    const Sequential model = c.model();
    INFO(model.describe());
    const Matrix expected = evaluate(model, c.x());
    const double bound = 1e-11 * std::max(1.0, max_abs(expected));
    CHECK(max_difference(evaluate(fold_batch_norm(model), c.x()), expected) <= bound);
    if (c.options.bias == BiasRule::keep) {
      CHECK(max_difference(evaluate(drop_cancelled_biases(model), c.x()), expected) <= bound);
    }
    ++compared;
  }
  CHECK(compared >= 30);
}

TEST_CASE("a step of training does not depend on the number of threads") {
  for (std::uint64_t number = 0; number < 8; ++number) {
    Case c(number, 300);  // wide enough that loops are split
    CAPTURE(number);
    const Sequential model = c.model();
    INFO(model.describe());
    const std::vector<Matrix> expected = step(model, c.x(), 1);
    for (const int threads : {2, 3, 4, 7}) {
      CAPTURE(threads);
      CHECK(std::ranges::equal(step(model, c.x(), threads), expected, same_bits));
    }
  }
}

}  // namespace
}  // namespace tare
