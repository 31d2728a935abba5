// What an experiment measures in a run besides its curve. An instrument is made for each run, sees it from before its
// first step to behind its last one, and leaves numbers under names.
#pragma once

#include <tare/apps/compare/comparison.h>
#include <tare/layers/batch_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/sequential.h>
#include <tare/optim/training/train.h>

#include <memory>

namespace TARE_NAMESPACE {

/// What a run is made of.
struct RunSetting {
  const TrainOptions& options;  // with the network's sizes of input and output
  const Settings& settings;     // of the case
  const DataSet& data;
  Workers& workers;

  /// A setting of the case, 0 without it.
  double of(const std::string& name) const { return settings.contains(name) ? settings.at(name) : 0; }
  /// The batches that the run trains on.
  Batches batches() const {
    return {Samples(data.train, options.pixels),
            options.batch,
            options.seed,
            options.shuffle,
            options.augment,
            options.noise};
  }
};

class Instrument {
 public:
  explicit Instrument(const RunSetting& setting_) : setting(setting_) {}
  virtual ~Instrument() = default;
  /// Before training; it may change the model, which it may borrow.
  virtual void start(Sequential& model) = 0;
  /// Whether anything is to be trained after that.
  virtual bool trains() const { return true; }
  /// What to train with; none: what the options name.
  virtual std::unique_ptr<Optimizer> optimizer() { return nullptr; }
  /// With the gradients of a step, counted from 1, and before its update.
  virtual void before_update(std::int64_t /*step*/, const Tape& /*tape*/) {}
  virtual void after_step(std::int64_t /*step*/) {}
  virtual void finish() {}

  const RunSetting& setting;
  Measurements measured;
};

/// A Linear and the BatchNorm right behind it.
struct NormalizedLinear {
  std::size_t place;  // of the Linear in the model
  Linear* linear;
  BatchNorm* norm;
};
std::vector<NormalizedLinear> normalized_linears(Sequential& model);

/// The output of layer `place` on a tape that has recorded a step, of which it must be a part.
Tape::Entry output_of(const Tape& tape, std::size_t place);

/// Mean and biased variance of every column, in double.
struct Moments {
  std::vector<double> mean, variance;
};
Moments column_moments(const View& x);
double mean_of(const std::vector<double>& numbers);

}  // namespace TARE_NAMESPACE
