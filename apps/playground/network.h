// A network that trains on the page: what its sliders set, a few steps at a time, and what can be seen of it meanwhile.
#pragma once

#include <tare/layers/mlp.h>
#include <tare/optim/training/saved_model.h>
#include <tare/optim/training/train.h>

#include <optional>
#include <string>
#include <vector>

namespace tare {

struct NetworkOptions {
  std::string data = "digits";  // or a toy set
  Index samples = 10'000;       // to train on
  std::vector<Index> hidden = {64, 64};
  Norm norm = Norm::batch;
  BiasRule bias = BiasRule::drop_cancelled;
  Activation activation = Activation::relu;
  double init_scale = 1;  // a factor of the initial weights
  std::uint64_t seed = 1;
  // These may change while it trains:
  OptimizerKind optimizer = OptimizerKind::sgd;
  double lr = 0.1, momentum = 0.9, weight_decay = 0;
  Index batch = 64;
};

/// How often values fell into equal parts of a range, and how many are beyond it.
struct Histogram {
  double low = 0, high = 0;
  std::vector<std::int64_t> counts = {};
  std::int64_t below = 0, above = 0;
};

/// What a step shows of one activation: what goes into it, and the gradient that comes back there.
struct ActivationView {
  std::string place;  // of its layer
  Index samples, units;
  Histogram input = {};             // over batch and units
  Histogram gradient = {};          // of log10 |g|, for those that are not zero; no counts if there is no gradient
  std::int64_t zero_gradients = 0;  // how many are
  double input_mean = 0, input_deviation = 0, gradient_rms = 0;
  double dead_share = 0;  // of its units: no sample of the batch has a derivative here other than 0
  std::vector<double> unit_mean = {}, unit_deviation = {};  // of what goes in, for the first units
};

/// A parameter in a step: Euclidean norms.
struct ParameterView {
  std::string name;  // "0.weight"
  std::string role;  // "weight", "bias", "gamma", "beta"
  double norm, gradient_norm;
  std::optional<double> update_ratio;  // |W after - W before| / |W before|
  bool cancelled;                      // a bias in front of BatchNorm
};

struct Inside {
  std::vector<ActivationView> activations;
  std::vector<ParameterView> parameters;
};

struct StepsResult {
  std::vector<double> loss;  // of the batches
  bool diverged = false;
  std::optional<Inside> inside = {};  // of the last step, unless one before diverged
};

}  // namespace tare

namespace TARE_NAMESPACE {

/// The digits or the toy set that networks train on here: `samples` of the training set, and 1,000 for testing. It is
/// kept for the next network.
const DataSet& playground_data(const std::string& name, Index samples);

class Network {
 public:
  /// Error, naming the option, if one is out of its range.
  explicit Network(const NetworkOptions& options);

  /// Trains for so many steps, or until it diverges.
  StepsResult steps(Index count, bool inspect);
  /// What may change while it trains. Error as in the constructor; then nothing has changed.
  void change(const NetworkOptions& options);
  Evaluation test() const;

  const NetworkOptions& options() const { return options_; }
  const Sequential& model() const { return model_; }
  const DataSet& data() const { return data_; }
  std::int64_t step() const { return step_; }

 private:
  NetworkOptions options_;
  const DataSet& data_;
  Sequential model_;
  Parameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::optional<Batches> batches_;
  Index first_step_ = 0;  // of these batches
  std::int64_t step_ = 0;
  Tape tape_;
};

/// The CRC-32 of all numbers of a model's state, in their order.
std::uint32_t digest_of(const Sequential& model);

}  // namespace TARE_NAMESPACE
