#include <tare/apps/compare/student_t.h>

#include <cmath>
#include <numbers>

namespace tare {
namespace {

// P(|T| <= t), the sums for whole degrees of freedom in Abramowitz and Stegun, 26.7.3 and 26.7.4.
double t_probability(double t, int degrees) {
  const double angle = std::atan(t / std::sqrt(degrees)), cosine = std::cos(angle);
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1, sum = degrees == 1 ? 0 : term;
  for (int i = odd ? 3 : 2; i <= degrees - 2; i += 2) {
    term *= cosine * cosine * (i - 1) / i;
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
}

}  // namespace

double t_quantile_95(int degrees) {
  double low = 0, high = 16;  // of 1 degree, the largest, it is 12.7
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (t_probability(middle, degrees) < 0.95 ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace tare
