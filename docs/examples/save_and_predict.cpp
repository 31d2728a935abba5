// From training to a picture on the disk: trains on the built-in digits, saves the model, loads and folds it, and
// classifies a PNG file of any size.
#include <tare/tare.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>

int main() try {
  using namespace tare;
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / fmt::format("tare-save-and-predict-{}", getpid());
  fs::create_directories(folder);

  const DataSet digits = make_built_in("digits");
  Sequential model = make_mlp({.in = digits.train.features(), .hidden = {64}, .out = digits.classes}, 1);
  Workers workers(2);
  train(model, training_data(digits, Pixels::standard), {.steps = 200}, workers);
  save_model(folder / "model.safetensors", model, Activation::relu, Pixels::standard);

  // A picture: a test image, three times as large, as a scanner would see it: dark on light.
  GrayImage picture(100, 100, 255);
  for (Index y = 0; y < 84; ++y) {
    for (Index x = 0; x < 84; ++x) {
      const std::uint8_t ink = digits.test.pixels[static_cast<std::size_t>(y / 3 * 28 + x / 3)];
      picture(y + 8, x + 8) = static_cast<std::uint8_t>(255 - ink);
    }
  }
  write_png(folder / "digit.png", picture);

  const SavedModel saved = load_model(folder / "model.safetensors");
  const Sequential folded = fold_batch_norm(saved.model);
  std::printf("%s\nfolded: %s\n", saved.model.describe().c_str(), folded.describe().c_str());
  Tape tape(Tape::Gradients::none);
  const GrayImage input = read_network_input(folder / "digit.png", 28);
  const ClassProbability best = likeliest(predict(folded, input, saved.pixels, tape), 1).front();
  std::printf("digit.png is a %d (%.1f %%); its label is %d\n", best.label, 100 * best.probability,
              digits.test.labels[0]);
  fs::remove_all(folder);
  return best.label == digits.test.labels[0] ? 0 : 1;
} catch (const tare::Error& error) {
  std::fprintf(stderr, "save_and_predict: %s\n", error.what());
  return 1;
}
