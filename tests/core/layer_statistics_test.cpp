// What a LayerProbe says of a step, against plain loops over what the layers put out; in double.
#include <tare/core/ops/loss.h>
#include <tare/core/tools/layer_statistics.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

namespace tare {
namespace {

Random test_random(std::uint64_t number = 0) { return Random(12, Random::Stream{4}, number); }

double norm_of(const AnyMatrix& m) {
  double sum = 0;
  for (Index i = 0; i < m.rows(); ++i) {
    for (Index j = 0; j < m.cols(); ++j) sum += m(i, j) * m(i, j);
  }
  return std::sqrt(sum);
}

double rms_of(const AnyMatrix& m) { return norm_of(m) / std::sqrt(static_cast<double>(m.size())); }

double share_of(const AnyMatrix& m, const std::function<bool(double)>& is_saturated) {
  double count = 0;
  for (Index i = 0; i < m.rows(); ++i) {
    for (Index j = 0; j < m.cols(); ++j) count += is_saturated(m(i, j)) ? 1 : 0;
  }
  return count / static_cast<double>(m.size());
}

double angle_of(const AnyMatrix& a, const AnyMatrix& b) {
  double dot = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) dot += a(i, j) * b(i, j);
  }
  return std::acos(dot / (norm_of(a) * norm_of(b)));
}

// Also where both are small.
doctest::Approx near(double x) { return doctest::Approx(x).epsilon(1e-11).scale(1e-6); }

// A layer that notes its outputs in the order in which they come.
template <class L>
struct Watched : L {
  Watched(L layer, std::vector<Var>& outputs) : L(std::move(layer)), outputs(&outputs) {}
  Var forward(Var x, Mode mode) override {
    outputs->push_back(L::forward(x, mode));
    return outputs->back();
  }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Watched>(*this); }
  std::vector<Var>* outputs;
};

// Linear - BatchNorm - ReLU - (x + Linear - Tanh) - (Linear - Sigmoid) - LayerNorm - Linear, of 3 numbers to 2.
class Network {
 public:
  Network() {
    Random random = test_random();
    const auto linear = [&](Index in, Index out) {
      Linear layer({.in = in, .out = out}, random);
      layer.weight.value *= 4;  // so that some units are saturated
      return layer;
    };
    Residual residual;
    watch(residual, linear(4, 4));
    watch(residual, activation_layer(Activation::tanh));
    Sequential chain;
    watch(chain, linear(4, 5));
    watch(chain, activation_layer(Activation::sigmoid));
    watch(model, linear(3, 4));
    watch(model, BatchNorm({.features = 4}));
    watch(model, activation_layer(Activation::relu));
    watch(model, std::move(residual));
    model.add(std::move(chain));  // puts out nothing of its own
    watch(model, LayerNorm({.features = 5}));
    watch(model, linear(5, 2));
    x = random_matrix(random, 7, 3);
  }
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  Var loss(Tape& tape) {
    outputs.clear();
    return softmax_cross_entropy(model.forward(tape.constant(x), Mode::train), std::vector<int>{0, 1, 1, 0, 1, 0, 0});
  }
  void update(real lr) {
    for (Parameter* p : model.parameters()) {
      if (p->requires_grad) p->value -= lr * p->grad;
    }
  }

  Sequential model;
  std::vector<Var> outputs;  // of the last step
  Matrix x;

 private:
  template <class L>
  void watch(Sequential& to, L layer) {
    to.add(Watched<L>(std::move(layer), outputs));
  }
};

const std::vector<std::string> kPlaces{"0", "1", "2", "3.0", "3.1", "3", "4.0", "4.1", "5", "6"};

