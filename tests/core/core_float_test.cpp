// What single precision must withstand: batch normalization of columns with a large mean.
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/ops.h>
#include "tests/core/core_testing.h"

#include <doctest/doctest.h>

#include <cmath>

namespace tare {
namespace {

static_assert(sizeof(real) == sizeof(float));
constexpr double kEps = 1e-5;

// Batch normalization and its gradient by x, for gamma 1 and beta 0, by the textbook in double.
struct Reference {
  Eigen::MatrixXd xhat, dx;
  Eigen::RowVectorXd mean, variance;

  Reference(const Matrix& x, const Matrix& upstream) {
    const Eigen::MatrixXd exact = x.cast<double>(), g = upstream.cast<double>();
    mean = exact.colwise().mean();
    const Eigen::MatrixXd centred = exact.rowwise() - mean;
    variance = centred.array().square().colwise().mean();
    const Eigen::RowVectorXd inv_s = (variance.array() + kEps).rsqrt();
    xhat = centred * inv_s.asDiagonal();
    const Eigen::RowVectorXd mean_g = g.colwise().mean(), mean_g_xhat = (g.array() * xhat.array()).colwise().mean();
    dx = ((g.rowwise() - mean_g) - xhat * mean_g_xhat.asDiagonal()) * inv_s.asDiagonal();
  }
};

TEST_CASE("batch_norm in float survives a mean of 1e4") {
  for (const Index n : {32, 128, 1024}) {
    for (const double mean : {0.0, 1e4, -1e4}) {
      INFO("N = " << n << ", mean " << mean);
      constexpr Index c = 24;
      Random random(4, Random::Stream{4}, static_cast<std::uint64_t>(n));
      Matrix x = random_matrix(random, n, c).array() + static_cast<real>(mean);
      const Matrix upstream = random_matrix(random, n, c);
      // The first value of a column is what it is centred on; it may be an unusual one.
      x(0, 0) += 6;
      const Reference reference(x, upstream);

      Parameter p = parameter(x), gamma("gamma", 1, c), beta("beta", 1, c);
      gamma.value.setOnes();
      Tape tape;
      const BatchNormResult result = batch_norm(tape.leaf(p), tape.leaf(gamma), tape.leaf(beta), real{kEps});
      CHECK((result.y.value().cast<double>() - reference.xhat).cwiseAbs().maxCoeff() <= 1e-5);
      CHECK((result.mean.cast<double>() - reference.mean).cwiseAbs().maxCoeff() <=
            1e-3);  // the spacing of floats at 1e4
      CHECK((result.variance.cast<double>() - reference.variance).cwiseAbs().maxCoeff() <= 1e-5);
      tape.backward(sum(mul(result.y, tape.constant(upstream))));
      CHECK((p.grad.cast<double>() - reference.dx).cwiseAbs().maxCoeff() <= 1e-5);
    }
  }
}

}  // namespace
}  // namespace tare
