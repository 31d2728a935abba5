#include <tare/apps/command_line.h>

#include <tare/apps/cli/shell.h>
#include <tare/apps/cli/terminal.h>
#include <tare/apps/compare/commands.h>
#include <tare/apps/compare/compare_options.h>
#include <tare/apps/data/commands.h>
#include <tare/apps/data/fetch.h>
#include <tare/apps/exhibits/commands.h>
#include <tare/apps/models/commands.h>
#include <tare/apps/train/commands.h>
#include <tare/apps/train/run_description.h>
#include <tare/core/machine/workers.h>
#include <tare/layers/files/safetensors.h>

#include <algorithm>

namespace tare {
namespace {

// A subcommand, and what it runs when it was given. The two share its options.
struct Subcommand {
  Command command;
  std::function<int()> run;
};

template <class Options>
int run_in(Precision precision, int (*in_float)(const Options&), int (*in_double)(const Options&), const Options& o) {
  return precision == Precision::float32 ? in_float(o) : in_double(o);
}

const Names<Norm> kNormsOfFiles{{"layer", Norm::layer}, {"batch", Norm::batch}};

void add_saved_model(Command& c, SavedModelOptions& o) {
  c.positional("MODEL", "A saved model (safetensors)", o.model);
  add_precision(c, o.precision);
  c.choice("--activation", "For a file that does not say [relu]", kActivations, o.activation);
  c.choice("--pixels", "For a file that does not say [standard]", kPixels, o.pixels);
  c.choice("--norm", "For a file that does not say: what has a weight, a bias and no running statistics", kNormsOfFiles,
           o.norm);
}

// The words of the command line as a shell takes them, the program by its name alone.
std::string shell_words(const std::vector<std::string>& words) {
  std::string command = "tare";
  for (const std::string& word : words) command += " " + shell_word(word);
  return command;
}

Subcommand train(Command& program, const std::vector<std::string>& words) {
  Command c(program, "train", "Train a network, evaluate it, and save it if asked to",
            "tare train --hidden 256,128 --epochs 5 --save model.safetensors\n"
            "  tare train --checkpoint run.ckpt    (to go on: tare train --resume run.ckpt)");
  const auto o = std::make_shared<TrainOptions>();
  o->threads = hardware_threads();
  const auto unresolved = std::make_shared<Unresolved>();
  add_train_options(c, *o, *unresolved);
  return {c, [=] {
            if (o->resume.empty()) {
              resolve(*o, *unresolved);
            } else {
              *o = resume_options(o->resume, {std::ranges::find(words, "train") + 1, words.end()}, hardware_threads());
            }
            return run_in(o->precision, float32::run_train, float64::run_train, *o);
          }};
}

Subcommand eval(Command& program) {
  Command c(program, "eval", "Accuracy, loss and confusion matrix of a saved model on the test set",
            "tare eval model.safetensors --data data/mnist");
  const auto o = std::make_shared<EvalOptions>();
  o->threads = hardware_threads();
  add_common(c, o->data, o->threads, o->quiet, o->json);
  c.text("--test", "FILE.csv", "Evaluate on all rows of this table", o->test);
  add_saved_model(c, *o);
  c.choice("--statistics", "BatchNorm's: as saved, each batch's own, or new ones from the training set", kStatistics,
           o->statistics);
  c.number<Index>("--batch", "N", "Samples in a batch, for --statistics batch or again [128]", 2, kMany, o->batch);
  c.text("--worst", "FILE.png", "Write the images that the model is most wrong about as a picture", o->worst);
  return {c, [=] {
            if (o->statistics == Statistics::running && o->batch) {
              throw UsageError("--batch: expected only with --statistics batch or again, found running");
            }
            return run_in(o->precision, float32::run_eval, float64::run_eval, *o);
          }};
}

Subcommand predict(Command& program) {
  Command c(program, "predict", "Classify pictures (PNG or PGM) and show them as the model sees them",
            "tare predict model.safetensors seven.png scans/");
  const auto o = std::make_shared<PredictOptions>();
  o->threads = hardware_threads();
  add_saved_model(c, *o);
  c.positional("FILE", "PNG or PGM files, folders of them, or - for standard input; of a table's model, CSV files",
               o->files);
  c.flag("--as-is", "Scale the whole picture, light on dark, instead of finding its ink and centring it", o->as_is);
  c.flag("--brief", "One line per file, without the picture", o->brief);
  add_threads(c, o->threads);
  add_json(c, o->json);
  return {c, [=] { return run_in(o->precision, float32::run_predict, float64::run_predict, *o); }};
}

Subcommand cancel(Command& program) {
  Command c(program, "cancel", "Show, equation by equation, that a bias before BatchNorm cancels, and when it does not",
            "tare cancel --exhibit shift");
  const auto o = std::make_shared<CancelOptions>();
  c.choice("--precision", "Numbers to compute with", kPrecisions, o->precision);
  c.choice("--exhibit", "Only this one, in detail; 1 to 6 are shift to scale", kExhibits, o->exhibit);
  c.flag("--checks", "All checks in full: claim, measured number and bound", o->checks);
  c.flag("--json", "One JSON object with all checks instead of text", o->json);
  return {c, [=] { return run_in(o->precision, float32::run_cancel, float64::run_cancel, *o); }};
}

Subcommand gradcheck(Command& program) {
  Command c(program, "gradcheck", "Check the derivative of every op and layer against finite differences",
            "tare gradcheck");
  const auto o = std::make_shared<GradcheckOptions>();
  c.flag("--json", "One JSON object instead of a table", o->json);
  return {c, [=] { return float64::run_gradcheck(*o); }};
}

Subcommand compare(Command& program, const std::vector<std::string>& words) {
  Command c(program, "compare", "Train variants side by side over seeds and learning rates; write curves and a report",
            "tare compare --out comparison --lrs 0.05 \\\n"
            "    --variant 'plain:--norm none' --variant 'batch:--norm batch'");
  const auto o = std::make_shared<CompareOptions>();
  o->base.threads = hardware_threads();
  o->base.eval_every = 50;
  const auto unresolved = std::make_shared<Unresolved>();
  const auto arguments = std::make_shared<CompareArguments>();
  add_compare_options(c, *o, *unresolved, *arguments);
  return {c, [=] {
            resolve(*o, *unresolved, *arguments);
            o->command = shell_words(words);
            if (!is_utf8(o->command)) {
              throw UsageError("compare: expected words in UTF-8, which its report can hold, found {}", o->command);
            }
            return run_compare(*o);
          }};
}

Subcommand tape(Command& program) {
  Command c(program, "tape", "Print one training step's tape with shapes, values and gradients",
            "tare tape --norm batch --bias keep");
  const auto o = std::make_shared<TapeOptions>();
  c.option("--hidden", "W,W,...", "Widths of the hidden layers [4]",
           [o](const std::string& option, const std::string& text) { o->network.hidden = widths(option, text, 1000); });
  c.choice("--norm", "After each hidden Linear", kNorms, o->network.norm);
  c.choice("--bias", "auto drops a bias that BatchNorm cancels", kBiasRules, o->network.bias);
  c.choice("--batchnorm", "How it is computed", kBatchNormKinds, o->batch_norm);
  c.choice("--activation", "After the normalization", kActivations, o->network.activation);
  c.number<Index>("--batch", "N", "Samples in the batch [5]", 2, 1000, o->batch);
  c.number<Index>("--rows", "N", "Rows shown of every value and gradient [1]", 1, kMany, o->rows);
  c.number<std::uint64_t>("--seed", "N", "Of weights and samples [1]", 0, kLargestSeed, o->seed);
  c.flag("--dot", "Print the graph in Graphviz's language: tare tape --dot | dot -Tsvg -o tape.svg", o->dot);
  return {c, [=] { return float64::run_tape(*o); }};
}

Subcommand bench(Command& program) {
  Command c(program, "bench", "Time epochs of fixed networks, to compare with other frameworks",
            "tare bench --work W1 --threads 1\n\n"
            "W1  784-256-128-10 with BatchNorm, batch 128\n"
            "W2  the same with biases instead of BatchNorm\n"
            "W3  784-32-10 with BatchNorm, batch 16\n"
            "W4  784-1024-1024-1024-10 with BatchNorm, batch 256\n"
            "In float, SGD with momentum 0.9 and learning rate 0.05.\n"
            "What is timed is training alone.");
  const auto o = std::make_shared<BenchOptions>();
  o->threads = hardware_threads();
  add_common(c, o->data, o->threads, o->quiet, o->json);
  c.choice("--work", "Network", kWorks, o->work);
  c.number<Index>("--epochs", "N", "The result is the median of all but the first [5]", 1, kMany, o->epochs);
  return {c, [=] { return float32::run_bench(*o); }};
}

Subcommand fold(Command& program) {
  Command c(program, "fold", "Fold BatchNorm into the Linear layers of a saved model",
            "tare fold model.safetensors folded.safetensors");
  const auto o = std::make_shared<FoldOptions>();
  c.positional("IN", "A saved model (safetensors)", o->in);
  c.positional("OUT", "The file to write", o->out);
  c.flag("--drop-bias", "Only drop the biases that BatchNorm cancels", o->drop_bias);
  c.flag("--quiet", "Say nothing", o->quiet);
  return {c, [=] {  // in the precision of the file
            const Safetensors contents = read_safetensors(o->in);
            const bool twice =
                std::ranges::any_of(contents.tensors, [](const auto& t) { return t.second.dtype == Dtype::F64; });
            return twice ? float64::run_fold(*o, contents) : float32::run_fold(*o, contents);
          }};
}

Subcommand help(Command& program) {
  Command c(program, "help", "Show a command's help, the whole manual, or completion for a shell", "tare help train");
  struct Options {
    std::vector<std::string> command;
    bool manual = false, bash = false, zsh = false;
  };
  const auto o = std::make_shared<Options>();
  c.positional("COMMAND", "As it is called: train, or data make", o->command, false);
  c.flag("--man", "The manual: tare help --man | man -l -", o->manual);
  c.flag("--bash", "Completion for bash: source <(tare help --bash)", o->bash);
  c.flag("--zsh", "Completion for zsh: source <(tare help --zsh)", o->zsh);
  return {c, [o, &program] {
            const CommandEntry* found = &program.entry();
            for (const std::string& word : o->command) {
              std::vector<std::string> names;
              const CommandEntry* next = nullptr;
              for (const auto& below : found->commands) {
                names.push_back(below->name);
                if (below->name == word) next = below.get();
              }
              if (next == nullptr) {
                const std::string meant = nearest(word, names);
                throw UsageError(
                    "help: expected {}, found \"{}\"{}",
                    names.empty() ? "nothing behind " + found->path() : fmt::format("{}", fmt::join(names, ", ")), word,
                    meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
              }
              found = next;
            }
            fmt::print("{}", o->manual ? manual(program.entry(), TARE_VERSION)
                             : o->bash ? bash_completion(program.entry())
                             : o->zsh  ? zsh_completion(program.entry())
                                       : help_text(*found, terminal_columns()));
            return 0;
          }};
}

Subcommand data_make(Command& data) {
  Command c(data, "make", "Write a built-in set as IDX files", "tare data make digits-1 --seed 1");
  const auto o = std::make_shared<DataMakeOptions>();
  c.positional("DIR", "The folder to write into; it is made if it is not there", o->folder);
  c.text("--data", "NAME", "digits, spirals, moons, circles or blobs [digits]", o->data);
  c.number<std::uint64_t>("--seed", "N", "Of what is drawn; 1 is what --data NAME uses [1]", 0, kLargestSeed, o->seed);
  c.flag("--quiet", "Say nothing", o->quiet);
  return {c, [=] { return run_data_make(*o); }};
}

Subcommand data_fetch(Command& data) {
  Command c(data, "fetch", "Download MNIST, verified, for --data mnist", "tare data fetch mnist");
  const auto o = std::make_shared<FetchOptions>();
  c.positional("NAME", "mnist", o->set);
  c.positional("DIR", "Where to [data/mnist]", o->folder, false);
  c.text("--mirror", "URL", "Download from here instead of the known mirrors", o->mirror);
  c.number<int>("--timeout", "SECONDS", "Without any data, before a mirror is given up [20]", 1, 86400, o->timeout);
  c.flag("--quiet", "No progress and no notices", o->quiet);
  return {c, [=] {
            if (o->set != "mnist") throw UsageError("NAME: expected mnist, found \"{}\"", o->set);
            return run_fetch(*o);
          }};
}

Subcommand data_show(Command& data) {
  Command c(data, "show", "Samples, class counts, mean and deviation of a set", "tare data show mnist --png mnist.png");
  const auto o = std::make_shared<DataShowOptions>();
  c.positional("NAME|DIR|FILE.csv", "As --data of tare train [auto]", o->data, false);
  add_data(c, o->data);
  add_test(c, o->test);
  c.number<std::uint64_t>("--seed", "N", "Draws the test set, where that is drawn [1]", 0, kLargestSeed, o->seed);
  c.text("--png", "FILE.png", "Write the samples as a picture", o->png);
  c.flag("--json", "One JSON object on standard output instead of text", o->json);
  return {c, [=] { return run_data_show(*o); }};
}

}  // namespace

int run_command_line(int argc, char** argv) {
  const std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  Command program("tare", TARE_VERSION,
                  "Tare trains small neural networks and shows why a bias before batch normalization cancels.",
                  "tare train --data data/mnist --save model.safetensors");
  std::vector<Subcommand> commands{
      train(program, words),   eval(program), predict(program), cancel(program), gradcheck(program),
      compare(program, words), tape(program), bench(program),   fold(program),   help(program)};
  Command data(program, "data", "Make, fetch or show a data set", "tare data show digits");
  for (const auto& subcommand : {data_make, data_fetch, data_show}) commands.push_back(subcommand(data));

  if (!program.parse(argc, argv)) return 0;
  return std::ranges::find_if(commands, [](const Subcommand& s) { return s.command.given(); })->run();
}

}  // namespace tare