// The parameters called "weight", by the place of their layer.
std::vector<std::pair<std::string, Parameter*>> weights_of(Sequential& model) {
  std::vector<std::pair<std::string, Parameter*>> weights;
  const auto add = [&](const std::string& place, Layer& layer) { weights.emplace_back(place, layer.parameters()[0]); };
  auto &residual = dynamic_cast<Sequential&>(model[3]), &chain = dynamic_cast<Sequential&>(model[4]);
  for (const std::size_t i : {0, 1, 5, 6}) add(fmt::to_string(i), model[i]);
  add("3.0", residual[0]);
  add("4.0", chain[0]);
  for (const auto& entry : weights) REQUIRE(entry.second->name == "weight");
  return weights;
}

TEST_CASE("every column of every layer, also of layers inside of a layer, is what plain loops say") {
  Network network;
  Tape tape;
  tape.backward(network.loss(tape));
  const auto weights = weights_of(network.model);
  std::vector<Matrix> before;
  for (const auto& entry : weights) before.emplace_back(entry.second->value);
  const LayerProbe probe(tape);
  network.update(0.1);
  const std::vector<LayerStatistics> layers = probe.statistics();

  REQUIRE(network.outputs.size() == kPlaces.size());
  REQUIRE(layers.size() == kPlaces.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerStatistics& layer = layers[i];
    CAPTURE(kPlaces[i]);
    CHECK(layer.place == kPlaces[i]);
    const Matrix y = network.outputs[i].value(), gradient = network.outputs[i].grad();
    // Of BatchNorm the mean is zero to rounding, so only the size of the outputs says how near is near.
    CHECK(std::abs(layer.output_mean - y.sum() / static_cast<double>(y.size())) <= 1e-14 * rms_of(y));
    CHECK(layer.output_rms == near(rms_of(y)));
    REQUIRE(layer.gradient_rms.has_value());
    CHECK(*layer.gradient_rms == near(rms_of(gradient)));
    CHECK(*layer.gradient_rms > 0);

    std::optional<double> share;
    if (layer.place == "2") share = share_of(y, [](double v) { return v == 0; });
    if (layer.place == "3.1") share = share_of(y, [](double v) { return std::abs(v) >= 0.98; });
    if (layer.place == "4.1") share = share_of(y, [](double v) { return v <= 0.02 || v >= 0.98; });
    CHECK(layer.saturated_share == share);
    if (share) CHECK((*share > 0 && *share < 1));

    bool has_weight = false;
    for (std::size_t j = 0; j < weights.size(); ++j) {
      if (weights[j].first != layer.place) continue;
      has_weight = true;
      const Parameter& weight = *weights[j].second;
      const Matrix& w = before[j];
      CHECK(layer.weight_norm.value() == near(norm_of(w)));
      CHECK(layer.weight_gradient_norm.value() == near(norm_of(weight.grad)));
      CHECK(layer.update_ratio.value() == near(norm_of(Matrix(weight.value - w)) / norm_of(w)));
      CHECK(*layer.update_ratio > 1e-4);
      CHECK(layer.angle.value() == doctest::Approx(angle_of(w, weight.value)).epsilon(1e-6).scale(1e-6));
    }
    CHECK(layer.weight_norm.has_value() == has_weight);
    CHECK(layer.weight_gradient_norm.has_value() == has_weight);
    CHECK(layer.update_ratio.has_value() == has_weight);
    CHECK(layer.angle.has_value() == has_weight);
  }
}

