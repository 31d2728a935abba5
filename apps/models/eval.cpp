// tare eval: scores a saved model on a test set, and names what it confuses.
#include <tare/apps/cli/distinct_files.h>
#include <tare/apps/cli/find_data.h>
#include <tare/apps/cli/names.h>
#include <tare/apps/cli/printable.h>
#include <tare/apps/cli/progress.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/models/commands.h>
#include <tare/apps/models/model_data.h>
#include <tare/apps/models/open_model.h>
#include <tare/core/machine/file.h>
#include <tare/core/machine/functions.h>
#include <tare/core/ops/loss.h>
#include <tare/datasets/pictures/contact_sheet.h>
#include <tare/datasets/pictures/png.h>
#include <tare/optim/training/predict.h>
#include <tare/optim/training/train.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>
#include <span>

namespace TARE_NAMESPACE {
namespace {

constexpr std::size_t kWorst = 50;  // images, in a picture and as JSON
constexpr std::size_t kWorstPrinted = 10, kConfusionsPrinted = 5;
constexpr Index kClassesPrinted = 10;  // if all are too many
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr std::size_t kShortName = 12;  // characters

// What a class is called in a text.
std::string class_name(const DataForm& form, Index k) {
  return fmt::format("{:.{}}", printable(form.class_name(k)), kShortName);
}

// How well a class is recognized; NaN where there is nothing to take a share of.
struct ClassScore {
  Index label;
  std::int64_t samples;
  double precision;  // of the images read as this class, the share that are it
  double recall;     // of the images of this class, the share that are read as it
};

std::vector<ClassScore> class_scores(const Evaluation& test, Index classes) {
  const auto count = [&](Index label, Index k) {
    return test.confusion[static_cast<std::size_t>(label * classes + k)];
  };
  std::vector<ClassScore> result;
  for (Index k = 0; k < classes; ++k) {
    std::int64_t samples = 0, predicted = 0;
    for (Index other = 0; other < classes; ++other) samples += count(k, other), predicted += count(other, k);
    const auto share = [&](std::int64_t of) {
      return of == 0 ? kNone : static_cast<double>(count(k, k)) / static_cast<double>(of);
    };
    result.push_back({k, samples, share(predicted), share(samples)});
  }
  return result;
}

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
  double loss;  // -log(label_probability), also where that is too small for a number

  std::string caption(const DataForm& form) const {
    return fmt::format("{}>{} {:.0f}%", class_name(form, label), class_name(form, prediction), 100 * probability);
  }
};

Reading read(const View& logits, Index image, Index label) {
  const std::vector<double> p = probabilities(logits, image);
  const Index k = predicted_class(logits, image);
  const double probability = p[static_cast<std::size_t>(k)];
  const auto distance = static_cast<double>(logits(image, k)) - static_cast<double>(logits(image, label));
  return {image, label, k, probability, p[static_cast<std::size_t>(label)], distance - functions::log(probability)};
}

// The images with the largest loss, the most wrong one first.
std::vector<Reading> worst(std::vector<Reading> readings) {
  std::ranges::stable_sort(readings, std::greater{}, &Reading::loss);
  readings.resize(std::min(readings.size(), kWorst));
  return readings;
}

std::vector<Tile> tiles(const ImageSet& set, const std::vector<Reading>& readings, const DataForm& form) {
  std::vector<Tile> result;
  for (const Reading& r : readings) result.push_back({picture_of(set, r.image), r.caption(form)});
  return result;
}

std::string percent(double share) { return std::isnan(share) ? "-" : fmt::format("{:.2f} %", 100 * share); }

std::string printed(const ClassScore& score) {
  return fmt::format("{:>10} {:>9}", percent(score.precision), percent(score.recall));
}

// The confusion matrix with every class's precision and recall beside it; false if that is too wide.
bool print_matrix(const Evaluation& test, const std::vector<ClassScore>& scores, const DataForm& form) {
  const auto classes = std::ssize(scores);
  std::size_t name = 0, largest = 0;
  for (const ClassScore& score : scores) name = std::max(name, class_name(form, score.label).size());
  for (const std::int64_t n : test.confusion) largest = std::max(largest, fmt::to_string(n).size());
  const std::size_t first = std::max<std::size_t>(name, 4) + 2, width = std::max(name, largest) + 1;
  const std::size_t scores_width = printed(scores[0]).size();
  if (first + scores.size() * width + scores_width > terminal_columns()) return false;
  fmt::print("\nConfusion matrix: rows are labels, columns predictions\n{:>{}}", "", first);
  for (Index k = 0; k < classes; ++k) fmt::print("{:>{}}", class_name(form, k), width);
  fmt::print("{:>10} {:>9}\n", "precision", "recall");
  for (const ClassScore& score : scores) {
    fmt::print("{:>{}}", class_name(form, score.label), first);
    const std::int64_t* row = test.confusion.data() + score.label * classes;
    for (Index k = 0; k < classes; ++k) fmt::print("{:>{}}", row[k] == 0 ? "." : fmt::to_string(row[k]), width);
    fmt::print("{}\n", printed(score));
  }
  return true;
}

// What is printed of classes that are too many for a matrix: those that are recognized worst.
void print_worst_classes(std::vector<ClassScore> scores, const DataForm& form) {
  const std::size_t all = scores.size();
  std::erase_if(scores, [](const ClassScore& score) { return score.samples == 0; });
  std::ranges::stable_sort(scores, {}, &ClassScore::recall);
  scores.resize(std::min<std::size_t>(scores.size(), kClassesPrinted));
  fmt::print("\nOf {} classes, those with the lowest recall; --json has the whole matrix\n", all);
  fmt::print("{:>8} {:>9}{:>10} {:>9}\n", "class", "samples", "precision", "recall");
  for (const ClassScore& score : scores) {
    fmt::print("{:>8} {:>9}{}\n", class_name(form, score.label), grouped(score.samples), printed(score));
  }
}

void print_worst(std::span<const Reading> readings, const DataForm& form) {
  fmt::print("\nMost wrong\n{:>8} {:>7} {:>8} {:>12} {:>18} {:>9}\n", "image", "label", "read as", "probability",
             "that of the label", "loss");
  for (const Reading& r : readings) {
    fmt::print("{:>8} {:>7} {:>8} {:>12} {:>18} {:>9.4f}\n", r.image, class_name(form, r.label),
               class_name(form, r.prediction), percent(r.probability), percent(r.label_probability), r.loss);
  }
}

}  // namespace

