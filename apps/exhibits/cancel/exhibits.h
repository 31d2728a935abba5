// The exhibits of `tare cancel`, one file each, and what two of them measure in both precisions, so that a run in
// double can show float's rounding beside its own.
#pragma once

#include <tare/apps/exhibits/check_report.h>
#include <tare/core/machine/matrix.h>

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

namespace float32::exhibits {
std::vector<BiasShift> bias_shifts();
AdamDrift adam_drift();
}  // namespace float32::exhibits
namespace float64::exhibits {
std::vector<BiasShift> bias_shifts();
AdamDrift adam_drift();
}  // namespace float64::exhibits

}  // namespace tare

namespace TARE_NAMESPACE::exhibits {

// Each says what it shows and checks it, in the precision of the run.
void show_forward(CheckReport& report);
void show_derivation(CheckReport& report);
void show_cancellation(CheckReport& report);
void show_backward(CheckReport& report);
void show_bias_shift(CheckReport& report);
void show_jacobian(CheckReport& report);
void show_diagonal_gradient(CheckReport& report);
void show_training(CheckReport& report);
void show_where_not(CheckReport& report);
void show_scale(CheckReport& report);

}  // namespace TARE_NAMESPACE::exhibits
