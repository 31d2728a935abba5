#include <tare/layers/init.h>

#include <cmath>

namespace TARE_NAMESPACE {

void init_normal(Parameter& weight, double sigma, Random& random) {
  check(sigma >= 0 && std::isfinite(sigma), "init_normal: sigma", "a finite number of at least 0", sigma);
  for (real& w : weight.value.reshaped<Eigen::RowMajor>()) w = static_cast<real>(sigma * random.normal());
}

// [INIT-1]
void init_he(Parameter& weight, Random& random) {
  const auto in = static_cast<double>(weight.value.cols());
  init_normal(weight, std::sqrt(2 / in), random);
}

// [INIT-2]
void init_xavier(Parameter& weight, Random& random) {
  const auto in = static_cast<double>(weight.value.cols()), out = static_cast<double>(weight.value.rows());
  init_normal(weight, std::sqrt(2 / (in + out)), random);
}

}  // namespace TARE_NAMESPACE