TEST_CASE("a step whose numbers can be followed on paper") {
  Sequential model;
  Linear& linear = model.add(Linear({.in = 1, .out = 2, .bias = false}));
  linear.weight.value << 3, -4;
  model.add(activation_layer(Activation::relu));
  Tape tape;
  Matrix x(2, 1);
  x << 1, 2;
  tape.backward(sum(model.forward(tape.constant(x), Mode::train)));  // of [3 -4; 6 -8], of which ReLU leaves [3 0; 6 0]
  const LayerProbe probe(tape);
  linear.weight.value << 4, -3;
  const std::vector<LayerStatistics> layers = probe.statistics();
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].output_mean == near(-0.75));
  CHECK(layers[0].output_rms == near(std::sqrt(31.25)));      // (9 + 16 + 36 + 64) / 4
  CHECK(layers[0].gradient_rms == near(std::sqrt(0.5)));      // of [1 0; 1 0]
  CHECK(layers[0].weight_norm == near(5));                    // of (3, -4)
  CHECK(layers[0].weight_gradient_norm == near(3));           // of (3, 0)
  CHECK(layers[0].update_ratio == near(std::sqrt(2.0) / 5));  // (1, 1)
  CHECK(layers[0].angle == near(std::acos(0.96)));            // (12 + 12) / 25
  CHECK(layers[1].output_mean == near(2.25));
  CHECK(layers[1].gradient_rms == near(1));
  CHECK(layers[1].saturated_share == near(0.5));
}

TEST_CASE("saturated: a ReLU at 0, sigmoid and tanh within 0.02 of a limit") {
  const auto share = [](Activation activation, std::initializer_list<double> inputs) {
    Sequential model;
    model.add(activation_layer(activation));
    Matrix x(1, std::ssize(inputs));
    std::ranges::copy(inputs, x.data());
    Tape tape;
    model.forward(tape.constant(x), Mode::train);
    return LayerProbe(tape).statistics().at(0).saturated_share.value();
  };
  CHECK(share(Activation::relu, {-3, -1e-300, -0.0, 0, 1e-300, 0.01, 5, 0.02}) == 0.5);
  // sigmoid(log 49) = 0.98, tanh(log 99 / 2) = 0.98
  const double sigmoid = std::log(49.0), tanh = std::log(99.0) / 2;
  for (const double sign : {1, -1}) {
    CHECK(share(Activation::sigmoid, {sign * (sigmoid + 1e-9), sign * (sigmoid - 1e-9)}) == 0.5);
    CHECK(share(Activation::tanh, {sign * (tanh + 1e-9), sign * (tanh - 1e-9)}) == 0.5);
    CHECK(share(Activation::sigmoid, {sign * 800, 0, sign, sign * 2}) == 0.25);
    CHECK(share(Activation::tanh, {sign * 800, 0, sign, sign * 2}) == 0.25);
  }
}

TEST_CASE("the angle of a tiny turn, of none and of a half turn; a length does not matter") {
  Random random = test_random(1);
  Sequential model;
  Parameter& weight = model.add(Linear({.in = 40, .out = 30}, random)).weight;
  const Matrix w = weight.value;
  Matrix across = random_matrix(random, 30, 40);
  across -= across.cwiseProduct(w).sum() / w.squaredNorm() * w;
  across *= w.norm() / across.norm();
  const auto statistics = [&](const Matrix& after) {
    weight.value = w;
    Tape tape;
    model.forward(tape.constant(random_matrix(random, 2, 40)), Mode::train);
    const LayerProbe probe(tape);
    weight.value = after;
    return probe.statistics().at(0);
  };
  for (const double angle : {1e-9, 1e-7, 1e-3, 1.0, 3.0}) {
    for (const double length : {1.0, 0.3, 2.0}) {
      CAPTURE(angle);
      const Matrix turned = length * (std::cos(angle) * w + std::sin(angle) * across);
      CHECK(std::abs(statistics(turned).angle.value() - angle) <= 1e-15 + 1e-9 * angle);
    }
  }
  const LayerStatistics same = statistics(w), twice = statistics(2 * w), opposite = statistics(-w);
  CHECK(same.update_ratio == 0);
  CHECK(same.angle == 0);
  CHECK(twice.update_ratio == near(1));
  CHECK(twice.angle == 0);
  CHECK(opposite.angle == near(std::numbers::pi));
  CHECK(std::abs(statistics(w + 1e-9 * across).update_ratio.value() - 1e-9) <= 1e-15);
}

