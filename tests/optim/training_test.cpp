// Training, evaluation, saved models and predictions, as a program outside of this repository uses them.
#include <tare/core/machine/file.h>
#include <tare/core/ops/loss.h>
#include <tare/datasets/pictures/network_input.h>
#include <tare/datasets/pictures/png.h>
#include <tare/layers/files/model_file.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include <tare/optim/training/checkpoint.h>
#include <tare/optim/training/predict.h>
#include <tare/optim/training/saved_model.h>
#include <tare/optim/training/train.h>
#include "tests/core/core_testing.h"
#include "tests/datasets/file_testing.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tare {
using testing::TemporaryFolder;
namespace {

// y = 2 x - 1, for x from -1 to 1.
Table line(Index count) {
  Table table{Buffer(count, 1), {}};
  table.targets.emplace(count, 1);
  Random random(1);
  for (Index i = 0; i < count; ++i) {
    table.x(i, 0) = static_cast<real>(2 * random.uniform() - 1);
    (*table.targets)(i, 0) = 2 * table.x(i, 0) - 1;
  }
  return table;
}

bool same_tensors(const Safetensors& a, const Safetensors& b) {
  return std::ranges::equal(a.tensors, b.tensors, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.bytes == y.second.bytes;
  });
}

Sequential one_linear() {
  Random random(2);
  Sequential model;
  model.add(Linear({.in = 1, .out = 1}, random));
  return model;
}

TEST_CASE("the loop needs no hooks; targets are learned by the mean squared error") {
  const Table train_set = line(100), test_set = line(30);
  Sequential model = one_linear();
  Workers workers(1);
  const TrainingResult result = train(model, {train_set, test_set}, {.lr = 0.1, .batch = 10, .epochs = 30}, workers);
  REQUIRE(result.evaluation.has_value());
  CHECK(result.evaluation->loss <= 1e-8);
  CHECK(result.evaluation->confusion.empty());
  const auto& fitted = dynamic_cast<const Linear&>(model[0]);
  CHECK(fitted.weight.value(0, 0) == doctest::Approx(2).epsilon(1e-3));
  CHECK(fitted.bias->value(0, 0) == doctest::Approx(-1).epsilon(1e-3));

  // What evaluate says is what the loss says of all samples at once.
  Tape tape(Tape::Gradients::none);
  model.add(Elementwise("Tanh", tanh));
  const Batch all = gather(Samples(test_set), 0, 30, tape);
  const double expected = static_cast<double>(mse(evaluate(model, all.x), *all.targets).item());
  CHECK(evaluate(model, test_set, tape).loss == doctest::Approx(expected));
}

TEST_CASE("a loss of one's own trains and evaluates") {
  const Table samples = line(100);
  Sequential model = one_linear();
  Workers workers(1);
  int asked = 0;
  TrainingHooks hooks;
  hooks.loss = [&](Var output, const Batch& batch) {
    ++asked;
    return mean(square(output - *batch.targets + 5));  // 5 below
  };
  const TrainingResult result =
      train(model, {samples, samples}, {.lr = 0.1, .batch = 20, .epochs = 40}, workers, hooks);
  CHECK(asked == 40 * (5 + 1));
  CHECK(result.evaluation->loss <= 1e-6);
  CHECK(dynamic_cast<const Linear&>(model[0]).bias->value(0, 0) == doctest::Approx(-6).epsilon(1e-3));
}

// ---- Validation -----------------------------------------------------------------------------------------------------

// On the way to y = 2 x - 1 the model passes by the line of the validation.
struct Passing {
  Table samples = line(40), held_out = line(20);
  TrainingOptions options{.lr = 0.05, .momentum = 0, .batch = 10, .epochs = 20};
  Workers workers{1};

  Passing() { *held_out.targets *= real{0.6}; }
  TrainingData data() const { return {.train = samples, .validation = held_out}; }
};

