// The options of a training: `tare train`'s, and what variants and checkpoints say of them.
#pragma once

#include <tare/apps/cli/command.h>

namespace tare {

/// What has no default of its own.
struct Unresolved {
  std::optional<double> lr, momentum;
  std::optional<Activation> activation;
  std::optional<Pixels> pixels;
};

// Each adds options, whose values end up in the other arguments.
void add_threads(Command& c, int& threads);
void add_json(Command& c, bool& json);
void add_data(Command& c, std::string& data);
void add_test(Command& c, std::string& test);
void add_common(Command& c, std::string& data, int& threads, bool& quiet, bool& json);
void add_precision(Command& c, Precision& precision);
/// What a run computes, besides its data, its learning rate and its seed.
void add_run_options(Command& c, TrainOptions& o, Unresolved& u);
void add_train_options(Command& c, TrainOptions& o, Unresolved& u);

/// "256,128". UsageError, naming the option, if it is no such list.
std::vector<Index> widths(const std::string& option, const std::string& text, Index widest = 1'000'000);

/// Adds what the words of a variant or an experiment, which is `what`, say to the options.
void read_words(const std::string& what, const std::string& text, TrainOptions& o, Unresolved& u);

/// What depends on more than one option.
void resolve(TrainOptions& o, const Unresolved& u);

/// The options of the run that `file` is a checkpoint of, with what `words` adds to them. UsageError if these
/// contradict.
TrainOptions resume_options(const std::string& file, const std::vector<std::string>& words, int threads);

}  // namespace tare
