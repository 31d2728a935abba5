#include "optim/schedule.h"

#include <cmath>
#include <numbers>

namespace tare {

double step_decay(double lr, std::int64_t step, std::int64_t period, double gamma) {
  const std::int64_t complete_periods = step / period;
  return lr * std::pow(gamma, static_cast<double>(complete_periods));
}

double cosine(double lr, std::int64_t step, std::int64_t total, std::int64_t warmup) {
  if (step < warmup) return lr * static_cast<double>(step + 1) / static_cast<double>(warmup);
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  return lr * (1 + std::cos(std::numbers::pi * progress)) / 2;
}

}  // namespace tare
