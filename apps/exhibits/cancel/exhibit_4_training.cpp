// Exhibit 4: training with and without the redundant biases, and what an optimizer makes of them.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>
#include <tare/optim/optimizer.h>
#include <tare/optim/training/train.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

namespace TARE_NAMESPACE::exhibits {
namespace {

// Four classes of normal points in eight dimensions.
struct Samples {
  Matrix x;
  std::vector<int> labels;
};

Samples make_samples() {
  Random random = random_for(6);
  const Matrix centres = normal_matrix(random, 4, 8);
  Samples samples{normal_matrix(random, 256, 8), {}};
  for (Index i = 0; i < 256; ++i) {
    samples.labels.push_back(static_cast<int>(i % 4));
    samples.x.row(i) += centres.row(i % 4);
  }
  return samples;
}

Sequential make_network(BiasRule rule, Norm norm = Norm::batch) {
  return make_mlp({.in = 8, .hidden = {16, 16}, .out = 4, .norm = norm, .bias = rule}, 1);
}

// Those of every Linear but the last.
Parameters hidden_biases(Sequential& model) {
  Parameters biases;
  for (std::size_t i = 0; i + 1 < model.size(); ++i) {
    auto* layer = dynamic_cast<Linear*>(&model[i]);
    if (layer != nullptr && layer->bias) biases.push_back(&*layer->bias);
  }
  return biases;
}

void set_hidden_biases(Sequential& model, real value) {
  for (Parameter* b : hidden_biases(model)) b->value.setConstant(value);
}

// The loss of every step, before its update. Batches of 32, one after the other.
std::vector<double> train(
    Sequential& model, Optimizer& optimizer, double lr, int steps,
    const std::function<void(int step)>& after_step = [](int) {}) {
  const Samples samples = make_samples();
  const Parameters parameters = model.parameters();
  std::vector<double> losses;
  Tape tape;
  for (int t = 0; t < steps; ++t) {
    const Index begin = 32 * (t % 8);
    tape.clear();
    const tare::Batch batch{tape.constant(samples.x.middleRows(begin, 32)),
                            std::span(samples.labels).subspan(static_cast<std::size_t>(begin), 32)};
    losses.push_back(training_step(model, parameters, optimizer, {.lr = lr}, batch).loss);
    after_step(t + 1);
  }
  return losses;
}

std::vector<double> train_sgd(Sequential& model) {
  Sgd sgd(model.parameters(), {.momentum = 0.9});
  return train(model, sgd, 0.05, 50);
}

Numbers outputs(Sequential model, Mode mode) {  // of a copy, whose running statistics may move
  Tape tape(Tape::Gradients::none);
  return numbers(model.forward(tape.constant(make_samples().x), mode).value());
}

double largest_relative(const std::vector<double>& a, const std::vector<double>& b) {
  const auto row = [](const std::vector<double>& v) {
    return table(1, static_cast<Index>(v.size()), [&](Index, Index i) { return v[static_cast<std::size_t>(i)]; });
  };
  return largest((row(a) - row(b)).cwiseQuotient(row(b)));
}

// The biases, all 1 at first, after each of `at` steps with weight decay.
std::vector<Numbers> decayed_biases(bool adamw, double lr, double decay, const std::vector<int>& at) {
  Sequential model = make_network(BiasRule::keep);
  set_hidden_biases(model, 1);
  Sgd sgd(model.parameters(), {.weight_decay = decay});
  Adam adam(model.parameters(), {.weight_decay = decay, .decoupled = true});
  Optimizer* optimizer = &sgd;
  if (adamw) optimizer = &adam;
  const Parameters biases = hidden_biases(model);
  std::vector<Numbers> snapshots;
  train(model, *optimizer, lr, at.back(), [&](int step) {
    if (std::find(at.begin(), at.end(), step) == at.end()) return;
    snapshots.push_back(table(static_cast<Index>(biases.size()), 16,
                              [&](Index i, Index k) { return biases[static_cast<std::size_t>(i)]->value(0, k); }));
  });
  return snapshots;
}

}  // namespace

AdamDrift adam_drift() {
  Sequential model = make_network(BiasRule::keep);
  Adam adam(model.parameters(), {});
  const Parameters biases = hidden_biases(model);
  // What running_mean holds of a bias: the bias's own running mean, with the layer's momentum. The forward pass of a
  // step sees the bias that the step before it left.
  std::vector<Matrix> held, seen;
  for (const Parameter* b : biases) held.push_back(Matrix::Zero(1, b->value.cols()));
  seen = held;
  train(model, adam, 0.01, 200, [&](int) {
    for (std::size_t i = 0; i < biases.size(); ++i) {
      held[i] = real{0.9} * held[i] + real{0.1} * seen[i];
      seen[i] = biases[i]->value;
    }
  });
  AdamDrift drift{0, 0, 0};
  for (std::size_t i = 0; i < biases.size(); ++i) {
    drift.bias = std::max(drift.bias, largest(numbers(biases[i]->value)));
    drift.lag = std::max(drift.lag, distance(numbers(biases[i]->value), numbers(held[i])));
  }
  Sequential without = model;
  set_hidden_biases(without, 0);
  drift.outputs = relative(outputs(model, Mode::train), outputs(without, Mode::train));
  return drift;
}

void show_training(CheckReport& report) {
  report.heading("Exhibit 4: training with and without the redundant biases");
  Sequential kept = make_network(BiasRule::keep), dropped = make_network(BiasRule::drop_cancelled);
  set_hidden_biases(kept, 1);
  const Index numbers_kept = count_parameters(kept), numbers_dropped = count_parameters(dropped);
  const std::vector<double> with = train_sgd(kept), without = train_sgd(dropped);
  report.say(
      "Two networks 8 - 16 - 16 - 4 with BatchNorm from the same weights, trained by SGD with momentum for 50 steps: "
      "one with biases before BatchNorm, all set to 1 to make the point, one without. {} and {} parameters. And, for "
      "control, the same without BatchNorm: biases set to 1, biases left at 0.",
      numbers_kept, numbers_dropped);
  report.row("  step   loss, biases kept    biases dropped");
  for (std::size_t step : {1U, 10U, 25U, 50U}) {
    report.row("  {:4}   {:.14f}   {:.14f}", step, with[step - 1], without[step - 1]);
  }
  report.at_most("exhibit 4", "same losses, the largest relative difference", largest_relative(with, without),
                 in_precision(1e-9, 1e-3));
  report.at_least("exhibit 4", "they did train: first loss / last loss", without.front() / without.back(), 2);
  report.at_least("exhibit 4", "parameters saved", static_cast<double>(numbers_kept - numbers_dropped), 32);
  Sequential ones = make_network(BiasRule::keep, Norm::none), zeros = make_network(BiasRule::keep, Norm::none);
  set_hidden_biases(ones, 1);
  report.at_least("exhibit 4", "without BatchNorm the losses differ",
                  largest_relative(train_sgd(ones), train_sgd(zeros)), 0.01);

  const AdamDrift in_float = float32::exhibits::adam_drift(), in_double = float64::exhibits::adam_drift();
  report.say(
      "Adam divides a gradient by its size, even one that is nothing but rounding. In float a kept bias therefore "
      "drifts, here from 0 in 200 steps at lr 0.01. No training output depends on it; but running_mean lags behind the "
      "drift, which evaluation feels.");
  report.row("            max|b|    outputs moved by it    lag of running_mean");
  report.row("  double   {:7.1e}   {:20.1e}   {:20.1e}", in_double.bias, in_double.outputs, in_double.lag);
  report.row("  float    {:7.1e}   {:20.1e}   {:20.1e}", in_float.bias, in_float.outputs, in_float.lag);
  report.conclusion(
      "A network trained with biases before BatchNorm has the same losses as one without, to {:.0e}, and {} parameters "
      "more. In float, Adam lets such a bias drift, here from 0 to {:.2f}, so it is better dropped.",
      largest_relative(with, without), numbers_kept - numbers_dropped, in_float.bias);
  report.at_least("exhibit 4", "Adam in float: the kept bias drifts, max|b|", in_float.bias, 1e-3);
  report.at_most("exhibit 4", "Adam in float: no training output changes", in_float.outputs, 2e-5);
  report.at_least("exhibit 4", "Adam in float: but running_mean lags behind", in_float.lag, 1e-5);
  report.at_most("exhibit 4", "Adam in double: it hardly drifts", in_double.bias, 1e-6);
  report.at_most("exhibit 4", "Adam in double: no training output changes", in_double.outputs, 1e-12);

  const std::vector<int> at{100, 200, 300};
  const std::vector<Numbers> sgd = decayed_biases(false, 0.1, 0.1, at), adamw = decayed_biases(true, 0.01, 1, at);
  report.say(
      "Weight decay is the only force left on a bias that starts at 1: it dies out as (1 - lr wd)^k. SGD with lr 0.1 "
      "and weight decay 0.1; AdamW with lr 0.01 and weight decay 1. (In float AdamW's noise keeps feeding it, so that "
      "it ends in a balance of drift and decay.)");
  report.row("     k   0.99^k       max|b|, SGD  max|b|, AdamW");
  double sgd_error = 0, adamw_error = 0;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double expected = std::pow(1 - 0.1 * 0.1, at[i]);
    report.row("  {:4}   {:.8f}   {:.8f}   {:.8f}", at[i], expected, largest(sgd[i]), largest(adamw[i]));
    sgd_error = std::max(sgd_error, distance(sgd[i], Numbers::Constant(2, 16, expected)) / expected);
    adamw_error = std::max(adamw_error, distance(adamw[i], Numbers::Constant(2, 16, expected)));
  }
  report.at_most("exhibit 4", "SGD: every bias is (1 - lr wd)^k, relative", sgd_error, in_precision(1e-9, 1e-3));
  report.at_most("exhibit 4", "SGD: max|b| after 300 steps, from 1", largest(sgd[2]), 0.05);
  if (kDouble) {
    report.at_most("exhibit 4", "AdamW: every bias is (1 - lr wd)^k", adamw_error, 1e-6);
  } else {
    report.at_least("exhibit 4", "AdamW: its drift keeps the bias from (1 - lr wd)^k", adamw_error, 1e-3);
  }
}

}  // namespace TARE_NAMESPACE::exhibits
