// What a training does, besides its model and its data.
#pragma once

#include <tare/datasets/augment.h>

#include <cstdint>
#include <optional>

namespace tare {

enum class OptimizerKind { sgd, adam, adamw };
/// What weight decay acts on: all parameters, or only the weights of Linear layers.
enum class Decay { all, weights };
/// Which model a run ends with: the last one, or the one of the lowest validation loss.
enum class Keep { last, best };

struct ScheduleOptions {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::constant;
  std::int64_t period = 1;  // in epochs, of Kind::step
  double gamma = 1;
  std::int64_t warmup = 0;  // in steps, of Kind::cosine
};

struct TrainingOptions {
  OptimizerKind optimizer = OptimizerKind::sgd;
  double lr = 0.05;
  double momentum = 0.9;  // of sgd
  double weight_decay = 0;
  Decay decay = Decay::all;
  ScheduleOptions schedule = {};
  std::optional<double> clip = {};  // the norm of all gradients

  std::int64_t batch = 128;
  std::optional<std::int64_t> epochs = {}, steps = {};  // whichever ends first; at least one must be set
  bool shuffle = true;
  std::uint64_t seed = 1;                       // of the order of samples and of what is done to them:
  double noise = 0;                             // the deviation of what is added to every input
  AugmentOptions augment = {};                  // of images
  std::optional<std::int64_t> eval_every = {};  // in steps, besides the ends of epochs
  bool detect_anomaly = false;
  Keep keep = Keep::last;                     // these two need samples for validation
  std::optional<std::int64_t> patience = {};  // ends training after so many epochs without a lower validation loss
};

}  // namespace tare
