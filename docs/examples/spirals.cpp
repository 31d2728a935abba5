// Two spirals in the plane, told apart by a network with BatchNorm, with the training loop of the library.
#include <tare/tare.h>

#include <cstdio>

int main() {
  using namespace tare;
  const DataSet data = load_data("spirals");
  Sequential model = make_mlp({.in = data.train.features(), .hidden = {32, 32}, .out = data.classes}, 1);
  std::printf("%s\n", model.describe().c_str());

  Workers workers(1);
  TrainingHooks hooks;
  hooks.after_step = [](const StepRecord& step) {
    if (step.evaluation == nullptr) return;
    std::printf("epoch %d: training loss %.4f, test accuracy %.1f %%\n", static_cast<int>(step.epoch), step.epoch_loss,
                100 * step.evaluation->accuracy());
  };
  const TrainingResult result =
      train(model, training_data(data, Pixels::standard), {.lr = 0.1, .batch = 64, .epochs = 10}, workers, hooks);
  return result.evaluation->accuracy() > 0.95 ? 0 : 1;
}
