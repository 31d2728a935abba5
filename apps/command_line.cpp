// The command line: every subcommand with its help, and what it runs.
#include "apps/cli/commands.h"
#include "apps/compare/compare_options.h"
#include "apps/data/fetch.h"
#include "apps/train/run_description.h"
#include "layers/files/safetensors.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <thread>

namespace tare {
namespace {

void add_saved_model(Command& c, SavedModelOptions& o) {
  c.positional("MODEL", "A saved model (safetensors)", o.model);
  add_precision(c, o.precision);
  c.choice("--activation", "For a file that does not say [relu]", kActivations, o.activation);
  c.choice("--pixels", "For a file that does not say [standard]", kPixels, o.pixels);
}

void add_eval_options(Command& c, EvalOptions& o) {
  add_common(c, o.data, o.threads, o.quiet, o.json);
  add_saved_model(c, o);
  c.text("--worst", "FILE.png", "Write the images that the model is most wrong about as a picture", o.worst);
}

void add_predict_options(Command& c, PredictOptions& o) {
  add_saved_model(c, o);
  c.positional("FILE", "PNG or PGM files, folders of them, or - for standard input", o.files);
  c.flag("--as-is", "Scale the whole picture, light on dark, instead of finding its ink and centring it", o.as_is);
  c.flag("--brief", "One line per file, without the picture", o.brief);
  add_threads(c, o.threads);
  add_json(c, o.json);
}

void add_bench_options(Command& c, BenchOptions& o) {
  add_common(c, o.data, o.threads, o.quiet, o.json);
  c.choice("--work", "Network", kWorks, o.work);
  c.number<Index>("--epochs", "N", "The result is the median of all but the first [5]", 1, kMany, o.epochs);
}

void add_tape_options(Command& c, TapeOptions& o) {
  c.option("--hidden", "W,W,...", "Widths of the hidden layers [4]",
           [&o](const std::string& option, const std::string& text) { o.network.hidden = widths(option, text, 1000); });
  c.choice("--norm", "After each hidden Linear", kNorms, o.network.norm);
  c.choice("--bias", "auto drops a bias that BatchNorm cancels", kBiasRules, o.network.bias);
  c.choice("--batchnorm", "How it is computed", kBatchNormKinds, o.batch_norm);
  c.choice("--activation", "After the normalization", kActivations, o.network.activation);
  c.number<Index>("--batch", "N", "Samples in the batch [5]", 2, 1000, o.batch);
  c.number<std::uint64_t>("--seed", "N", "Of weights and samples [1]", 0, kLargestSeed, o.seed);
  c.flag("--dot", "Print the graph in Graphviz's language: tare tape --dot | dot -Tsvg -o tape.svg", o.dot);
}

// The words of the command line as a shell takes them, the program by its name alone.
std::string shell_words(int argc, char** argv) {
  std::string command = "tare";
  for (const std::string& word : std::vector<std::string>(argv + 1, argv + argc)) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || std::strchr("-_./,=:+", c); };
    if (!word.empty() && std::ranges::all_of(word, plain)) {
      command += " " + word;
      continue;
    }
    command += " '";
    for (char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += "'";
  }
  return command;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  TrainOptions train_options;
  EvalOptions eval_options;
  PredictOptions predict_options;
  BenchOptions bench_options;
  train_options.threads = eval_options.threads = predict_options.threads = bench_options.threads = cores;
  Unresolved unresolved;

  Command program("tare", TARE_VERSION,
                  "Tare trains small neural networks and shows why a bias before batch normalization cancels.",
                  "tare train --data data/mnist --save model.safetensors");
  Command train(
      program, "train", "Train a network, evaluate it, and save it if asked to",
      "tare train --hidden 256,128 --norm batch --epochs 5 --save model.safetensors\n"
      "         tare train --checkpoint run.ckpt    (stopped, it goes on with: tare train --resume run.ckpt)");
  add_train_options(train, train_options, unresolved);
  Command eval(program, "eval", "Accuracy, loss and confusion matrix of a saved model on the test set",
               "tare eval model.safetensors --data data/mnist");
  add_eval_options(eval, eval_options);
  Command predict(program, "predict", "Classify pictures (PNG or PGM) and show them as the model sees them",
                  "tare predict model.safetensors seven.png scans/");
  add_predict_options(predict, predict_options);

