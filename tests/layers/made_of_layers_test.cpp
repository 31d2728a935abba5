// Layers that are made of layers: what a class derived from Sequential gets without saying a word about it.
#include <tare/core/tools/gradcheck.h>
#include <tare/core/tools/inspect.h>
#include <tare/layers/fold.h>
#include <tare/layers/init.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace tare {
namespace {

class Residual : public Sequential {
 public:
  Var forward(Var x, Mode mode) override { return x + Sequential::forward(x, mode); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Residual>(*this); }
  bool is_chain() const override { return true; }
};

// [f(x) g(x)]: layers that are no chain.
class Beside : public Sequential {
 public:
  Var forward(Var x, Mode mode) override { return concat_cols(forward_layer(0, x, mode), forward_layer(1, x, mode)); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Beside>(*this); }
};

class Forgetful : public Sequential {
 public:
  Var forward(Var x, Mode) override { return -x; }
};

BatchNorm used_norm(Index features, Random& random) {
  BatchNorm norm({.features = features});
  for (Index k = 0; k < features; ++k) {
    norm.gamma.value(0, k) = static_cast<real>(random.normal());
    norm.beta.value(0, k) = static_cast<real>(random.normal());
    norm.running_mean(0, k) = static_cast<real>(random.normal());
    norm.running_var(0, k) = static_cast<real>(0.1 + random.uniform());
  }
  return norm;
}

Residual residual(Random& random) {
  Residual block;
  block.add(Linear({.in = 3, .out = 3}, random));
  block.add(used_norm(3, random));
  block.add(Dropout(0.5, Random(7)));
  return block;
}

// Linear, a residual block, and a Linear beside a BatchNorm that does not follow it.
Sequential network() {
  Random random(1);
  Beside beside;
  beside.add(Linear({.in = 3, .out = 3}, random));
  beside.add(used_norm(3, random));
  Sequential model;
  model.add(Linear({.in = 2, .out = 3}, random));
  model.add(residual(random));
  model.add(std::move(beside));
  model.add(Linear({.in = 6, .out = 2}, random));
  return model;
}

Matrix output(const Layer& layer) {
  Random random(2);
  Tape tape(Tape::Gradients::none);
  return evaluate(layer, tape.constant(random_matrix(random, 5, 2))).value();
}

TEST_CASE("its parameters, state and generators are those of its layers, by their places") {
  Sequential model = network();
  std::vector<std::string> names;
  for (const ConstStateTensor& tensor : state_of(model)) names.push_back(tensor.name);
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias",
                                          "1.1.running_mean", "1.1.running_var", "1.1.num_batches_tracked",
                                          "2.0.weight", "2.0.bias", "2.1.weight", "2.1.bias", "2.1.running_mean",
                                          "2.1.running_var", "2.1.num_batches_tracked", "3.weight", "3.bias"});
  CHECK(model.parameters().size() == 12);
  CHECK(parameters_of(model).size() == 12);
  CHECK(generators_of(model).size() == 1);
  CHECK(model.describe() ==
        "Linear(2, 3) - (Linear(3, 3) - BatchNorm(3) - Dropout(0.5)) - (Linear(3, 3) - BatchNorm(3)) - Linear(6, 2)");
}

TEST_CASE("on the tape every parameter has the name that it has in the state") {
  Sequential model = network();
  Random random(3);
  Tape tape;
  tape.backward(sum(model.forward(tape.constant(random_matrix(random, 5, 2)), Mode::train)));
  std::set<std::string> leaves;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    if (tape.entry(i).parameter != nullptr) leaves.insert(entry_name(tape.entry(i)));
  }
  CHECK(leaves == std::set<std::string>{"0.weight", "0.bias", "1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias",
                                        "2.0.weight", "2.0.bias", "2.1.weight", "2.1.bias", "3.weight", "3.bias"});
}

TEST_CASE("its gradients") {
  Sequential model = network();
  Random random(4);
  const Matrix x = random_matrix(random, 5, 2);
  const auto f = [&](Tape& tape) { return model.forward(tape.constant(x), Mode::eval); };
  CHECK(check_gradients(f, model.parameters(), random).relative <= 1e-6);
}

