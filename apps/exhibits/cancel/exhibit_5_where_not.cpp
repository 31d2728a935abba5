// Exhibit 5: where the bias does not cancel.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>
#include <tare/core/ops/layer_norm.h>
#include <tare/layers/batch_norm.h>
#include <tare/layers/linear.h>

namespace TARE_NAMESPACE::exhibits {

void show_where_not(CheckReport& report) {
  report.heading("Exhibit 5: where the bias does not cancel");
  Random random = random_for(7);
  Block block = random_block(random, 32, 6, 5);
  Block moved = block;
  moved.b.array() += real{1};
  const Matrix uneven = normal_matrix(random, 1, 5);

  report.say("A ReLU between the Linear and BatchNorm: max(z + b, 0) - mean still contains b.");
  const auto relu_between = [](Var z) { return relu(z); };
  const BlockResult before = run_block(block, kEps, relu_between), after = run_block(moved, kEps, relu_between);
  report.conclusion(
      "A bias does not cancel if a ReLU stands between it and BatchNorm: adding 1 to it moves an output by {:.2f} "
      "there. Before LayerNorm only a part of it cancels, and in evaluation running_mean has to move along when it is "
      "dropped.",
      distance(after.y, before.y));
  report.at_least("exhibit 5", "ReLU between: outputs move when b + 1", distance(after.y, before.y), 0.1);
  report.at_least("exhibit 5", "ReLU between: |dL/db| / max_i |dL/dz_i|", largest(before.db) / largest(before.dz), 0.1);
  report.at_most("exhibit 5", "no ReLU between: they do not", distance(run_block(moved).y, run_block(block).y),
                 in_precision(1e-11, 1e-4));

  report.say(
      "LayerNorm averages over the features of a sample: only the part of the bias that is the same for every feature "
      "cancels, and accordingly only the sum of the bias's gradient is zero.");
  Parameter a = parameter(block.a), w = parameter(block.w), b = parameter(block.b), gamma = parameter(block.gamma);
  const auto layer_normalized = [&](const Matrix& added) {
    b.value = block.b + added;
    b.grad.setZero();
    Tape tape;
    const Var z = linear(tape.leaf(a), tape.leaf(w), tape.leaf(b));
    const Var y = layer_norm(z, tape.leaf(gamma), tape.constant(block.beta), kEps);
    tape.backward(sum(mul(y, tape.constant(block.g))));
    return numbers(y.value());
  };
  const Numbers even_y = layer_normalized(Matrix::Ones(1, 5)), uneven_y = layer_normalized(uneven);
  const Numbers y = layer_normalized(Matrix::Zero(1, 5));  // the last: its gradient stays in b
  report.at_most("exhibit 5", "LayerNorm: same constant for all features cancels", distance(even_y, y), kRounding);
  report.at_least("exhibit 5", "LayerNorm: one of its own for each does not", distance(uneven_y, y), 0.1);
  report.at_most("exhibit 5", "LayerNorm: |sum_k dL/db_k| / sum_k |dL/db_k|",
                 largest(cancellation(numbers(b.grad).transpose())), kRounding);
  report.at_least("exhibit 5", "LayerNorm: max_k |dL/db_k|", largest(numbers(b.grad)), 0.1);

  report.say(
      "In evaluation running_mean takes the place of the batch's mean. It was measured with the bias, so dropping the "
      "bias of a trained model shifts its outputs, unless running_mean -= b; then all is as before. Folding BatchNorm "
      "into the Linear for inference even brings a bias back, with s from running_var:");
  report.row("  W'_k = gamma_k/s_k W_k,  b'_k = beta_k + gamma_k (b_k - running_mean_k) / s_k");
  Linear layer({.in = 6, .out = 5});
  BatchNorm norm({.features = 5});
  layer.weight.value = block.w;
  layer.bias->value = block.b;
  norm.gamma.value = block.gamma;
  norm.beta.value = block.beta;
  const auto forward = [&](const Matrix& batch, Mode mode) {
    Tape tape(Tape::Gradients::none);
    return numbers(norm.forward(layer.forward(tape.constant(batch), mode), mode).value());
  };
  for (int step = 0; step < 30; ++step) forward(normal_matrix(random, 32, 6, 0.5), Mode::train);
  const Numbers kept = forward(block.a, Mode::eval);
  const Numbers s = deviation(numbers(norm.running_var), kEps);
  const Numbers g = numbers(norm.gamma.value), mean = numbers(norm.running_mean);
  const Numbers folded_w = table(5, 6, [&](Index k, Index j) { return g(0, k) / s(0, k) * layer.weight.value(k, j); });
  const Numbers folded_b = table(1, 5, [&](Index, Index k) {
    return norm.beta.value(0, k) + g(0, k) * (layer.bias->value(0, k) - mean(0, k)) / s(0, k);
  });
  report.at_most("exhibit 5", "evaluation: the folded Linear gives the same",
                 relative(kept, affine(numbers(block.a), folded_w, folded_b)), kRounding);
  layer.bias.reset();
  report.at_least("exhibit 5", "evaluation: dropping b moves the outputs", distance(forward(block.a, Mode::eval), kept),
                  0.1);
  norm.running_mean -= block.b;
  report.at_most("exhibit 5", "evaluation: not if running_mean -= b", relative(forward(block.a, Mode::eval), kept),
                 kRounding);
}

}  // namespace TARE_NAMESPACE::exhibits
