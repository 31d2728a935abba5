// tare eval: scores a saved model on a test set, and names what it confuses.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/names.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/models/commands.h>
#include <tare/apps/models/model_data.h>
#include <tare/apps/models/open_model.h>
#include <tare/core/machine/file.h>
#include <tare/core/ops/loss.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/png.h>
#include <tare/optim/training/predict.h>
#include <tare/optim/training/train.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

namespace TARE_NAMESPACE {
namespace {

constexpr std::size_t kShortName = 12;  // characters of a class's name above a column
constexpr Index kMostPrinted = 26;      // classes, in a matrix as text
constexpr std::size_t kWorst = 50;      // images, in a picture and as JSON
constexpr std::size_t kWorstPrinted = 10, kConfusionsPrinted = 5;

struct Confusion {
  Index label, prediction;
  std::int64_t count;
};

// From the most frequent down.
std::vector<Confusion> confusions(const Evaluation& test, Index classes) {
  std::vector<Confusion> result;
  for (Index label = 0; label < classes; ++label) {
    for (Index k = 0; k < classes; ++k) {
      const std::int64_t count = test.confusion[static_cast<std::size_t>(label * classes + k)];
      if (k != label && count > 0) result.push_back({label, k, count});
    }
  }
  std::ranges::stable_sort(result, std::greater{}, &Confusion::count);
  return result;
}

// What the model makes of one image.
struct Reading {
  Index image, label, prediction;
  double probability, label_probability;

