// tare eval: scores a saved model on a test set.
#include "apps/commands.h"
#include "apps/progress.h"
#include "apps/saved_model.h"
#include "apps/training.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

void print_confusion(const Evaluation& test, Index classes) {
  std::int64_t largest = 0;
  for (std::int64_t n : test.confusion) largest = std::max(largest, n);
  const auto width = std::max<std::size_t>(fmt::formatted_size("{}", largest), 3) + 2;
  fmt::print("\nConfusion matrix: rows are labels, columns predictions\n{:>8}", "");
  for (Index k = 0; k < classes; ++k) fmt::print("{:>{}}", k, width);
  fmt::print("{:>10}\n", "correct");
  for (Index label = 0; label < classes; ++label) {
    std::int64_t total = 0;
    fmt::print("{:>8}", label);
    const std::int64_t* row = test.confusion.data() + label * classes;
    for (Index k = 0; k < classes; ++k) {
      total += row[k];
      fmt::print("{:>{}}", row[k] == 0 ? "." : fmt::format("{}", row[k]), width);
    }
    if (total > 0) fmt::print("{:>8.2f} %", 100 * static_cast<double>(row[label]) / static_cast<double>(total));
    fmt::print("\n");
  }
}

}  // namespace

int run_eval(const EvalOptions& options) {
  SavedModel saved = load_saved_model(options);
  const std::filesystem::path folder = find_data(options.data);
  const ImageSet test_set = load_test_data(folder);
  if (saved.inputs != test_set.features()) {
    throw Error("{}: the model takes {} inputs, but the images in {} have {} x {} = {} pixels", options.model,
                saved.inputs, folder.string(), test_set.rows, test_set.cols, test_set.features());
  }
  Progress progress(options.quiet);
  progress.line("Data: {}: {} test images of {} x {}", data_name(options.data, folder), grouped(test_set.count),
                test_set.rows, test_set.cols);
  progress.line("Model: {}", saved.model.describe());

  Tape tape(options.threads, Tape::Gradients::none);
  const Evaluation test = evaluate(saved.model, test_set, saved.pixels, tape);
  if (options.json) {
    nlohmann::ordered_json out;
    out["test_accuracy"] = test.accuracy();
    out["test_loss"] = std::isfinite(test.loss) ? nlohmann::ordered_json(test.loss) : nullptr;
    out["samples"] = test.samples;
    fmt::print("{}\n", out.dump());
    return 0;
  }
  fmt::print("Test accuracy  {:.2f} %: {} errors out of {}, loss {:.4f}\n", 100 * test.accuracy(),
             grouped(test.samples - test.correct), grouped(test.samples), test.loss);
  const auto classes = std::lround(std::sqrt(static_cast<double>(test.confusion.size())));
  print_confusion(test, classes);
  return 0;
}

}  // namespace TARE_NAMESPACE