TEST_CASE("a copy is of the same class; one that cannot be copied as what it is, is an Error") {
  const Sequential model = network();
  Sequential copy = model;
  CHECK(dynamic_cast<const Residual*>(&copy[1]) != nullptr);
  CHECK(same_bits(output(copy), output(model)));
  copy.erase(0);
  CHECK(model.size() == 4);

  Sequential with;
  with.add(Forgetful());
  const auto copied = [&] {
    Sequential again = with;
    again.erase(0);
  };
  CHECK(contains(error_of(copied), "layer 0, : expected clone() to make a layer of its own type"));
}

TEST_CASE("a chain inside is folded, layers that are none are not; the outputs stay") {
  const Sequential model = network();
  const std::unique_ptr<Layer> folded = fold_where_possible(model);
  CHECK(folded->describe() ==
        "Linear(2, 3) - (Linear(3, 3) - Dropout(0.5)) - (Linear(3, 3) - BatchNorm(3)) - "
        "Linear(6, 2)");
  CHECK(max_difference(output(*folded), output(model)) <= 1e-12);
  CHECK(error_of([&] { fold_batch_norm(model); }) ==
        "layer 2.1, BatchNorm(3): expected layers that are a chain to fold it into, found others");

  Sequential chain;
  Random random(5);
  chain.add(Linear({.in = 2, .out = 3}, random));
  chain.add(residual(random));
  CHECK(max_difference(output(fold_batch_norm(chain)), output(chain)) <= 1e-12);
  dynamic_cast<Linear&>(dynamic_cast<Residual&>(chain[1])[0]).bias->value.setConstant(real{0.7});
  const Sequential dropped = drop_cancelled_biases(chain);
  CHECK(dropped.describe() == "Linear(2, 3) - (Linear(3, 3, no bias) - BatchNorm(3) - Dropout(0.5))");
  CHECK(max_difference(output(dropped), output(chain)) <= 1e-12);
}

TEST_CASE("a model of a class of its own stays one when it is folded, or is refused") {
  Random random(6);
  const Residual model = residual(random);
  const std::unique_ptr<Layer> folded = fold_where_possible(model);
  CHECK(dynamic_cast<Residual*>(folded.get()) != nullptr);
  Tape tape(Tape::Gradients::none);
  const Var x = tape.constant(random_matrix(random, 5, 3));
  CHECK(max_difference(evaluate(*folded, x).value(), evaluate(model, x).value()) <= 1e-12);
  CHECK(contains(error_of([&] { fold_batch_norm(model); }), "found a class derived from it"));
  CHECK(contains(error_of([&] { drop_cancelled_biases(model); }), "found a class derived from it"));
}

TEST_CASE("replacing and taking out layers") {
  Sequential model = network();
  model.erase(1);
  model.replace(1, std::make_unique<Linear>(Linear::Options{.in = 3, .out = 6}));
  CHECK(model.describe() == "Linear(2, 3) - Linear(3, 6) - Linear(6, 2)");
  CHECK(contains(error_of([&] { model.erase(3); }), "expected a layer below 3, found 3"));
  CHECK(contains(error_of([&] { model.replace(3, nullptr); }), "expected a layer below 3, found 3"));
  CHECK(contains(error_of([&] { model.replace(0, nullptr); }), "expected a layer, found none"));
  Tape tape;
  const Var x = tape.constant(Matrix::Ones(2, 2));
  CHECK(contains(error_of([&] { model.forward_layer(3, x, Mode::eval); }), "expected a layer below 3, found 3"));
}

TEST_CASE("a Linear with a generator can learn, one without is zero") {
  Random random(1), again(1);
  const Linear layer({.in = 300, .out = 200}, random);
  Parameter he("weight", 200, 300);
  init_he(he, again);
  CHECK(same_bits(layer.weight.value, he.value));
  CHECK(layer.bias->value.isZero());
  CHECK(Linear({.in = 3, .out = 2}).weight.value.isZero());
}

}  // namespace
}  // namespace tare