TEST_CASE("the kept model is that of the lowest validation loss, or the last one") {
  Passing p;
  Sequential last = one_linear(), best = one_linear();
  std::vector<double> losses;
  std::vector<Safetensors> models;
  TrainingHooks hooks;
  hooks.after_step = [&](const StepRecord& s) {
    CHECK((s.validation != nullptr) == (s.step % 3 == 0 || s.ends_epoch));
    CHECK(s.evaluation == nullptr);
    if (s.validation == nullptr) return;
    losses.push_back(s.validation->loss);
    models.push_back(state_tensors(last));
  };
  p.options.eval_every = 3;
  const TrainingResult without = train(last, p.data(), p.options, p.workers, hooks);
  CHECK(without.validation->loss == losses.back());
  CHECK_FALSE(without.evaluation.has_value());
  const auto lowest = std::ranges::min_element(losses);
  REQUIRE(lowest != losses.begin());
  REQUIRE(lowest != losses.end() - 1);

  p.options.keep = Keep::best;
  const TrainingResult with = train(best, p.data(), p.options, p.workers);
  CHECK(with.last.step == without.last.step);
  CHECK(with.validation->loss == *lowest);
  CHECK(same_tensors(state_tensors(best), models[static_cast<std::size_t>(lowest - losses.begin())]));
  CHECK_FALSE(same_tensors(state_tensors(best), state_tensors(last)));

  // Stopped, it still is; the model that was trained stays what it was.
  Sequential stopped = one_linear();
  RunState state(stopped, p.options);
  hooks = {};
  hooks.should_stop = [&] { return state.step == 79; };
  const TrainingResult early = train(stopped, state, p.data(), p.options, p.workers, hooks);
  CHECK(early.stopped);
  CHECK_FALSE(early.validation.has_value());
  CHECK(same_tensors(state_tensors(state.kept(stopped)), state_tensors(best)));
  CHECK_FALSE(same_tensors(state_tensors(stopped), state_tensors(best)));
}

TEST_CASE("patience counts whole epochs, ends training at the end of one, and needs samples for validation") {
  Passing p;
  Sequential model = one_linear();
  for (const std::int64_t patience : {1, 3}) {
    p.options.patience = patience;
    RunState state(model = one_linear(), p.options);
    bool ends = false;
    TrainingHooks hooks;
    hooks.after_step = [&](const StepRecord& s) { ends = s.ends_training; };
    const TrainingResult result = train(model, state, p.data(), p.options, p.workers, hooks);
    CHECK(ends);
    CHECK(result.last.ends_epoch);
    CHECK(result.last.epoch == (state.best->step + 3) / 4 + patience);
    CHECK(result.last.epoch < 20);
    CHECK_FALSE(result.stopped);
    // It stays at its end.
    const TrainingResult again = train(model, state, p.data(), p.options, p.workers, hooks);
    CHECK(again.last.step == result.last.step);
    CHECK(again.validation->loss == result.validation->loss);
  }
  CHECK(error_of([&] { train(model, {p.samples}, p.options, p.workers); }) ==
        "training: keep, patience: expected samples for validation, found none");
}

// ---- What BatchNorm normalizes by in evaluation ---------------------------------------------------------------------

class Residual : public Sequential {
 public:
  Var forward(Var x, Mode mode) override { return x + Sequential::forward(x, mode); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Residual>(*this); }
  bool is_chain() const override { return true; }
};

// Linear - BatchNorm - ReLU - Dropout - (x + Linear - BatchNorm - Dropout) - Linear
Sequential network_with_two_norms() {
  Random random(3);
  const auto norm = [&] {
    BatchNorm norm({.features = 4});
    for (MatrixMap m : {MatrixMap(norm.gamma.value), MatrixMap(norm.beta.value), MatrixMap(norm.running_mean)}) {
      m = random_matrix(random, 1, 4);
    }
    return norm;
  };
  Residual block;
  block.add(Linear({.in = 4, .out = 4}, random));
  block.add(norm());
  block.add(Dropout(0.3, Random(4)));
  Sequential model;
  model.add(Linear({.in = 3, .out = 4}, random));
  model.add(norm());
  model.add(Elementwise("ReLU", relu));
  model.add(Dropout(0.5, Random(5)));
  model.add(std::move(block));
  model.add(Linear({.in = 4, .out = 2}, random));
  return model;
}

