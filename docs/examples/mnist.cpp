// MNIST, with a training loop of one's own:   mnist FOLDER, or with $TARE_DATA as the folder of the four IDX files.
#include <tare/tare.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  using namespace tare;
  const char* folder = argc > 1 ? argv[1] : std::getenv("TARE_DATA");
  if (folder == nullptr || !has_images(folder)) {
    std::fprintf(stderr, "mnist: skipped: expected MNIST in the folder that is given, or in $TARE_DATA\n");
    return 77;
  }
  const DataSet data = load_data(folder);
  const Samples test(data.test, Pixels::standard);
  Batches batches(data.train, Pixels::standard, 128, 1);

  Random random(1);
  Sequential model;
  model.add(Linear({.in = data.train.features(), .out = 128, .bias = false}, random));  // BatchNorm would cancel it
  model.add(BatchNorm({.features = 128}));
  model.add(Elementwise("ReLU", relu));
  model.add(Linear({.in = 128, .out = data.classes}, random));

  const Parameters parameters = model.parameters();
  Sgd sgd(parameters, {.momentum = 0.9});
  Workers workers(2);
  Tape tape(workers), evaluation_tape(workers, Tape::Gradients::none);
  double accuracy = 0;
  for (Index epoch = 0; epoch < 2; ++epoch) {
    for (Index step = 0; step < batches.per_epoch(); ++step) {
      tape.clear();
      const Batch batch = batches.at(epoch * batches.per_epoch() + step, tape);
      Var loss = softmax_cross_entropy(model.forward(batch.x, Mode::train), batch.labels);
      zero_grad(parameters);
      tape.backward(loss);
      sgd.step(0.05, workers);
    }
    accuracy = evaluate(model, test, evaluation_tape).accuracy();
    std::printf("epoch %d: test accuracy %.2f %%\n", static_cast<int>(epoch) + 1, 100 * accuracy);
  }
  return accuracy > 0.96 ? 0 : 1;
} catch (const tare::Error& error) {
  std::fprintf(stderr, "mnist: %s\n", error.what());
  return 1;
}
