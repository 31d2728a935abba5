// tare tape: one training step of a small network, everything on its tape shown.
#include <tare/apps/cli/terminal.h>
#include <tare/apps/exhibits/commands.h>
#include <tare/apps/train/make_model.h>
#include <tare/core/ops/loss.h>
#include <tare/core/tools/inspect.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>

namespace TARE_NAMESPACE {

int run_tape(const TapeOptions& options) {
  MlpOptions network = options.network;
  network.in = 3;
  network.out = 2;
  Sequential model = make_mlp(network, options.seed, batch_norm_op(options.batch_norm));
  Random random(options.seed, Random::Stream{4});
  Matrix x(options.batch, network.in);
  for (real& entry : x.reshaped<Eigen::RowMajor>()) entry = static_cast<real>(random.normal());
  std::vector<int> labels(static_cast<std::size_t>(options.batch));
  for (int& label : labels) label = static_cast<int>(random.below(2));

  Tape tape;
  Var loss = softmax_cross_entropy(model.forward(tape.constant(x), Mode::train), labels);
  tape.backward(loss);
  if (options.dot) {
    fmt::print("{}", tape_graph(tape));
    return 0;
  }
  std::string layers;
  for (std::size_t i = 0; i < model.size(); ++i) {
    layers += fmt::format("{}{} {}", i == 0 ? "" : ", ", i, model[i].describe());
  }
  const std::size_t columns = terminal_columns();
  const auto say = [&](const std::string& text) { fmt::print("{}\n", wrapped(text, columns)); };
  say(fmt::format(
      "One training step on a batch of {} samples; values top down, gradients bottom up. Of each, the first {} shown; "
      ".. stands for the rest. Layers are numbered from 0 along the Sequential, as in saved models; so 0.weight is the "
      "weight of layer 0:",
      options.batch, options.rows == 1 ? "row is" : fmt::format("{} rows are", options.rows)));
  say(layers);
  fmt::print("\n{}", tape_table(tape, options.rows, columns));
  const bool kept = network.norm == Norm::batch && network.bias == BiasRule::keep;
  if (kept) {
    fmt::print("\n");
    say("The gradient of a bias before BatchNorm is zero, to rounding: subtracting the batch mean cancels it. (--bias "
        "auto drops it.)");
  }
  return 0;
}

}  // namespace TARE_NAMESPACE