// The same by hand, in double, for one batch: each BatchNorm by the batch, without dropout. Adds the batches' means and
// unbiased variances to `sums`, a row of each for each BatchNorm.
Eigen::ArrayXXd by_hand(const Sequential& model, const Eigen::ArrayXXd& x, Eigen::ArrayXXd& sums) {
  const auto linear = [](const Eigen::ArrayXXd& x, const Layer& layer) {
    const auto& l = dynamic_cast<const Linear&>(layer);
    const Eigen::MatrixXd y = x.matrix() * l.weight.value.cast<double>().transpose();
    return Eigen::ArrayXXd((y.rowwise() + l.bias->value.cast<double>().row(0)).array());
  };
  const auto normalized = [&](Eigen::ArrayXXd x, const Layer& layer, Index row) {
    const auto& norm = dynamic_cast<const BatchNorm&>(layer);
    const auto n = static_cast<double>(x.rows());
    for (Index k = 0; k < x.cols(); ++k) {
      const double mean = x.col(k).mean(), variance = (x.col(k) - mean).square().mean();
      const double gamma = norm.gamma.value(0, k), beta = norm.beta.value(0, k);
      x.col(k) = gamma * (x.col(k) - mean) / std::sqrt(variance + 1e-5) + beta;
      sums(row, k) += mean;
      sums(row + 1, k) += variance * n / (n - 1);
    }
    return x;
  };
  const auto& block = dynamic_cast<const Sequential&>(model[4]);
  const Eigen::ArrayXXd hidden = normalized(linear(x, model[0]), model[1], 0).max(0);
  return linear(hidden + normalized(linear(hidden, block[0]), block[1], 2), model[5]);
}

struct LabelledRows {
  Buffer x;
  std::vector<int> labels;
};

LabelledRows labelled_rows(Index count) {
  Random random(6);
  LabelledRows rows{random_matrix(random, count, 3), {}};
  for (Index i = 0; i < count; ++i) rows.labels.push_back(rows.x(i, 0) > 0 ? 1 : 0);
  return rows;
}

TEST_CASE("each batch normalized by its own statistics is what is computed by hand, and nothing changes") {
  const LabelledRows rows = labelled_rows(23);
  const Sequential model = network_with_two_norms();
  const Safetensors before = state_tensors(model);
  Tape tape(Tape::Gradients::none);
  const struct {
    Index batch;
    std::vector<Index> sizes;
  } cases[] = {{10, {10, 10, 3}}, {7, {7, 7, 7, 2}}, {11, {11, 12}}, {2, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3}},
               {22, {23}},        {23, {23}}};
  for (const auto& c : cases) {
    CAPTURE(c.batch);
    std::vector<Index> sizes;
    double loss = 0, difference = 0;
    std::int64_t correct = 0;
    const auto compare = [&](const View& output, Index begin) {
      Eigen::ArrayXXd unused = Eigen::ArrayXXd::Zero(4, 4);
      const Eigen::ArrayXXd expected =
          by_hand(model, rows.x.middleRows(begin, output.rows()).cast<double>().array(), unused);
      difference = std::max(difference, (expected - output.cast<double>().array()).abs().maxCoeff());
      for (Index i = 0; i < output.rows(); ++i) {
        const int label = rows.labels[static_cast<std::size_t>(begin + i)];
        loss += std::log(expected.row(i).exp().sum()) - expected(i, label);
        correct += (expected(i, 1) > expected(i, 0)) == (label == 1);
      }
      sizes.push_back(output.rows());
    };
    const Evaluation found = evaluate_by_batch(model, Samples(rows.x, rows.labels), c.batch, tape, compare);
    CHECK(sizes == c.sizes);
    CHECK(difference <= (c.batch == 2 ? 1e-2 : 1e-4));  // of two samples that are almost equal, many digits cancel
    CHECK(found.loss == doctest::Approx(loss / 23).epsilon(c.batch == 2 ? 1e-3 : 1e-5));
    CHECK(found.correct == correct);
    CHECK(found.samples == 23);
  }
  CHECK(same_tensors(state_tensors(model), before));
}

