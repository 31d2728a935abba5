// What the command line says, checked as far as it can be without looking at any file.
#pragma once

#include <tare/core/machine/error.h>
#include <tare/datasets/batches.h>
#include <tare/layers/mlp.h>
#include <tare/optim/training/training_options.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tare {

/// Bad usage: the program ends with exit code 2 instead of 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

enum class Precision { float32, float64 };
/// How training computes BatchNorm: all three give the same outputs, the last one a wrong gradient.
enum class BatchNormKind { fused, composed, diagonal };
enum class Work { w1, w2, w3, w4 };  // the networks of `tare bench`

/// The seed is that of the weights and of dropout, too.
struct TrainOptions : TrainingOptions {
  std::string data = "auto", test;           // test: a table's file; empty: none
  MlpOptions network{.hidden = {256, 128}};  // its sizes of input and output come from the data
  BatchNormKind batch_norm = BatchNormKind::fused;
  std::optional<Index> ghost = {};  // samples that BatchNorm normalizes by themselves; none: the whole batch
  Pixels pixels = Pixels::standard;
  int threads = 1;
  Precision precision = Precision::float32;

  std::string log, layers, save, init, checkpoint, resume;  // files; empty: none
  std::optional<Index> log_every, checkpoint_every;         // in steps
  std::string picture, plot;                                // files; empty: none
  Index validation = 0;                                     // samples that are held out of the training set
  bool quiet = false, json = false;
};

struct SavedModelOptions {
  std::string model;
  std::optional<Activation> activation;  // for files that do not say
  std::optional<Pixels> pixels;
  std::optional<Norm> norm;  // what a normalization without running statistics is
  int threads = 1;
  Precision precision = Precision::float32;
};

/// What BatchNorm normalizes by in evaluation: its running statistics, those of the batch that is evaluated, or running
/// ones made again by a pass over the training set.
enum class Statistics { running, batch, again };

struct EvalOptions : SavedModelOptions {
  std::string data = "auto", test;  // test: a table's file; empty: none
  Statistics statistics = Statistics::running;
  std::optional<Index> batch;  // samples; only if the statistics are not the running ones, then 128 unless given
  std::string worst;           // a file; empty: none
  bool quiet = false, json = false;
};

struct PredictOptions : SavedModelOptions {
  std::vector<std::string> files;  // or folders, or "-"
  bool as_is = false, brief = false;
  bool json = false;
};

/// What an experiment measures in a run besides its curve (apps/compare/instruments).
enum class Measure { nothing, effective_lr, gradient, landscape, shift, gamma, variance, dropout };
/// Settings of a run that are an experiment's own, by name.
using Settings = std::map<std::string, double>;

/// A variant at one learning rate: what a comparison trains from every seed.
struct Case {
  std::string variant;     // letters, digits, spaces and . + - = _
  TrainOptions options;    // of its runs, but for the seed
  Settings settings = {};  // likewise
  std::string series;      // the line in the plots that it belongs to
  std::string panel;       // the plot of curves that it belongs to: those of one panel are to be compared
  double x;                // its place in plots over CompareOptions::axis
};

/// Every `of`-th run of a comparison, from the `number`-th.
struct Part {
  Index number = 1, of = 1;  // number: 1 ... of
};

struct CompareOptions {
  TrainOptions base;  // data, threads, seed (the first), quiet and json; the rest went into the cases
  std::string out;    // folder
  Index seeds = 5;
  std::string title = "Training with and without BatchNorm";  // of the report
  std::string about = "Variants of a network, trained from the same initial weights on the same batches.";
  std::string axis = "learning rate";
  std::string experiment;  // its name; empty: none
  Measure measure = Measure::nothing;
  bool layers = false;         // whether layers.csv is written
  bool dry_run = false;        // whether only the plan is printed
  std::optional<Part> part{};  // none: all runs, and the report
  std::string command;         // as it was given, for the report
  std::vector<Case> cases;
};

/// The parts of `tare cancel`, in its order; from shift on they have numbers, too: 1, 2, ...
enum class Exhibit { note_1, note_2, note_3, backward, shift, jacobian, diagonal, training, where_not, scale };

struct CancelOptions {
  Precision precision = Precision::float64;
  std::optional<Exhibit> exhibit;  // none: all
  bool checks = false, json = false;
};

struct GradcheckOptions {
  bool json = false;
};

struct FoldOptions {
  std::string in, out;
  bool drop_bias = false;
  bool quiet = false;
};

struct BenchOptions {
  std::string data = "auto";
  Work work = Work::w1;
  Index epochs = 5;
  int threads = 1;
  bool quiet = false, json = false;
};

struct DataMakeOptions {
  std::string folder, data = "digits";
  std::uint64_t seed = 1;
  bool quiet = false;
};

struct DataShowOptions {
  std::string data = "auto", test, png;  // test and png: files; empty: none
  std::uint64_t seed = 1;
  bool json = false;
};

struct TapeOptions {
  // Small enough to be read, and with the bias that BatchNorm cancels.
  MlpOptions network{.hidden = {4}, .bias = BiasRule::keep};
  BatchNormKind batch_norm = BatchNormKind::fused;
  Index batch = 5, rows = 1;
  std::uint64_t seed = 1;
  bool dot = false;
};

/// The names on the command line and in files.
const char* name_of(Activation activation);
const char* name_of(Pixels pixels);
const char* name_of(Work work);
/// Error, naming `what` (an option or a file's entry), if there is no such name.
Activation activation_named(const std::string& name, const std::string& what);
Pixels pixels_named(const std::string& name, const std::string& what);

/// The options that decide, together with the data, what a training computes, each with its text on the command line,
/// also where it is the default: {"--hidden", "256,128"}. A flag's text is empty. Equal words, equal data: the same
/// weights.
std::vector<std::pair<std::string, std::string>> words(const TrainOptions& options);
/// These, the data's name, and what is written when and where: what a resumed run need not be told again.
std::map<std::string, std::string> all_words(const TrainOptions& options);

/// The text with a hyphen for whatever does not belong into a file's name.
std::string file_name(const std::string& text);

}  // namespace tare
