// The middle of measurements that have outliers.
#pragma once

#include <algorithm>
#include <vector>

namespace tare {

/// 0 of nothing; of two in the middle the larger one.
inline float median_of(std::vector<float> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace tare
