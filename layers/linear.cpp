#include <tare/layers/linear.h>

#include <tare/layers/init.h>

namespace TARE_NAMESPACE {
namespace {

const Linear::Options& checked(const Linear::Options& o) {
  check(o.in >= 1, "Linear: in", "at least 1", o.in);
  check(o.out >= 1, "Linear: out", "at least 1", o.out);
  check_shape("Linear: weight", {o.out, o.in}, 1);
  return o;
}

}  // namespace

Linear::Linear(Options options) : weight("weight", checked(options).out, options.in) {
  if (options.bias) bias.emplace("bias", 1, options.out);
}

Linear::Linear(Options options, Random& random) : Linear(options) { init_he(weight, random); }

Var Linear::forward(Var x, Mode) {
  Var w = x.tape().leaf(weight);
  return bias ? linear(x, w, x.tape().leaf(*bias)) : linear(x, w);
}

std::string Linear::describe() const {
  return fmt::format("Linear({}, {}{})", weight.value.cols(), weight.value.rows(), bias ? "" : ", no bias");
}

Parameters Linear::parameters() {
  if (bias) return {&weight, &*bias};
  return {&weight};
}

std::vector<StateTensor> Linear::state() {
  std::vector<StateTensor> tensors{{weight.name, {weight.value.rows(), weight.value.cols()}, weight.value}};
  if (bias) tensors.push_back({bias->name, {bias->value.cols()}, bias->value});
  return tensors;
}

}  // namespace TARE_NAMESPACE