TEST_CASE("new running statistics are the plain averages over the batches, of every layer, and nothing else changes") {
  const LabelledRows rows = labelled_rows(23);
  Sequential model = network_with_two_norms();
  const Sequential old = model;
  const std::vector<BatchNorm*> norms = batch_norms(model);
  REQUIRE(norms.size() == 2);
  norms[1]->running_var.setConstant(std::numeric_limits<real>::infinity());  // leaves no trace
  Tape tape(Tape::Gradients::none);
  estimate_statistics(model, Samples(rows.x), 7, tape);
  Eigen::ArrayXXd sums = Eigen::ArrayXXd::Zero(4, 4);
  for (const Index begin : {0, 7, 14}) by_hand(model, rows.x.middleRows(begin, 7).cast<double>().array(), sums);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(norms[i]->num_batches_tracked == 3);
    CHECK(norms[i]->options.momentum == 0.1);
    for (Index k = 0; k < 4; ++k) {
      const auto row = static_cast<Index>(2 * i);
      CHECK(norms[i]->running_mean(0, k) == doctest::Approx(sums(row, k) / 3).epsilon(1e-4));
      CHECK(norms[i]->running_var(0, k) == doctest::Approx(sums(row + 1, k) / 3).epsilon(1e-4));
    }
  }
  const std::vector<const Parameter*> now = parameters_of(model), then = parameters_of(old);
  for (std::size_t i = 0; i < now.size(); ++i) CHECK(same_bits(now[i]->value, then[i]->value));

  // A pass over a pass is the same: nothing of the old statistics is used.
  const Safetensors once = state_tensors(model);
  estimate_statistics(model, Samples(rows.x), 7, tape);
  CHECK(same_tensors(state_tensors(model), once));

  BatchNorm alone({.features = 3});
  estimate_statistics(alone, Samples(rows.x), 23, tape);
  CHECK(alone.running_mean(0, 2) == doctest::Approx(rows.x.col(2).mean()).epsilon(1e-4));
}

TEST_CASE("evaluation by running statistics takes 500 samples at a time, also where one is left over") {
  const LabelledRows rows = labelled_rows(501);
  const Sequential model = network_with_two_norms();
  Tape tape(Tape::Gradients::none);
  std::vector<Index> sizes;
  const auto note = [&](const View& output, Index) { sizes.push_back(output.rows()); };
  evaluate(model, Samples(rows.x, rows.labels), tape, note);
  CHECK(sizes == std::vector<Index>{500, 1});
}

TEST_CASE("a batch that has no variance, or is larger than the data, is refused") {
  const LabelledRows rows = labelled_rows(23);
  Sequential model = network_with_two_norms();
  Tape tape(Tape::Gradients::none), recording;
  const Samples samples(rows.x, rows.labels);
  for (const Index batch : {1, 24}) {
    const std::string expected = fmt::format("batch: expected 2 to 23 samples, found {}", batch);
    CHECK(error_of([&] { evaluate_by_batch(model, samples, batch, tape); }) == expected);
    CHECK(error_of([&] { estimate_statistics(model, samples, batch, tape); }) == expected);
  }
  CHECK_FALSE(error_of([&] { estimate_statistics(model, samples, 5, recording); }).empty());
}

TEST_CASE("what has no end, no data or no labels is refused before training") {
  const Table samples = line(10);
  Sequential model = one_linear();
  Workers workers(1);
  const auto message = [&](const TrainingOptions& options) {
    return error_of([&] { train(model, {samples}, options, workers); });
  };
  CHECK(message({.batch = 5}) == "training: expected a number of epochs or steps, found neither");
  CHECK(message({.batch = 11, .epochs = 1}) == "batch: expected 1 to 10 training samples, found 11");
  CHECK(message({.batch = 0, .epochs = 1}) == "batch: expected 1 to 10 training samples, found 0");
  const Index most = std::numeric_limits<Index>::max();
  CHECK(message({.batch = 5, .epochs = 0}) == fmt::format("training: epochs: expected 1 to {}, found 0", most / 2));
  CHECK(message({.batch = 5, .epochs = most}).starts_with("training: epochs: expected 1 to "));
  CHECK(message({.batch = 5, .steps = -1}) == fmt::format("training: steps: expected 1 to {}, found -1", most));
  CHECK(message({.batch = 5, .epochs = 1, .eval_every = 0}).starts_with("training: eval_every: expected 1 to "));
  CHECK(message({.schedule = {.kind = ScheduleOptions::Kind::step, .period = most}, .batch = 5, .epochs = 1})
            .starts_with("training: schedule: period: expected 1 to "));
  Tape tape(Tape::Gradients::none);
  CHECK(error_of([&] { evaluate(model, Samples(Matrix(0, 1)), tape); }) ==
        "evaluate: samples: expected at least 1, found 0");
  // A loss of one's own may take labels that are no classes.
  const std::vector<int> labels(10, -1);
  TrainingHooks hooks;
  hooks.loss = [](Var output, const Batch&) { return mean(square(output)); };
  const Samples with_labels(samples.x, std::span(labels));
  CHECK(train(model, {with_labels, with_labels}, {.batch = 5, .epochs = 1}, workers, hooks).evaluation->correct == 0);
  CHECK(error_of([&] { train(model, {Samples(samples.x)}, {.batch = 5, .epochs = 1}, workers); }) ==
        "batch: expected a label or targets for each of 10 samples, found none");
  CHECK(error_of([&] { RunState(nullptr); }) == "training: expected an optimizer, found none");
}

