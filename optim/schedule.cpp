#include <tare/optim/schedule.h>

#include <tare/core/machine/error.h>
#include <tare/core/machine/functions.h>

namespace tare {

// [OPT-5]
double step_decay(double lr, std::int64_t step, std::int64_t period, double gamma) {
  check(period >= 1, "step_decay: period", "at least 1 step", period);
  check(step >= 0, "step_decay: step", "at least 0", step);
  const std::int64_t complete_periods = step / period;
  return lr * functions::power(gamma, complete_periods);
}

// [OPT-6]
double cosine(double lr, std::int64_t step, std::int64_t total, std::int64_t warmup) {
  check(warmup >= 0, "cosine: warmup", "at least 0 steps", warmup);
  check(step >= 0 && step <= total, "cosine: step", fmt::format("a step from 0 to {}", total).c_str(), step);
  if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (step == total) return 0;
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  return lr * (1 + functions::cos_pi(progress)) / 2;
}

}  // namespace tare
