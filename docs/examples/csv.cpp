// Somebody's own measurements, whose column `label`, or else the last, is the class:   csv FILE.csv   (fruit.csv is
// invented)
#include <tare/tare.h>

#include <cstdio>

using namespace tare;

int main(int argc, char** argv) try {
  // A fifth of the rows is for testing; grams and centimetres are on one scale.
  const DataSet data = load_data(argc > 1 ? argv[1] : "fruit.csv");
  Sequential model = make_mlp({.in = data.train.features(), .hidden = {16}, .out = data.classes}, 1);
  Workers workers(1);
  const TrainingOptions options{.lr = 0.1, .batch = 20, .epochs = 20};
  // (A table has no pixels to scale.)
  const Evaluation test = *train(model, training_data(data, Pixels::standard), options, workers).evaluation;
  std::printf("%d of %d test rows are classified correctly\n", static_cast<int>(test.correct),
              static_cast<int>(test.samples));
  return test.accuracy() > 0.9 ? 0 : 1;
} catch (const Error& error) {
  std::fprintf(stderr, "csv: %s\n", error.what());
  return 1;
}
