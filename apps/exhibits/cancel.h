// What `tare cancel` measures in both precisions, so that a run in double can show float's rounding beside its own.
#pragma once

#include "core/machine/matrix.h"

#include <vector>

namespace tare {

/// How far a training output moves when b is added to every bias before BatchNorm, and how far rounding may move it.
struct BiasShift {
  double b, change, rounding;
};

/// What Adam makes of biases that BatchNorm cancels, after 200 steps from 0.
struct AdamDrift {
  double bias;     // max |b|
  double outputs;  // how far the training outputs move when the biases are set back to 0, relative to the largest
  double lag;      // max |b - what running_mean holds of it|: the shift of the BatchNorms' inputs in evaluation
};

namespace float32 {
std::vector<BiasShift> bias_shifts();
AdamDrift adam_drift();
}  // namespace float32
namespace float64 {
std::vector<BiasShift> bias_shifts();
AdamDrift adam_drift();
}  // namespace float64

}  // namespace tare
