#include <tare/optim/optimizer.h>

#include <tare/core/machine/functions.h>

#include <algorithm>
#include <cmath>

namespace TARE_NAMESPACE {
namespace {

// A fresh zero buffer for every parameter.
std::vector<Buffer> buffers_for(const Parameters& parameters) {
  std::vector<Buffer> buffers;
  buffers.reserve(parameters.size());
  for (const Parameter* p : parameters) {
    if (p == nullptr) throw Error("optimizer: expected parameters, found a null pointer");
    buffers.emplace_back(p->value.rows(), p->value.cols());
  }
  return buffers;
}

void check_fraction(const char* name, double x) { check(x >= 0 && x < 1, name, "a number in [0, 1)", x); }

void check_not_negative(const char* name, double x) {
  check(x >= 0 && std::isfinite(x), name, "a finite number of at least 0", x);
}

// Calls update(begin, size) on pieces of the parameter's numbers, taken as one long row. They are so small that what
// one line of an update writes is still in the nearest cache when the next line reads it.
template <class Update>
void for_pieces(const Parameter& p, Workers& workers, const Update& update) {
  const Index n = p.value.size();
  workers.split(n, Workers::kLine, 2 * Workers::kElementwiseWork * static_cast<double>(n),
                [&](Index begin, Index size) {
                  constexpr Index kPiece = 1024;
                  for (Index i = begin, end = begin + size; i < end; i += kPiece) update(i, std::min(kPiece, end - i));
                });
}

double decay_of(Parameter& p, double weight_decay, const Parameters& undecayed) {
  return std::ranges::find(undecayed, &p) == undecayed.end() ? weight_decay : 0;
}

Row piece(Buffer& buffer, Index begin, Index size) { return {buffer.data() + begin, size}; }

void add_state(std::vector<StateTensor>& state, const char* name, std::vector<Buffer>& buffers) {
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    state.push_back({fmt::format("{}.{}", name, i), {buffers[i].rows(), buffers[i].cols()}, buffers[i], Values::any});
  }
}

}  // namespace

Sgd::Sgd(Parameters parameters, Options options)
    : parameters_(std::move(parameters)), options_(std::move(options)), velocity_(buffers_for(parameters_)) {
  check_fraction("Sgd: momentum", options_.momentum);
  check_not_negative("Sgd: weight_decay", options_.weight_decay);
}

// [OPT-1]  v = momentum v + g + weight_decay w;   w -= lr v
void Sgd::step(double lr, Workers& workers) {
  check_not_negative("Sgd: lr", lr);
  const auto rate = static_cast<real>(lr), momentum = static_cast<real>(options_.momentum);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    const auto weight_decay = static_cast<real>(decay_of(p, options_.weight_decay, options_.undecayed));
    for_pieces(p, workers, [&](Index begin, Index size) {
      Row w = piece(p.value, begin, size), g = piece(p.grad, begin, size), v = piece(velocity_[i], begin, size);
      v = momentum * v + (g + weight_decay * w);
      w -= rate * v;
    });
  }
}

std::vector<StateTensor> Sgd::state() {
  std::vector<StateTensor> state;
  add_state(state, "velocity", velocity_);
  return state;
}

Adam::Adam(Parameters parameters, Options options)
    : parameters_(std::move(parameters)),
      options_(std::move(options)),
      m_(buffers_for(parameters_)),
      v_(buffers_for(parameters_)) {
  check_fraction("Adam: beta1", options_.beta1);
  check_fraction("Adam: beta2", options_.beta2);
  check(options_.eps > 0 && std::isfinite(options_.eps), "Adam: eps", "a finite number above 0", options_.eps);
  check_not_negative("Adam: weight_decay", options_.weight_decay);
}

void Adam::step(double lr, Workers& workers) {
  check_not_negative("Adam: lr", lr);
  ++t_;
  // [OPT-2]  lr mhat / (sqrt(vhat) + eps) = lr / correction1 m / (sqrt(v) / sqrt(correction2) + eps)
  const double correction1 = 1 - functions::power(options_.beta1, t_);
  const double correction2 = 1 - functions::power(options_.beta2, t_);
  const auto rate = static_cast<real>(lr / correction1), root_correction2 = static_cast<real>(std::sqrt(correction2));
  const auto beta1 = static_cast<real>(options_.beta1), one_minus_beta1 = static_cast<real>(1 - options_.beta1);
  const auto beta2 = static_cast<real>(options_.beta2), one_minus_beta2 = static_cast<real>(1 - options_.beta2);
  const auto eps = static_cast<real>(options_.eps);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i];
    const double weight_decay = decay_of(p, options_.weight_decay, options_.undecayed);
    const auto l2 = static_cast<real>(options_.decoupled ? 0 : weight_decay);
    const auto shrink = static_cast<real>(options_.decoupled ? 1 - lr * weight_decay : 1);
    for_pieces(p, workers, [&](Index begin, Index size) {
      Row w = piece(p.value, begin, size), g = piece(p.grad, begin, size);
      Row m = piece(m_[i], begin, size), v = piece(v_[i], begin, size);
      w *= shrink;  // [OPT-3]
      m = beta1 * m + one_minus_beta1 * (g + l2 * w);
      v = beta2 * v + one_minus_beta2 * (g + l2 * w).square();
      w -= rate * m / (v.unaryExpr(functions::sqrt) / root_correction2 + eps);
    });
  }
}

std::vector<StateTensor> Adam::state() {
  std::vector<StateTensor> state{{"t", {}, &t_}};
  add_state(state, "m", m_);
  add_state(state, "v", v_);
  return state;
}

void zero_grad(const Parameters& parameters) {
  for (Parameter* p : parameters) p->grad.setZero();
}

// [OPT-4]
double clip_grad_norm(const Parameters& parameters, double max_norm) {
  check(max_norm >= 0, "clip_grad_norm: max_norm", "a number of at least 0", max_norm);
  double sum = 0;
  for (const Parameter* p : parameters) {
    sum += functions::sum(ConstRow(p->grad.data(), p->grad.size()).cast<double>().square());
  }
  const double norm = std::sqrt(sum);
  const double factor = max_norm / (norm + 1e-6);
  if (factor < 1 && std::isfinite(norm)) {  // else the gradients stay too large, which the next loss shows
    for (Parameter* p : parameters) p->grad *= static_cast<real>(factor);
  }
  return norm;
}

}  // namespace TARE_NAMESPACE
