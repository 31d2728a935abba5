#include <tare/apps/playground/tape_table.h>

#include <tare/apps/exhibits/numbers.h>
#include <tare/apps/train/diagonal_gradient.h>
#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/layer_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>
#include <tare/core/tape.h>
#include <tare/core/tools/inspect.h>

#include <cmath>
#include <string>
#include <vector>

namespace TARE_NAMESPACE {
namespace {

using nlohmann::json;

constexpr real kEps{1e-5};  // as the layers have it

// What a step begins with.
struct Inputs {
  Numbers x{{1, 2}, {2, -1}, {-1, 0.5}, {-0.5, -2}};
  std::vector<int> labels{0, 1, 0, 1};
  Numbers w1{{0.5, -1}, {1, 0.5}, {-0.5, 0.25}}, b1{{0.1, -0.2, 0.3}};
  Numbers gamma{{1, 1.5, 0.5}}, beta{{0, 0.5, 0.25}};
  Numbers w2{{1, -0.5, 0.5}, {-1, 0.5, 0.25}}, b2{{0, 0.1}};
  double bias_offset = 0;
};

// ---- From and to JSON -----------------------------------------------------------------------------------------------

double number_from(const json& found, const std::string& name) {
  constexpr double kLargest = 1000;  // what a float overflows at is far beyond, even squared and multiplied
  if (!found.is_number()) throw Error("{}: expected numbers, found {}", name, found.dump());
  const double x = found;
  if (!(std::abs(x) <= kLargest)) {
    throw Error("{}: expected numbers from -{} to {}, found {}", name, kLargest, kLargest, x);
  }
  return x;
}

void read(const json& request, const char* name, Numbers& to) {
  constexpr std::size_t kMost = 8;  // rows and columns that can be looked at
  if (!request.contains(name)) return;
  const json& rows = request.at(name);
  if (!rows.is_array() || rows.empty() || rows.size() > kMost || !rows[0].is_array()) {
    throw Error("{}: expected 1 to {} rows of numbers, found {}", name, kMost, rows.dump());
  }
  const std::size_t cols = rows[0].size();
  if (cols < 1 || cols > kMost) throw Error("{}: expected 1 to {} numbers in a row, found {}", name, kMost, cols);
  to.resize(std::ssize(rows), static_cast<Index>(cols));
  for (Index i = 0; i < to.rows(); ++i) {
    const json& row = rows[static_cast<std::size_t>(i)];
    if (!row.is_array() || row.size() != cols) {
      throw Error("{}: expected {} numbers in each row, found {} in row {}", name, cols, row.dump(), i);
    }
    for (Index j = 0; j < to.cols(); ++j) to(i, j) = number_from(row[static_cast<std::size_t>(j)], name);
  }
}

void read_labels(const json& request, std::vector<int>& to) {
  if (!request.contains("labels")) return;
  const json& labels = request.at("labels");
  if (!labels.is_array()) throw Error("labels: expected one for each row of x, found {}", labels.dump());
  to.clear();
  for (const json& label : labels) {
    if (number_from(label, "labels") != std::floor(label.get<double>())) {
      throw Error("labels: expected whole numbers, found {}", label.dump());
    }
    to.push_back(label);
  }
}

Inputs inputs_from(const json& request) {
  Inputs inputs;
  read(request, "x", inputs.x);
  read_labels(request, inputs.labels);
  read(request, "w1", inputs.w1);
  read(request, "b1", inputs.b1);
  read(request, "gamma", inputs.gamma);
  read(request, "beta", inputs.beta);
  read(request, "w2", inputs.w2);
  read(request, "b2", inputs.b2);
  if (request.contains("bias_offset")) inputs.bias_offset = number_from(request.at("bias_offset"), "bias_offset");
  return inputs;
}

json rows_of(const Numbers& m) {
  json rows = json::array();
  for (Index i = 0; i < m.rows(); ++i) {
    const Numbers row = m.row(i);
    rows.push_back(std::vector(row.data(), row.data() + row.size()));
  }
  return rows;
}

json to_json(const Inputs& inputs) {
  return {{"x", rows_of(inputs.x)},   {"labels", inputs.labels},        {"w1", rows_of(inputs.w1)},
          {"b1", rows_of(inputs.b1)}, {"gamma", rows_of(inputs.gamma)}, {"beta", rows_of(inputs.beta)},
          {"w2", rows_of(inputs.w2)}, {"b2", rows_of(inputs.b2)},       {"bias_offset", inputs.bias_offset}};
}

template <class M>
std::vector<double> numbers_of(const M& m) {
  return {m.data(), m.data() + m.size()};
}

// ---- The step -------------------------------------------------------------------------------------------------------

using NormalizationOp = Var (*)(Var x, Var gamma, Var beta);  // null: none

NormalizationOp normalization(const json& name) {
  if (name == "batch") return [](Var x, Var gamma, Var beta) { return batch_norm(x, gamma, beta, kEps).y; };
  if (name == "composed") return [](Var x, Var gamma, Var beta) { return batch_norm_composed(x, gamma, beta, kEps).y; };
  if (name == "layer") return [](Var x, Var gamma, Var beta) { return layer_norm(x, gamma, beta, kEps); };
  if (name == "none") return nullptr;
  if (name == "diagonal") {
    return [](Var x, Var gamma, Var beta) { return batch_norm_diagonal_gradient(x, gamma, beta, kEps).y; };
  }
  throw Error("norm: expected batch, composed, layer, none or diagonal, found {}", name.dump());
}

Parameter parameter(const char* name, const Numbers& value) {
  Parameter p(name, value.rows(), value.cols());
  p.value = value.cast<real>();
  return p;
}

Numbers biases(const Inputs& inputs) { return inputs.b1.array() + inputs.bias_offset; }

// Linear, normalization, ReLU, Linear and the loss, forward and backward.
struct Step {
  Parameter w1, b1, gamma, beta, w2, b2;
  Tape tape;
  Numbers z_gradient;  // of what goes into the normalization