int run_eval(const EvalOptions& options) {
  SavedModel saved = open_model(options, options.statistics == Statistics::running);
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
    const std::span<const real> row(logits.row(i).data(), static_cast<std::size_t>(classes));
    if (!std::ranges::all_of(row, [](real x) { return std::isfinite(x); })) {
      throw Error("{}: the model's output for test image {} is not finite", options.model, i);
    }
    readings.push_back(read(logits, i, test_set.labels[static_cast<std::size_t>(i)]));
  }
  const std::vector<ClassScore> scores = class_scores(test, classes);
  const std::vector<Confusion> confused = confusions(test, classes);
  const std::vector<Reading> most_wrong = worst(std::move(readings));
  const std::vector<Tile> sheet = pictures ? tiles(test_set, most_wrong, saved.form) : std::vector<Tile>{};
  if (!options.worst.empty()) write_png(options.worst, contact_sheet(sheet, 10));

  if (options.json) {
    const auto number = [](double x) { return std::isfinite(x) ? nlohmann::ordered_json(x) : nullptr; };
    nlohmann::ordered_json out;
    out["test_accuracy"] = test.accuracy();
    out["test_loss"] = number(test.loss);
    out["samples"] = test.samples;
    out["data"] = folder.string();
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
    for (const ClassScore& score : scores) {
      out["precision"].push_back(number(score.precision));
      out["recall"].push_back(number(score.recall));
    }
    out["confusions"] = nlohmann::ordered_json::array();
    for (const Confusion& c : confused) {
      out["confusions"].push_back({{"label", c.label}, {"prediction", c.prediction}, {"count", c.count}});
    }
    for (const Reading& r : most_wrong) {
      out["worst"].push_back({{"image", r.image},
                              {"label", r.label},
                              {"prediction", r.prediction},
                              {"probability", r.probability},
                              {"label_probability", r.label_probability},
                              {"loss", r.loss}});
    }
    fmt::print("{}\n", out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return 0;
  }
  fmt::print("Test accuracy  {:.2f} %: {} errors out of {}, loss {:.4f}\n", 100 * test.accuracy(),
             grouped(test.samples - test.correct), grouped(test.samples), test.loss);
  if (by_batch) fmt::print("BatchNorm      by each batch's own statistics, {} test samples at a time\n", batch);
  if (again) fmt::print("BatchNorm      by new statistics, from batches of {} training samples\n", batch);
  if (!print_matrix(test, scores, saved.form)) print_worst_classes(scores, saved.form);
  if (!confused.empty()) fmt::print("\nMost frequent confusions\n");
  for (std::size_t i = 0; i < std::min(confused.size(), kConfusionsPrinted); ++i) {
    fmt::print("{:>8} read as {}: {} {}\n", class_name(saved.form, confused[i].label),
               class_name(saved.form, confused[i].prediction), grouped(confused[i].count),
               confused[i].count == 1 ? "time" : "times");
  }
  const std::size_t shown = std::min(most_wrong.size(), kWorstPrinted);
  print_worst(std::span(most_wrong).first(shown), saved.form);
  if (pictures) {
    fmt::print("\nThe same as pictures: label > what it is read as, and with which probability\n\n{}",
               contact_sheet_text(std::span(sheet).first(shown)));
  }
  return 0;
}

}  // namespace TARE_NAMESPACE