// ---- What weight decay acts on, and what is seen before an update --------------------------------------------------

// Every number is there: biases, gammas and betas as well. Two of its Linears have one output, [1 x 4] and [1 x 1].
Sequential network_with_one_output() {
  Random random(8);
  Residual block;
  block.add(Linear({.in = 1, .out = 1}, random));
  block.add(LayerNorm({.features = 1}));
  Sequential model;
  model.add(Linear({.in = 3, .out = 4}, random));
  model.add(BatchNorm({.features = 4}));
  model.add(Linear({.in = 4, .out = 1}, random));
  model.add(BatchNorm({.features = 1}));
  model.add(std::move(block));
  model.add(Linear({.in = 1, .out = 2}, random));
  for (Parameter* p : model.parameters()) p->value = random_matrix(random, p->value.rows(), p->value.cols());
  return model;
}

std::vector<Matrix> values_of(const Layer& model) {
  std::vector<Matrix> values;
  for (const Parameter* p : parameters_of(model)) values.emplace_back(p->value);
  return values;
}

TEST_CASE("weight decay acts on all parameters, or on the weights of Linear only, however small they are") {
  const LabelledRows rows = labelled_rows(20);
  Workers workers(1);
  const auto after_a_step = [&](TrainingOptions options, Decay decay) {
    Sequential model = network_with_one_output();
    options.lr = 0.1, options.momentum = 0, options.decay = decay;
    options.batch = 20, options.steps = 1;
    train(model, {Samples(rows.x, rows.labels)}, options, workers);
    return values_of(model);
  };
  const Sequential model = network_with_one_output();
  const std::vector<Matrix> start = values_of(model);
  std::vector<bool> is_weight;
  for (const Layer* layer : innermost_layers(model)) {
    const bool linear = dynamic_cast<const Linear*>(layer) != nullptr;
    for (const Parameter* p : parameters_of(*layer)) is_weight.push_back(linear && p->name == "weight");
  }
  REQUIRE(std::ranges::count(is_weight, true) == 4);
  for (const OptimizerKind optimizer : {OptimizerKind::sgd, OptimizerKind::adam, OptimizerKind::adamw}) {
    const std::vector<Matrix> plain = after_a_step({.optimizer = optimizer}, Decay::weights);
    const TrainingOptions decayed{.optimizer = optimizer, .weight_decay = 0.5};
    const std::vector<Matrix> all = after_a_step(decayed, Decay::all), weights = after_a_step(decayed, Decay::weights);
    for (std::size_t i = 0; i < start.size(); ++i) {
      CAPTURE(i);
      CHECK(same_bits(weights[i], is_weight[i] ? all[i] : plain[i]));
      if (optimizer == OptimizerKind::adam) continue;  // whose first step hardly depends on the gradient's size
      // lr weight_decay w
      CHECK(max_difference(plain[i] - all[i], real{0.05} * start[i]) <= 1e-5);
      CHECK(max_abs(start[i]) > 0);
    }
  }
}

