// What a comparison is made of: its cases, the runs that were made of them, and the statistics over their seeds.
// Nothing here trains, draws or prints.
#pragma once

#include <tare/apps/cli/options.h>
#include <tare/apps/train/layer_rows.h>
#include <tare/datasets/images.h>

#include <array>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tare {

/// 15th, 50th and 85th percentile, those of Ioffe and Szegedy (2015), figure 1.
using Percentiles = std::array<double, 3>;

struct CurvePoint {
  std::int64_t step, epoch;                        // from 1
  double train_loss;                               // of this step's batch, before its update
  std::optional<double> test_loss, test_accuracy;  // absent in the step in which training diverged
  double seconds;                                  // of training so far, without evaluation
  std::optional<Percentiles> input;      // to the activation of the last hidden layer's first unit, over test images
  std::optional<double> train_accuracy;  // of this step's batch, likewise
  std::optional<double> epoch_loss, epoch_accuracy;            // means over the epoch so far, in training
  std::optional<double> validation_loss, validation_accuracy;  // absent unless samples are held out
};

/// What an instrument found, by name: numbers in the order in which it took them.
using Measurements = std::map<std::string, std::vector<double>>;

/// One training: a case and a seed.
struct Run {
  std::vector<CurvePoint> curve;  // where the test set was evaluated
  bool diverged = false;
  double train_accuracy = 0;  // mean over the last epoch, in training mode
  std::int64_t parameters = 0;
  double seconds = 0;  // of training
  /// Over all steps, of the biases in front of a BatchNorm and of the betas behind them. Absent without such biases.
  std::optional<double> largest_bias_gradient, largest_beta_gradient;
  std::vector<LayerRow> layers;  // where the test set was evaluated, if asked for
  Measurements measured;         // of the experiment's instrument

  /// Of the finished training; nothing if it diverged.
  std::optional<double> test_accuracy() const;
  /// The first point at which the test accuracy was at least `accuracy`.
  const CurvePoint* reached(double accuracy) const;
};

/// The runs of one case that are finished, by seed.
using Runs = std::vector<std::optional<Run>>;

nlohmann::ordered_json to_json(const Run& run);
/// Error, beginning with `file`, if that is not what to_json made.
Run run_from_json(const nlohmann::ordered_json& json, const std::string& file);

/// "BatchNorm, learning rate 0.1, seed 3".
std::string run_name(const Case& c, std::uint64_t seed);

/// What a run's numbers follow from: its options with the seed, what else is set and measured, the data, and the
/// version of the program.
nlohmann::ordered_json origin(const CompareOptions& comparison, const Case& c, std::uint64_t seed,
                              const std::string& data);

/// Mean, sample deviation (a single number has none), median and range of `count` numbers; all 0 if there are none.
struct Spread {
  int count = 0;
  double mean = 0;
  std::optional<double> deviation = {};
  double median = 0, low = 0, high = 0;

  /// Of fractions: whether the mean and one deviation to either side are such, too.
  bool band_fits() const { return !deviation || (mean + *deviation <= 1 && mean - *deviation >= 0); }
  /// Likewise: whether mean and deviation mislead, because a seed has failed.
  bool is_uneven() const { return !band_fits() || low < median / 2; }
};
Spread spread(std::vector<double> numbers);

inline constexpr std::array kThresholds{0.95, 0.97, 0.98};

struct CaseSummary {
  int finished = 0, diverged = 0;                               // runs; a diverged one is finished, too
  Spread test_accuracy, train_accuracy;                         // of those that did not diverge
  std::array<Spread, kThresholds.size()> steps_to, seconds_to;  // of those that reached it
  Spread seconds;
  std::int64_t parameters = 0;
};
CaseSummary summarize(const Runs& runs);

/// What a mean or median of the accuracies is one of: "3 of 5 seeds that did not diverge". Nothing if it is of all of
/// the `wanted` seeds, or of none.
std::string survivors(const CaseSummary& summary, std::size_t wanted);

/// The curve over the seeds: at each step the spread of the test accuracies.
struct MeanPoint {
  std::int64_t step;
  Spread accuracy;
};
std::vector<MeanPoint> mean_curve(const Runs& runs);

/// Of two mean curves at a step: the first minus the second, and the larger of the two deviations over seeds.
struct Difference {
  std::int64_t step;
  double difference;
  std::optional<double> deviation;  // none of a single seed
};

/// A case with the bias that BatchNorm cancels, beside the same case without.
struct BiasEvidence {
  std::size_t kept = 0, dropped = 0;  // cases
  double largest_bias_gradient = 0, largest_beta_gradient = 0;
  std::int64_t parameters_saved = 0;
  std::vector<Difference> differences;  // with the bias minus without
  Difference largest{};                 // of them, without its sign
  double largest_difference_of_a_seed = 0;
};
std::vector<BiasEvidence> bias_evidence(std::span<const Case> cases, std::span<const Runs> runs);

/// The data that --data has led to.
struct DataFacts {
  std::string name;    // of a built-in set, "mnist", or the option's text
  std::string folder;  // the last part of its path; empty: built in
  std::string digest;
  std::int64_t training_samples, test_samples;
};

/// What came of a comparison: the runs of every case.
struct Comparison {
  const CompareOptions& options;
  std::span<const Runs> runs;
  DataFacts data;

  std::uint64_t seed(std::size_t place) const { return options.base.seed + place; }
  /// Whether there is a curve: an experiment may measure networks that it does not train.
  bool has_curves() const;
  /// The names of the runs that are not finished.
  std::vector<std::string> missing() const;
  std::size_t wanted() const { return runs.empty() ? 0 : runs.size() * runs[0].size(); }
};

/// A run that diverged, by the place of its seed, and the step that it ended in.
struct DivergedRun {
  std::size_t seed;
  std::int64_t step;
};
std::vector<DivergedRun> diverged_runs(const Runs& runs);

/// curves.csv: variant,seed,lr,step,epoch,train_loss,test_loss,test_accuracy,train_accuracy,epoch_loss,epoch_accuracy,
/// validation_loss,validation_accuracy; the last two are empty unless samples are held out.
std::string curves_csv(const Comparison& comparison);
/// layers.csv: variant,seed,lr and the columns of `tare train --layers`.
std::string layers_csv(const Comparison& comparison);
/// measured.csv: variant,seed,lr,name,index,value, of what an instrument found; the index counts from 0.
std::string measured_csv(const Comparison& comparison);

}  // namespace tare