  CancelOptions cancel_options;
  Command cancel(program, "cancel",
                 "Show, equation by equation, that a bias before BatchNorm cancels, and when it does not",
                 "tare cancel --precision float");
  cancel.choice("--precision", "Numbers to compute with", kPrecisions, cancel_options.precision);
  cancel.flag("--json", "One JSON object with all checks instead of text", cancel_options.json);
  GradcheckOptions gradcheck_options;
  Command gradcheck(program, "gradcheck", "Check the derivative of every op and layer against finite differences",
                    "tare gradcheck");
  gradcheck.flag("--json", "One JSON object instead of a table", gradcheck_options.json);
  CompareOptions compare_options;
  compare_options.base.threads = cores;
  compare_options.base.eval_every = 50;
  Unresolved compare_unresolved;
  CompareArguments compare_arguments;
  Command compare(
      program, "compare", "Train variants side by side over seeds and learning rates; write curves and a report",
      "tare compare --out comparison --lrs 0.05 --variant 'plain:--norm none' --variant 'batch:--norm batch'");
  add_compare_options(compare, compare_options, compare_unresolved, compare_arguments);
  TapeOptions tape_options;
  Command tape(program, "tape", "Print one training step's tape with shapes, values and gradients",
               "tare tape --norm batch --bias keep");
  add_tape_options(tape, tape_options);
  Command bench(program, "bench", "Time epochs of fixed networks, to compare with other frameworks",
                "tare bench --work W1 --threads 1\n\n"
                "W1  784-256-128-10 with BatchNorm, batch 128\n"
                "W2  the same with biases instead of BatchNorm\n"
                "W3  784-32-10 with BatchNorm, batch 16\n"
                "W4  784-1024-1024-1024-10 with BatchNorm, batch 256\n"
                "In float, SGD with momentum 0.9 and learning rate 0.05. What is timed is training alone.");
  add_bench_options(bench, bench_options);
  FoldOptions fold_options;
  Command fold(program, "fold", "Fold BatchNorm into the Linear layers of a saved model",
               "tare fold model.safetensors folded.safetensors");
  fold.positional("IN", "A saved model (safetensors)", fold_options.in);
  fold.positional("OUT", "The file to write", fold_options.out);
  fold.flag("--drop-bias", "Only drop the biases that BatchNorm cancels", fold_options.drop_bias);
  fold.flag("--quiet", "Say nothing", fold_options.quiet);

  Command data(program, "data", "Make, fetch or show a data set", "tare data show digits");
  DataMakeOptions make_options;
  Command make(data, "make", "Write a built-in set as IDX files", "tare data make digits-1 --seed 1");
  make.positional("DIR", "The folder to write into; it is made if it is not there", make_options.folder);
  make.text("--data", "NAME", "digits, spirals, moons, circles or blobs [digits]", make_options.data);
  make.number<std::uint64_t>("--seed", "N", "Of what is drawn; 1 is what --data NAME uses [1]", 0, kLargestSeed,
                             make_options.seed);
  make.flag("--quiet", "Say nothing", make_options.quiet);
  FetchOptions fetch_options;
  Command fetch(data, "fetch", "Download MNIST, verified, for --data mnist", "tare data fetch mnist");
  fetch.positional("NAME", "mnist", fetch_options.set);
  fetch.positional("DIR", "Where to [data/mnist]", fetch_options.folder, false);
  fetch.text("--mirror", "URL", "Download from here instead of the known mirrors", fetch_options.mirror);
  fetch.number<int>("--timeout", "SECONDS", "Without any data, before a mirror is given up [20]", 1, 86400,
                    fetch_options.timeout);
  fetch.flag("--quiet", "No progress and no notices", fetch_options.quiet);
  DataShowOptions show_options;
  Command show(data, "show", "Samples, class counts, mean and deviation of a set",
               "tare data show mnist --png mnist.png");
  show.positional("NAME|DIR", "As --data of tare train [auto]", show_options.data, false);
  show.text("--png", "FILE.png", "Write the samples as a picture", show_options.png);
  show.flag("--json", "One JSON object on standard output instead of text", show_options.json);

  if (!program.parse(argc, argv)) return 0;

  if (train.given()) {
    if (train_options.resume.empty()) {
      resolve(train_options, unresolved);
    } else {
      char** const given = std::find(argv, argv + argc, std::string_view("train")) + 1;
      train_options = resume_options(train_options.resume, {given, argv + argc}, cores);
    }
    const bool single = train_options.precision == Precision::float32;
    return single ? float32::run_train(train_options) : float64::run_train(train_options);
  }
  if (compare.given()) {
    resolve(compare_options, compare_unresolved, compare_arguments);
    compare_options.command = shell_words(argc, argv);
    if (!is_utf8(compare_options.command)) {
      throw UsageError("compare: expected words in UTF-8, which its report can hold, found {}",
                       compare_options.command);
    }
    return run_compare(compare_options);
  }
  if (eval.given()) {
    const bool single = eval_options.precision == Precision::float32;
    return single ? float32::run_eval(eval_options) : float64::run_eval(eval_options);
  }
  if (predict.given()) {
    const bool single = predict_options.precision == Precision::float32;
    return single ? float32::run_predict(predict_options) : float64::run_predict(predict_options);
  }
  if (make.given()) return run_data_make(make_options);
  if (fetch.given()) {
    if (fetch_options.set != "mnist") throw UsageError("NAME: expected mnist, found \"{}\"", fetch_options.set);
    return run_fetch(fetch_options);
  }
  if (show.given()) return run_data_show(show_options);
  if (cancel.given()) {
    const bool single = cancel_options.precision == Precision::float32;
    return single ? float32::run_cancel(cancel_options) : float64::run_cancel(cancel_options);
  }
  if (bench.given()) return float32::run_bench(bench_options);
  if (fold.given()) {  // in the precision of the file
    const Safetensors contents = read_safetensors(fold_options.in);
    const bool twice =
        std::ranges::any_of(contents.tensors, [](const auto& t) { return t.second.dtype == Dtype::F64; });
    return twice ? float64::run_fold(fold_options, contents) : float32::run_fold(fold_options, contents);
  }
  return gradcheck.given() ? float64::run_gradcheck(gradcheck_options) : float64::run_tape(tape_options);
}

}  // namespace tare