TEST_CASE("before an update, once a step, the gradients are there and the weights are the old ones") {
  const LabelledRows rows = labelled_rows(20);
  const Samples samples(rows.x, rows.labels);
  Sequential model = network_with_two_norms();
  Workers workers(2);
  std::vector<Matrix> weights = values_of(model), gradients;
  std::int64_t seen = 0;
  TrainingHooks hooks;
  hooks.before_update = [&](std::int64_t step, const Tape& tape, bool diverged) {
    CHECK(step == ++seen);
    CHECK_FALSE(diverged);
    const std::vector<Matrix> values = values_of(model);
    CHECK(std::ranges::equal(values, weights, [](const Matrix& a, const Matrix& b) { return same_bits(a, b); }));
    gradients.clear();
    for (const Parameter* p : parameters_of(model)) gradients.emplace_back(p->grad);
    CHECK(max_abs(gradients.back()) > 0);
    const Tape::Entry loss = tape.entry(tape.size() - 1);
    REQUIRE(loss.grad.has_value());
    CHECK((*loss.grad)(0, 0) == 1);
  };
  hooks.after_step = [&](const StepRecord& record) {
    CHECK(record.step == seen);
    const std::vector<Matrix> values = values_of(model);
    for (std::size_t i = 0; i < values.size(); ++i) {
      CHECK(max_difference(values[i], weights[i] - real{0.25} * gradients[i]) <= 1e-6 * (1 + max_abs(gradients[i])));
    }
    weights = values;
  };
  train(model, {samples}, {.lr = 0.25, .momentum = 0, .batch = 5, .steps = 6}, workers, hooks);
  CHECK(seen == 6);

  // Going on from a state, steps are counted on.
  RunState state(model, TrainingOptions{});
  state.step = 6;
  std::vector<std::int64_t> steps;
  hooks = {};
  hooks.before_update = [&](std::int64_t step, const Tape&, bool) { steps.push_back(step); };
  train(model, state, {samples}, {.batch = 5, .steps = 8}, workers, hooks);
  CHECK(steps == std::vector<std::int64_t>{7, 8});
}

TEST_CASE("before an update that a divergence prevents, the hook is called, too") {
  const LabelledRows rows = labelled_rows(20);
  for (const bool by_gradient : {false, true}) {
    CAPTURE(by_gradient);
    Sequential model = network_with_two_norms();
    Workers workers(1);
    int losses = 0;
    std::vector<bool> divergences;
    std::vector<Matrix> weights;
    TrainingHooks hooks;
    hooks.loss = [&](Var output, const Batch& batch) {
      const Var loss = default_loss(output, batch);
      if (++losses < 3) return loss;
      if (!by_gradient) return loss * std::numeric_limits<real>::quiet_NaN();
      return loss + sum(rsqrt(output * 0 + real{1e-30}));  // is finite, but has a gradient of 1e45
    };
    hooks.before_update = [&](std::int64_t step, const Tape&, bool diverged) {
      CHECK(step == static_cast<std::int64_t>(divergences.size()) + 1);
      divergences.push_back(diverged);
      weights = values_of(model);
    };
    bool reported = false;
    hooks.after_step = [&](const StepRecord& record) { reported = record.step == 3 && record.diverged; };
    const TrainingOptions options{.batch = 5, .steps = 9, .detect_anomaly = by_gradient};
    const TrainingResult result = train(model, {Samples(rows.x, rows.labels)}, options, workers, hooks);
    CHECK(result.diverged);
    CHECK(reported);
    CHECK(divergences == std::vector<bool>{false, false, true});
    const std::vector<Matrix> values = values_of(model);
    CHECK(std::ranges::equal(values, weights, [](const Matrix& a, const Matrix& b) { return same_bits(a, b); }));
  }
}

TEST_CASE("a run whose model is made of layers goes on from its checkpoint") {
  const DataSet data = make_built_in("moons");
  const auto network = [](std::uint64_t seed) {
    Random random(seed);
    Residual block;
    block.add(Linear({.in = 8, .out = 8, .bias = false}, random));
    block.add(BatchNorm({.features = 8}));
    block.add(Dropout(0.3, Random(seed)));
    Sequential model;
    model.add(Linear({.in = 2, .out = 8}, random));
    model.add(std::move(block));
    model.add(Linear({.in = 8, .out = 2}, random));
    return model;
  };
  TrainingOptions options{.batch = 50, .steps = 30};
  const TrainingData samples = training_data(data, Pixels::standard);
  Workers workers(2);
  Sequential whole = network(1), first = network(1), second = network(2);
  train(whole, samples, options, workers);
  RunState state(first, options), later(second, options);
  TrainingHooks hooks;
  hooks.should_stop = [&] { return state.step == 11; };
  CHECK(train(first, state, samples, options, workers, hooks).stopped);
  const Safetensors checkpoint = make_checkpoint(first, state);
  CHECK(checkpoint.tensors.contains("model.1.1.running_mean"));
  load_checkpoint(checkpoint, "file", second, later);
  train(second, later, samples, options, workers);
  const Safetensors expected = state_tensors(whole), found = state_tensors(second);
  for (const auto& entry : expected.tensors) {
    CAPTURE(entry.first);
    CHECK(found.tensors.at(entry.first).bytes == entry.second.bytes);
  }
}