  std::string caption() const { return fmt::format("{}>{} {:.0f}%", label, prediction, 100 * probability); }
};

// The images whose label the model gives the least probability, the most wrong one first.
std::vector<Reading> worst(std::vector<Reading> readings) {
  std::ranges::stable_sort(readings, {}, &Reading::label_probability);
  readings.resize(std::min(readings.size(), kWorst));
  return readings;
}

std::vector<Tile> tiles(const ImageSet& set, const std::vector<Reading>& readings) {
  std::vector<Tile> result;
  for (const Reading& r : readings) result.push_back({picture_of(set, r.image), r.caption()});
  return result;
}

// In bytes, which are at least as many as the characters.
std::size_t longest_name(const DataForm& form) {
  std::size_t longest = 0;
  for (const std::string& name : form.class_names) longest = std::max(longest, name.size());
  return longest;
}

void print_matrix(const Evaluation& test, Index classes, const DataForm& form) {
  if (classes > kMostPrinted) {
    fmt::print("\nConfusion matrix: too wide for {} classes; --json has it\n", classes);
    return;
  }
  std::int64_t largest = 0;
  for (std::int64_t n : test.confusion) largest = std::max(largest, n);
  auto width = std::max<std::size_t>(fmt::to_string(largest).size(), 3) + 2;
  if (!form.class_names.empty()) width = std::max(width, std::min(longest_name(form), kShortName) + 2);
  const std::size_t label_width = std::max<std::size_t>(8, longest_name(form) + 1);
  fmt::print("\nConfusion matrix: rows are labels, columns predictions\n{:>{}}", "", label_width);
  for (Index k = 0; k < classes; ++k) fmt::print("{:>{}.{}}", form.class_name(k), width, kShortName);
  fmt::print("{:>10}\n", "correct");
  for (Index label = 0; label < classes; ++label) {
    std::int64_t total = 0;
    fmt::print("{:>{}}", form.class_name(label), label_width);
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
  SavedModel saved = open_model(options);
  const bool by_batch = options.statistics == Statistics::batch, again = options.statistics == Statistics::again;
  if ((by_batch || again) && batch_norms(saved.model).empty()) {
    throw UsageError("--statistics: expected a model with BatchNorm, found {}", saved.model.describe());
  }
  const ModelData loaded = load_model_data(options, saved.form, saved.inputs, saved.outputs, again);
  const DataSet& data = loaded.data;
  const std::filesystem::path& folder = loaded.found;
  const ImageSet& test_set = data.test;
  const Index classes = saved.outputs;
  const Index batch = options.batch.value_or(128), most = again ? data.train.count : test_set.count;
  if ((by_batch || again) && batch > most) {
    throw Error("--batch: expected 2 to {} {} samples, found {}", most, again ? "training" : "test", batch);
  }
  Progress progress(options.quiet);
  progress.line("Data: {}: {} test {}", data_name(options.data, folder), grouped(test_set.count),
                samples_text(test_set));
  if (!loaded.notice.empty()) progress.line("{}", loaded.notice);
  progress.line("Model: {}", saved.model.describe());

  // Two numbers, say, are no picture.
  const bool pictures = test_set.rows >= 4 && test_set.cols >= 4;
  if (!options.worst.empty()) {
    if (!pictures) throw Error("--worst: expected images, found {} x {} pixels", test_set.rows, test_set.cols);
    std::vector<NamedFile> inputs{{"MODEL", options.model}};
    inputs.push_back({"--test", options.test});
    for (const std::filesystem::path& file : data_files(folder)) inputs.push_back({"--data", file});
    check_distinct({{"--worst", options.worst}}, inputs);
    check_writable(options.worst);
  }

  Workers workers(options.threads);
  Tape tape(workers, Tape::Gradients::none);
  Matrix logits;  // of all images: what is made of them is not a part of the time
  const auto keep = [&](const View& of_some, Index begin) {
    if (begin == 0) logits.resize(test_set.count, of_some.cols());
    logits.middleRows(begin, of_some.rows()) = of_some;
  };
  if (again) estimate_statistics(saved.model, Samples(data.train, saved.pixels), batch, tape);
  const Samples samples(test_set, saved.pixels);
  const auto start = std::chrono::steady_clock::now();
  const Evaluation test = by_batch ? evaluate_by_batch(saved.model, samples, batch, tape, keep)
                                   : evaluate(saved.model, samples, tape, keep);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::vector<Reading> readings;
  for (Index i = 0; i < test_set.count; ++i) {
    const std::vector<double> p = probabilities(logits, i);
    const Index label = test_set.labels[static_cast<std::size_t>(i)], k = predicted_class(logits, i);
    readings.push_back({i, label, k, p[static_cast<std::size_t>(k)], p[static_cast<std::size_t>(label)]});
  }
  const std::vector<Confusion> confused = confusions(test, classes);
  const std::vector<Reading> most_wrong = worst(std::move(readings));
  const std::vector<Tile> sheet = pictures ? tiles(test_set, most_wrong) : std::vector<Tile>{};
  if (!options.worst.empty()) write_png(options.worst, contact_sheet(sheet, 10));

  if (options.json) {
    const auto number = [](double x) { return std::isfinite(x) ? nlohmann::ordered_json(x) : nullptr; };
    nlohmann::ordered_json out;
    out["test_accuracy"] = test.accuracy();
    out["test_loss"] = number(test.loss);
    out["samples"] = test.samples;
    out["seconds"] = seconds.count();
    if (by_batch || again) {
      out["statistics"] = name_in(kStatistics, options.statistics);
      out["batch"] = batch;
    }
    if (!saved.form.class_names.empty()) out["class_names"] = saved.form.class_names;
    for (Index label = 0; label < classes; ++label) {
      const auto row = test.confusion.begin() + label * classes;
      out["confusion_matrix"].push_back(std::vector<std::int64_t>(row, row + classes));
    }
    out["confusions"] = nlohmann::ordered_json::array();
    for (const Confusion& c : confused) {
      out["confusions"].push_back({{"label", c.label}, {"prediction", c.prediction}, {"count", c.count}});
    }
    for (const Reading& r : most_wrong) {
      out["worst"].push_back({{"image", r.image},
                              {"label", r.label},
                              {"prediction", r.prediction},
                              {"probability", number(r.probability)},
                              {"label_probability", number(r.label_probability)}});
    }
    fmt::print("{}\n", out.dump());
    return 0;
  }
  fmt::print("Test accuracy  {:.2f} %: {} errors out of {}, loss {:.4f}\n", 100 * test.accuracy(),
             grouped(test.samples - test.correct), grouped(test.samples), test.loss);
  if (by_batch) fmt::print("BatchNorm      by each batch's own statistics, {} test samples at a time\n", batch);
  if (again) fmt::print("BatchNorm      by new statistics, from batches of {} training samples\n", batch);
  print_matrix(test, classes, saved.form);
  if (!confused.empty()) fmt::print("\nMost frequent confusions\n");
  for (std::size_t i = 0; i < std::min(confused.size(), kConfusionsPrinted); ++i) {
    fmt::print("{:>8} read as {}: {} {}\n", saved.form.class_name(confused[i].label),
               saved.form.class_name(confused[i].prediction), grouped(confused[i].count),
               confused[i].count == 1 ? "time" : "times");
  }
  if (pictures) {
    fmt::print("\nMost wrong: label > prediction, and its probability\n\n{}",
               contact_sheet_text(std::span(sheet).first(std::min(sheet.size(), kWorstPrinted))));
  }
  return 0;
}

}  // namespace TARE_NAMESPACE
