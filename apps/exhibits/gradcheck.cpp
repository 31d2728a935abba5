// tare gradcheck: the derivatives of every op and layer against central differences.
#include <tare/apps/cli/terminal.h>
#include <tare/apps/exhibits/commands.h>
#include <tare/apps/train/diagonal_gradient.h>
#include <tare/core/tools/op_table.h>
#include <tare/layers/layer_norm.h>
#include <tare/layers/linear.h>
#include <tare/layers/mlp.h>

#include <nlohmann/json.hpp>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

constexpr double kBound = 1e-6;         // on the relative error of a right derivative
constexpr double kClearlyWrong = 1e-2;  // what the error of a wrong one must exceed

// The worst over all shapes of one op or layer.
struct Result {
  std::string op, shapes;  // the first of them
  GradientError error;
  bool expected_failure = false;
  int cases = 0;

  void add(const GradientError& e) {
    ++cases;
    if (cases == 1 || e.relative > error.relative) error.worst = e.worst;
    error.absolute = std::max(error.absolute, e.absolute);
    error.relative = std::max(error.relative, e.relative);
  }
  std::string all_shapes() const { return cases == 1 ? shapes : fmt::format("{}, {} more", shapes, cases - 1); }

  bool ok() const { return expected_failure ? error.relative > kClearlyWrong : error.relative <= kBound; }
  const char* verdict() const {
    if (expected_failure) return ok() ? "wrong, as expected" : "NOT WRONG";
    return ok() ? "ok" : "WRONG";
  }
};

std::vector<Result> check_ops(Random& random) {
  std::vector<Result> results;
  for (const OpCase& c : op_table()) {
    if (results.empty() || results.back().op != c.op) results.push_back({.op = c.op, .shapes = c.shapes, .error = {}});
    results.back().add(check_gradients(c.f, c.inputs, random, c.floor));
  }
  return results;
}

// At what batch_norm is checked at, but for N = 2: there the wrong gradient is almost right, nearly zero as the true
// one.
Result check_diagonal_gradient(Random& random) {
  Result result{.op = "batch_norm_diagonal_gradient", .shapes = "", .error = {}, .expected_failure = true};
  for (const OpCase& c : op_table()) {
    if (c.op != "batch_norm" || c.inputs[0].rows() <= 2) continue;
    if (result.cases == 0) result.shapes = c.shapes;
    const Differentiable f = [](Tape&, std::span<const Var> in) {
      return batch_norm_diagonal_gradient(in[0], in[1], in[2], real{1e-5}).y;
    };
    result.add(check_gradients(f, c.inputs, random, c.floor));
  }
  return result;
}

// By the layer's parameters and by its input, which must stay off kinks.
Result check_layer(const std::string& name, Layer& layer, Mode mode, Shape shape, Random& random) {
  Parameter x("x", shape.rows, shape.cols);
  for (real& entry : x.value.reshaped())
    entry = static_cast<real>((random.bits() >> 63 ? 1 : -1) * (0.1 + random.uniform()));
  Parameters parameters = layer.parameters();
  for (Parameter* p : parameters) {
    for (real& entry : p->value.reshaped()) entry += static_cast<real>(0.3 * random.normal());
  }
  parameters.push_back(&x);
  const auto f = [&](Tape& tape) { return layer.forward(tape.leaf(x), mode); };
  Result result{.op = name, .shapes = fmt::format("{}", shape), .error = {}};
  result.add(check_gradients(f, parameters, random));
  return result;
}

std::vector<Result> check_layers(Random& random) {
  std::vector<Result> results;
  const auto check = [&](const std::string& name, auto layer, Mode mode) {
    results.push_back(check_layer(name, layer, mode, {6, 4}, random));
  };
  check("Linear", Linear({.in = 4, .out = 3}), Mode::train);
  check("Linear, no bias", Linear({.in = 4, .out = 3, .bias = false}), Mode::train);
  check("BatchNorm, training", BatchNorm({.features = 4}), Mode::train);
  check("BatchNorm, evaluation", BatchNorm({.features = 4}), Mode::eval);
  check("LayerNorm", LayerNorm({.features = 4}), Mode::train);
  for (const Activation a : {Activation::relu, Activation::sigmoid, Activation::tanh}) {
    const Elementwise layer = activation_layer(a);
    check(layer.describe(), layer, Mode::train);
  }
  check("Dropout, evaluation", Dropout(0.5, Random(1, Random::Stream{3})), Mode::eval);
  check("Sequential", make_mlp({.in = 4, .hidden = {5}, .out = 3, .activation = Activation::tanh}, 1), Mode::train);
  return results;
}

}  // namespace

int run_gradcheck(const GradcheckOptions& options) {
  Random random(1, Random::Stream{4});
  std::vector<Result> results = check_ops(random);
  results.push_back(check_diagonal_gradient(random));
  for (const Result& result : check_layers(random)) results.push_back(result);
  const auto failures = std::ranges::count_if(results, [](const Result& r) { return !r.ok(); });

  if (options.json) {
    nlohmann::ordered_json ops = nlohmann::ordered_json::array();
    const auto number = [](double x) { return std::isfinite(x) ? nlohmann::ordered_json(x) : nullptr; };
    for (const Result& r : results) {
      ops.push_back({{"op", r.op},
                     {"abs_error", number(r.error.absolute)},
                     {"rel_error", number(r.error.relative)},
                     {"expected_failure", r.expected_failure},
                     {"ok", r.ok()}});
    }
    fmt::print("{}\n", nlohmann::ordered_json{{"ops", ops}}.dump());
    return failures == 0 ? 0 : 1;
  }

  const std::size_t columns = terminal_columns();
  const auto say = [&](const std::string& text) { fmt::print("{}\n", wrapped(text, columns)); };
  say(
      fmt::format("Derivatives against central differences, in double: full Jacobians and a random upstream gradient. "
                  "Errors are the worst over all shapes of the inputs; a right derivative is within {}.",
                  kBound));
  const bool wide = columns >= 104;  // enough for the shapes; else there is their number
  const int shapes_width = wide ? 34 : 8;
  fmt::print("\n{:<32}{:<{}}{:>8}{:>10}  verdict\n", "op or layer", "shapes", shapes_width, "absolute", "relative");
  for (const Result& r : results) {
    fmt::print("{:<32}{:<{}}{:>8.1e}{:>10.1e}  {}\n", r.op, wide ? r.all_shapes() : fmt::format("{:>6}", r.cases),
               shapes_width, r.error.absolute, r.error.relative, r.verdict());
  }
  fmt::print("\n");
  for (const Result& r : results) {
    if (!r.ok()) say(fmt::format("{}: {}", r.op, r.error.worst));
  }
  say(
      fmt::format("{} of {} as expected. batch_norm_diagonal_gradient is the short derivation that keeps only the "
                  "diagonal of the Jacobian: it is wrong, and that this check finds it is what makes the others worth "
                  "something.",
                  std::ssize(results) - failures, results.size()));
  return failures == 0 ? 0 : 1;
}

}  // namespace TARE_NAMESPACE
