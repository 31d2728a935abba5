#include <tare/core/tools/gradcheck.h>

#include <tare/core/ops/ops.h>

#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

// Balances the rounding error of a central difference, eps / h, and its truncation error, h^2.
const real kStep = std::cbrt(std::numeric_limits<real>::epsilon());

class Checker {
 public:
  Checker(const std::function<Var(Tape&)>& f, const Parameters& inputs, double floor)
      : f_(f), inputs_(inputs), floor_(floor) {}

  Buffer value() {
    tape_.clear();
    return f_(tape_).value();
  }

  // [GC-1]  d value / d inputs[k](i, j), for every entry of the value
  Buffer central_difference(std::size_t k, Index entry) {
    real& x = inputs_[k]->value.data()[entry];
    const real x0 = x, h = kStep * std::max(std::abs(x0), real{1});
    x = x0 + h;
    const Buffer above = value();
    const real twice_h = x - (x0 - h);  // as rounded
    x = x0 - h;
    const Buffer below = value();
    x = x0;
    return (above - below) / twice_h;
  }

  // [GC-2]  Puts d sum(upstream o value) / d inputs into their gradients.
  void backward(const View& upstream) {
    for (Parameter* p : inputs_) p->grad.setZero();
    tape_.clear();
    Var y = f_(tape_);
    tape_.backward(sum(mul(y, tape_.constant(upstream))));
  }

  void compare(const char* check, std::size_t k, const View& analytic, const View& numeric) {
    Index row, col;
    const auto difference = (analytic - numeric).array().abs();
    // A non-finite difference is infinitely wrong.
    const bool finite = difference.isFinite().all();
    const double error = finite ? static_cast<double>(difference.maxCoeff(&row, &col)) : HUGE_VAL;
    if (!finite) row = col = 0;
    const double size = static_cast<double>(numeric.cwiseAbs().maxCoeff());
    const double relative = finite ? error / std::max(size, floor_) : HUGE_VAL;
    worst_.absolute = std::max(worst_.absolute, error);
    if (relative >= worst_.relative) {
      worst_.relative = relative;
      worst_.worst = fmt::format("{}, input {}, entry ({}, {}): analytic {}, numeric {}", check, k, row, col,
                                 analytic(row, col), numeric(row, col));
    }
  }

  GradientError worst() const { return worst_; }

 private:
  const std::function<Var(Tape&)>& f_;
  const Parameters& inputs_;
  double floor_;
  Tape tape_;
  GradientError worst_;
};

}  // namespace

GradientError check_gradients(const Differentiable& f, const std::vector<Buffer>& inputs, Random& random,
                              double floor) {
  std::vector<Parameter> owned;
  Parameters parameters;
  owned.reserve(inputs.size());
  for (const Buffer& m : inputs) {
    owned.emplace_back("input", m.rows(), m.cols()).value = m;
    parameters.push_back(&owned.back());
  }
  std::vector<Var> leaves;
  const auto of_tape = [&](Tape& tape) {
    leaves.clear();
    for (Parameter* p : parameters) leaves.push_back(tape.leaf(*p));
    return f(tape, leaves);
  };
  return check_gradients(of_tape, parameters, random, floor);
}

GradientError check_gradients(const std::function<Var(Tape&)>& f, const Parameters& parameters, Random& random,
                              double floor) {
  Checker checker(f, parameters, floor);

  const Buffer value = checker.value();
  Buffer upstream(value.rows(), value.cols());
  for (real& g : upstream.reshaped()) g = static_cast<real>(random.normal());

  std::vector<Buffer> numeric_jacobian, numeric_gradient;  // per input: [outputs x entries] and its shape
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    const Index entries = parameters[k]->value.size();
    Buffer jacobian(value.size(), entries), gradient(parameters[k]->value.rows(), parameters[k]->value.cols());
    for (Index e = 0; e < entries; ++e) {
      const Buffer column = checker.central_difference(k, e);
      jacobian.col(e) = column.reshaped<Eigen::RowMajor>();
      gradient.data()[e] = column.cwiseProduct(upstream).sum();
    }
    numeric_jacobian.push_back(jacobian);
    numeric_gradient.push_back(gradient);
  }

  std::vector<Buffer> jacobian;
  for (const Buffer& numeric : numeric_jacobian) jacobian.emplace_back(numeric.rows(), numeric.cols());
  for (Index output = 0; output < value.size(); ++output) {
    Buffer one(value.rows(), value.cols());
    one.data()[output] = 1;
    checker.backward(one);
    for (std::size_t k = 0; k < parameters.size(); ++k) {
      jacobian[k].row(output) = parameters[k]->grad.reshaped<Eigen::RowMajor>();
    }
  }
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    checker.compare("Jacobian [outputs x entries]", k, jacobian[k], numeric_jacobian[k]);
  }

  checker.backward(upstream);
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    checker.compare("random upstream gradient", k, parameters[k]->grad, numeric_gradient[k]);
  }
  return checker.worst();
}

}  // namespace TARE_NAMESPACE