  Step(const Inputs& inputs, NormalizationOp normalize)
      : w1(parameter("w1", inputs.w1)),
        b1(parameter("b1", biases(inputs))),
        gamma(parameter("gamma", inputs.gamma)),
        beta(parameter("beta", inputs.beta)),
        w2(parameter("w2", inputs.w2)),
        b2(parameter("b2", inputs.b2)) {
    // Statement by statement: the order in which a call's arguments come onto the tape is the compiler's choice.
    const Var x = tape.constant(inputs.x.cast<real>());
    const Var first_weight = tape.leaf(w1), first_bias = tape.leaf(b1);
    const Var z = linear(x, first_weight, first_bias);
    Var y = z;
    if (normalize != nullptr) {
      const Var scale = tape.leaf(gamma), shift = tape.leaf(beta);
      y = normalize(z, scale, shift);
    }
    const Var hidden = relu(y);
    const Var second_weight = tape.leaf(w2), second_bias = tape.leaf(b2);
    const Var logits = linear(hidden, second_weight, second_bias);
    tape.backward(softmax_cross_entropy(logits, inputs.labels));
    z_gradient = z.grad().cast<double>();
  }
};

json entries_of(const Step& step) {
  json entries = json::array();
  for (std::size_t i = 0; i < step.tape.size(); ++i) {
    const Tape::Entry e = step.tape.entry(i);
    const std::string name = i == 0 ? "x" : entry_name(e);
    const bool is_input = i == 0 || e.parameter != nullptr;
    json operands = json::array();
    for (const int place : e.operands) {
      if (place >= 0) operands.push_back(place);
    }
    entries.push_back({{"op", e.op},
                       {"name", name},
                       {"operands", operands},
                       {"rows", e.value.rows()},
                       {"cols", e.value.cols()},
                       {"value", numbers_of(e.value)},
                       {"gradient", e.grad ? json(numbers_of(*e.grad)) : json()},
                       {"input", is_input ? json(name) : json()}});
  }
  return entries;
}

// ---- Three gradients of one BatchNorm -------------------------------------------------------------------------------

// The loss of what goes into BatchNorm, in double and without a tape.
double loss_behind(const Numbers& z, const Inputs& inputs) {
  const Numbers centred = z.rowwise() - z.colwise().mean();
  const Numbers deviation = (centred.array().square().colwise().mean() + double{kEps}).sqrt();
  Numbers logits(z.rows(), inputs.w2.rows());
  double loss = 0;
  for (Index i = 0; i < z.rows(); ++i) {
    const Numbers xhat = centred.row(i).array() / deviation.array();
    const Numbers hidden = (xhat.array() * inputs.gamma.array() + inputs.beta.array()).max(0.0);
    logits.row(i) = hidden * inputs.w2.transpose() + inputs.b2;
    const double max = logits.row(i).maxCoeff();
    const double log_sum = max + std::log((logits.row(i).array() - max).exp().sum());
    loss += log_sum - logits(i, inputs.labels[static_cast<std::size_t>(i)]);
  }
  return loss / static_cast<double>(z.rows());
}

json derivation(const char* of, const Numbers& right, const Numbers& diagonal, const Numbers& checked) {
  return {{"of", of},
          {"rows", checked.rows()},
          {"cols", checked.cols()},
          {"right", numbers_of(right)},
          {"diagonal", numbers_of(diagonal)},
          {"checked", numbers_of(checked)},
          {"right_error", (right - checked).cwiseAbs().maxCoeff()},
          {"diagonal_error", (diagonal - checked).cwiseAbs().maxCoeff()}};
}

json derivations(const Inputs& inputs) {
  const Step right(inputs, normalization("batch")), diagonal(inputs, normalization("diagonal"));
  const Numbers b1 = biases(inputs);
  const auto z_of = [&](const Numbers& w, const Numbers& b) -> Numbers {
    return (inputs.x * w.transpose()).rowwise() + Eigen::RowVectorXd(b.row(0));
  };
  const auto checked_z = slopes(z_of(inputs.w1, b1), [&](const Numbers& z) { return loss_behind(z, inputs); });
  const auto checked_w1 = slopes(inputs.w1, [&](const Numbers& w) { return loss_behind(z_of(w, b1), inputs); });
  const auto checked_b1 = slopes(b1, [&](const Numbers& b) { return loss_behind(z_of(inputs.w1, b), inputs); });
  return {derivation("z", right.z_gradient, diagonal.z_gradient, checked_z),
          derivation("w1", right.w1.grad.cast<double>(), diagonal.w1.grad.cast<double>(), checked_w1),
          derivation("b1", right.b1.grad.cast<double>(), diagonal.b1.grad.cast<double>(), checked_b1)};
}

}  // namespace

json tape_table(const json& request) {
  const Inputs inputs = inputs_from(request);
  const Step step(inputs, normalization(request.value("norm", json("batch"))));
  return {{"inputs", to_json(inputs)}, {"entries", entries_of(step)}, {"derivations", derivations(inputs)}};
}

}  // namespace TARE_NAMESPACE