TEST_CASE("a saved model comes back with how its inputs are scaled, and a contradiction is an Error") {
  const TemporaryFolder folder;
  const auto file = folder / "model.safetensors";
  const Sequential model = make_mlp({.in = 16, .hidden = {5}, .out = 3, .activation = Activation::tanh}, 1);
  save_model(file, model, Activation::tanh, Pixels::unit);
  const SavedModel saved = load_model(file);
  CHECK(saved.model.describe() == model.describe());
  CHECK(saved.activation == Activation::tanh);
  CHECK(saved.pixels == Pixels::unit);
  CHECK(saved.inputs == 16);
  CHECK(saved.outputs == 3);
  CHECK(load_model(file, {.activation = Activation::tanh, .pixels = Pixels::unit}).pixels == Pixels::unit);
  CHECK(error_of([&] { load_model(file, {.pixels = Pixels::binary}); }) ==
        file.string() + ": pixels: the model was trained with unit, found binary");

  Safetensors elsewhere = state_tensors(model);
  write_safetensors(file, elsewhere);
  CHECK(load_model(file).activation == Activation::relu);
  CHECK(load_model(file, {.pixels = Pixels::binary}).pixels == Pixels::binary);
  elsewhere.metadata["pixels"] = "grey";
  write_safetensors(file, elsewhere);
  CHECK(error_of([&] { load_model(file); }) ==
        file.string() + ": metadata \"pixels\": expected standard, unit, binary, found \"grey\"");
}

TEST_CASE("a residual model is saved as one, and comes back with the same outputs") {
  const TemporaryFolder folder;
  const auto file = folder / "model.safetensors";
  for (const bool residual : {true, false}) {
    Sequential model = make_mlp({.in = 6, .hidden = {5, 5}, .out = 3, .residual = residual}, 1);
    Random random(9);
    for (Parameter* p : model.parameters()) p->value = random_matrix(random, p->value.rows(), p->value.cols());
    save_model(file, model, Activation::relu, Pixels::unit);
    CHECK(read_safetensors(file).metadata.contains("residual") == residual);
    const SavedModel saved = load_model(file);
    CHECK(saved.model.describe() == model.describe());
    CHECK(saved.inputs == 6);
    CHECK(saved.outputs == 3);
    Tape tape(Tape::Gradients::none);
    const Var x = tape.constant(random_matrix(random, 4, 6));
    CHECK(same_bits(evaluate(saved.model, x).value(), evaluate(model, x).value()));
  }
}

TEST_CASE("from a picture file to the network's input and its prediction") {
  const TemporaryFolder folder;
  const auto file = folder / "one.png";
  GrayImage paper(60, 80, 250);
  for (Index y = 10; y < 50; ++y) {
    for (Index x = 38; x < 43; ++x) paper(y, x) = 20;
  }
  write_png(file, paper);
  const GrayImage input = read_network_input(file, 28);
  CHECK(input.rows == 28);
  CHECK(input.cols == 28);
  CHECK(input(14, 14) > 200);  // light on dark, in the middle
  CHECK(input(0, 0) == 0);

  const Sequential model = make_mlp({.in = 784, .hidden = {8}, .out = 10}, 1);
  Tape tape(Tape::Gradients::none);
  const std::vector<double> p = predict(model, input, Pixels::standard, tape);
  double sum = 0;
  for (const double x : p) sum += x;
  CHECK(p.size() == 10);
  CHECK(sum == doctest::Approx(1));
  const ImageSet one = image_set(input);
  tape.clear();
  const View logits = evaluate(model, gather(one, Pixels::standard, 0, 1, tape)).value();
  CHECK(likeliest(p, 1).front().label == predicted_class(logits, 0));

  write_png(file, GrayImage(60, 80, 250));
  CHECK(error_of([&] { read_network_input(file, 28); }) ==
        file.string() + ": expected something drawn or written, found blank paper");
  CHECK(contains(error_of([&] { network_input(paper, 3, "x"); }), "network_input: size: expected a width from 4"));
  CHECK(contains(error_of([&] { probabilities(logits, 1); }), "probabilities: expected logits with a row 1"));
}

}  // namespace
}  // namespace tare
