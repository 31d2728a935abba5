// Learning rates as functions of the step, which counts from 0 here.
#pragma once

#include <cstdint>

namespace tare {

/// lr * gamma^k after k complete periods of `period` steps. Error unless period >= 1 and step >= 0.
double step_decay(double lr, std::int64_t step, std::int64_t period, double gamma);

/// Linear warm-up to lr over `warmup` steps (lr / warmup at step 0), then half a cosine down to 0, reached after the
/// last of `total` steps (Loshchilov, Hutter 2017, arXiv 1608.03983, eq. 5, without restarts). Error unless warmup >=
/// 0 and step is from 0 to total.
double cosine(double lr, std::int64_t step, std::int64_t total, std::int64_t warmup = 0);

}  // namespace tare