TEST_CASE("frozen weights have no gradient and do not move") {
  Network network;
  const auto weights = weights_of(network.model);
  for (Parameter* p : network.model.parameters()) p->requires_grad = false;
  for (const auto& entry : weights) entry.second->requires_grad = entry.first == "3.0";
  Tape tape;
  tape.backward(network.loss(tape));
  const LayerProbe probe(tape);
  network.update(0.1);
  for (const LayerStatistics& layer : probe.statistics()) {
    CAPTURE(layer.place);
    // Before the only weight that learns nothing needs a gradient.
    CHECK(layer.gradient_rms.has_value() == !(layer.place == "0" || layer.place == "1" || layer.place == "2"));
    if (!layer.weight_norm) continue;
    CHECK(*layer.weight_norm > 0);
    const bool learns = layer.place == "3.0";
    CHECK(layer.weight_gradient_norm.has_value() == learns);
    CHECK((layer.update_ratio.value() > 0) == learns);
    CHECK((layer.angle.value() > 0) == learns);
  }
}

TEST_CASE("without backward() there are no gradients, and the rest is there") {
  Network network;
  Tape tape;
  network.loss(tape);
  const std::vector<LayerStatistics> layers = LayerProbe(tape).statistics();
  REQUIRE(layers.size() == kPlaces.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    CHECK(layers[i].output_rms == near(rms_of(network.outputs[i].value())));
    CHECK_FALSE(layers[i].gradient_rms.has_value());
    CHECK_FALSE(layers[i].weight_gradient_norm.has_value());
    if (layers[i].weight_norm) CHECK(layers[i].update_ratio == 0);
  }
  Tape evaluation(Tape::Gradients::none);
  evaluate(network.model, evaluation.constant(network.x));
  CHECK(LayerProbe(evaluation).statistics().size() == kPlaces.size());
  CHECK(LayerProbe(Tape()).statistics().empty());
}

// Every number of a tape and of a model.
std::vector<Matrix> all_numbers(const Tape& tape, Layer& model) {
  std::vector<Matrix> numbers;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    numbers.emplace_back(e.value);
    numbers.emplace_back(e.grad ? Matrix(*e.grad) : Matrix());
  }
  for (const StateTensor& tensor : model.state()) {
    if (const auto* m = std::get_if<MatrixMap>(&tensor.data)) numbers.emplace_back(*m);
    if (const auto* count = std::get_if<std::int64_t*>(&tensor.data))
      numbers.push_back(Matrix::Constant(1, 1, **count));
  }
  for (const Parameter* p : model.parameters()) numbers.emplace_back(p->grad);
  return numbers;
}

TEST_CASE("taking statistics changes nothing on the tape and nothing in the model") {
  const auto same = [](const std::vector<Matrix>& a, const std::vector<Matrix>& b) {
    return std::ranges::equal(a, b, [](const Matrix& x, const Matrix& y) { return same_bits(x, y); });
  };
  Network network, other;
  Tape tape, other_tape;
  for (int step = 0; step < 3; ++step) {
    tape.clear();
    for (Parameter* p : network.model.parameters()) p->grad.setZero();
    const Var loss = network.loss(tape);
    const LayerProbe early(tape);
    tape.backward(loss);
    const std::vector<Matrix> before = all_numbers(tape, network.model);
    const LayerProbe probe(tape);
    CHECK(same(all_numbers(tape, network.model), before));
    network.update(0.1);
    const std::vector<Matrix> after = all_numbers(tape, network.model);
    CHECK(probe.statistics().size() == kPlaces.size());
    CHECK(same(all_numbers(tape, network.model), after));

    other_tape.clear();
    for (Parameter* p : other.model.parameters()) p->grad.setZero();
    other_tape.backward(other.loss(other_tape));
    other.update(0.1);
    CHECK(same(all_numbers(other_tape, other.model), after));
  }
}

}  // namespace
}  // namespace tare
