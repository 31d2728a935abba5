// Experiments that put a paper's claim beside what Tare measures; a source file for each.
#pragma once

#include <tare/apps/compare/experiments/experiments.h>

namespace tare {

Experiment effective_lr_experiment();
Experiment gradient_explosion_experiment();
Experiment landscape_experiment();
Experiment noise_experiment();
Experiment ghost_experiment();
Experiment norm_only_experiment();
Experiment residual_depth_experiment();
Experiment parts_experiment();
Experiment dropout_shift_experiment();
Experiment ladder_experiment();

}  // namespace tare
