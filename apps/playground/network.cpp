#include <tare/apps/playground/network.h>

#include <tare/core/machine/crc32.h>
#include <tare/core/machine/functions.h>
#include <tare/core/ops/loss.h>
#include <tare/core/tools/inspect.h>
#include <tare/datasets/built_in/digits.h>
#include <tare/datasets/built_in/toys.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

namespace TARE_NAMESPACE {
namespace {

constexpr Index kTestSamples = 1000;

void keep_first(ImageSet& set, Index count) {
  set.count = std::min<Index>(static_cast<Index>(set.count), count);
  set.pixels.resize(static_cast<std::size_t>(set.count * set.features()));
  set.labels.resize(static_cast<std::size_t>(set.count));
}

Sequential make_network(const NetworkOptions& o, const DataSet& data) {
  check(o.hidden.size() <= 12, "depth", "at most 12 hidden layers", o.hidden.size());
  for (const Index width : o.hidden) check(width >= 1 && width <= 1024, "width", "1 to 1024 units", width);
  check(o.init_scale >= 0 && o.init_scale <= 1000, "initial weights", "a factor from 0 to 1000", o.init_scale);
  Sequential model = make_mlp({.in = static_cast<Index>(data.train.features()),
                               .hidden = o.hidden,
                               .out = data.classes,
                               .norm = o.norm,
                               .bias = o.bias,
                               .activation = o.activation},
                              o.seed);
  if (o.init_scale != 1) {
    for (Parameter* p : model.parameters()) {
      if (p->value.rows() > 1) p->value *= static_cast<real>(o.init_scale);  // a weight; the others are rows
    }
  }
  return model;
}

std::unique_ptr<Optimizer> make_optimizer(Sequential& model, const NetworkOptions& o) {
  return RunState(model, {.optimizer = o.optimizer, .momentum = o.momentum, .weight_decay = o.weight_decay}).optimizer;
}

// ---- What is inside -------------------------------------------------------------------------------------------------

double norm(const View& m) { return std::sqrt(functions::sum(m.array().cast<double>().square())); }

template <class Number>
Histogram histogram(const View& m, double low, double high, const Number& number) {
  constexpr int kParts = 48;
  Histogram h{low, high, std::vector<std::int64_t>(kParts), 0, 0};
  for (Index i = 0; i < m.size(); ++i) {
    const double part = (number(static_cast<double>(m.data()[i])) - low) / (high - low) * kParts;
    if (part < 0) ++h.below;
    if (part >= kParts) ++h.above;
    // What is not a number is nowhere.
    if (part >= 0 && part < kParts) ++h.counts[static_cast<std::size_t>(part)];
  }
  return h;
}

// Whether a unit lets no gradient through: 0 from a ReLU, a limit from the others.
bool is_saturated(std::string_view op, real y) {
  constexpr real kNear = static_cast<real>(0.02);
  if (op == "relu") return y == 0;
  if (op == "sigmoid") return std::min(y, 1 - y) <= kNear;
  return 1 - std::abs(y) <= kNear;
}

ActivationView look_at(const Tape::Entry& activation, const Tape::Entry& input) {
  const View& x = input.value;
  const auto n = static_cast<double>(x.size());
  ActivationView view{.place = activation.layer, .samples = x.rows(), .units = x.cols()};
  view.input_mean = functions::sum(x.array().cast<double>()) / n;
  view.input_deviation = std::sqrt(functions::sum((x.array().cast<double>() - view.input_mean).square()) / n);
  view.input = histogram(x, -6, 6, [](double v) { return v; });
  if (input.grad) {
    view.zero_gradients = (input.grad->array() == 0).count();
    view.gradient = histogram(*input.grad, -10, 0, [](double g) { return std::log10(std::abs(g)); });
    view.gradient.below -= view.zero_gradients;  // their logarithm is minus infinity
    view.gradient_rms = norm(*input.grad) / std::sqrt(n);
  }
  Index dead = 0;
  for (Index unit = 0; unit < x.cols(); ++unit) {
    bool all = true;
    double sum = 0, squares = 0;
    for (Index i = 0; i < x.rows(); ++i) {
      all = all && is_saturated(activation.op, activation.value(i, unit));
      const auto value = static_cast<double>(x(i, unit));
      sum += value;
      squares += value * value;
    }
    dead += all ? 1 : 0;
    constexpr std::size_t kShown = 16;
    if (view.unit_mean.size() == kShown) continue;
    const double mean = sum / static_cast<double>(x.rows());
    view.unit_mean.push_back(mean);
    view.unit_deviation.push_back(std::sqrt(std::max(0.0, squares / static_cast<double>(x.rows()) - mean * mean)));
  }
  view.dead_share = static_cast<double>(dead) / static_cast<double>(x.cols());
  return view;
}

bool is_activation(std::string_view op) { return op == "relu" || op == "sigmoid" || op == "tanh"; }

// Before the update. The parameters' values are copied, to see what the update does.
struct Snapshot {
  Inside inside;
  std::vector<const Parameter*> parameters = {};
  std::vector<Buffer> before = {};
};

Snapshot look_at(const Tape& tape) {
  std::set<std::string> norms, batch_norms;  // places of layers
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    const std::string_view op = e.op;
    if (op == "layer_norm" || op == "batch_norm") norms.insert(e.layer);
    if (op == "batch_norm") batch_norms.insert(e.layer);
  }
  Snapshot snapshot;
  for (std::size_t i = 0; i < tape.size(); ++i) {
    const Tape::Entry e = tape.entry(i);
    if (is_activation(e.op)) {
      snapshot.inside.activations.push_back(look_at(e, tape.entry(static_cast<std::size_t>(e.operands[0]))));
    }
    if (e.parameter == nullptr) continue;
    const bool weight = e.parameter->name == "weight", of_norm = norms.contains(e.layer);
    const std::string next_layer = fmt::to_string(std::stoi(e.layer) + 1);
    snapshot.inside.parameters.push_back({.name = entry_name(e),
                                          .role = of_norm ? (weight ? "gamma" : "beta") : (weight ? "weight" : "bias"),
                                          .norm = norm(e.value),
                                          .gradient_norm = e.grad ? norm(*e.grad) : 0,
                                          .update_ratio = {},
                                          .cancelled = !weight && !of_norm && batch_norms.contains(next_layer)});
    snapshot.parameters.push_back(e.parameter);
    snapshot.before.emplace_back(e.value);
  }
  return snapshot;
}

Inside after_update(Snapshot snapshot) {
  for (std::size_t i = 0; i < snapshot.before.size(); ++i) {
    ParameterView& p = snapshot.inside.parameters[i];
    if (p.norm > 0) p.update_ratio = norm(Buffer(snapshot.parameters[i]->value - snapshot.before[i])) / p.norm;
  }
  return std::move(snapshot.inside);
}

}  // namespace

const DataSet& playground_data(const std::string& name, Index samples) {
  check(samples >= 100 && samples <= 20'000, "samples", "100 to 20000 to train on", samples);
  static std::map<std::pair<std::string, Index>, DataSet> kept;
  const bool digits = name == "digits";
  if (!digits && std::ranges::find(kToys, name) == kToys.end()) {
    throw Error("data: expected digits, {}, found {}", fmt::join(kToys, ", "), name);
  }
  const auto [place, is_new] = kept.try_emplace({name, samples});
  DataSet& data = place->second;
  if (!is_new) return data;
  if (digits) {
    constexpr std::int64_t kTraining = 60'000;
    data = {.train = draw_digits(1, 0, samples), .test = draw_digits(1, kTraining, kTestSamples), .classes = 10};
    return data;
  }
  data = make_toy(name, 1);
  keep_first(data.train, samples);
  keep_first(data.test, kTestSamples);
  return data;
}

Network::Network(const NetworkOptions& options)
    : options_(options),
      data_(playground_data(options.data, options.samples)),
      model_(make_network(options, data_)),
      parameters_(trained_parameters(model_)) {
  change(options);
}

void Network::change(const NetworkOptions& o) {
  check(std::isfinite(o.lr) && o.lr >= 0, "learning rate", "a number from 0 up", o.lr);
  check(o.batch >= 2 && o.batch <= data_.train.count, "batch", fmt::format("2 to {}", data_.train.count).c_str(),
        o.batch);
  std::unique_ptr<Optimizer> optimizer = make_optimizer(model_, o);
  if (optimizer_ && o.optimizer == options_.optimizer) {
    // What it remembers stays.
    const std::vector<StateTensor> old = optimizer_->state();
    for (const StateTensor& to : optimizer->state()) {
      const auto from = std::ranges::find(old, to.name, &StateTensor::name);
      if (from == old.end()) continue;
      if (const auto* matrix = std::get_if<MatrixMap>(&to.data)) {
        MatrixMap copy = *matrix;
        copy = std::get<MatrixMap>(from->data);
      }
      if (const auto* count = std::get_if<std::int64_t*>(&to.data)) **count = *std::get<std::int64_t*>(from->data);
    }
  }
  optimizer_ = std::move(optimizer);
  if (!batches_ || o.batch != options_.batch) {
    batches_.emplace(Samples(data_.train, Pixels::standard), o.batch, o.seed);
    first_step_ = static_cast<Index>(step_);
  }
  options_.optimizer = o.optimizer;
  options_.lr = o.lr;
  options_.momentum = o.momentum;
  options_.weight_decay = o.weight_decay;
  options_.batch = o.batch;
}

StepsResult Network::steps(Index count, bool inspect) {
  StepsResult result;
  for (Index done = 0; done < count && !result.diverged; ++done) {
    std::optional<Snapshot> snapshot;
    const TapeHook look = [&](const Tape& tape, bool) { snapshot = look_at(tape); };
    tape_.clear();
    const Batch batch = batches_->at(static_cast<Index>(step_) - first_step_, tape_);
    const StepResult step = training_step(model_, parameters_, *optimizer_, {.lr = options_.lr}, batch, default_loss,
                                          inspect && done + 1 == count ? look : TapeHook());
    result.loss.push_back(step.loss);
    result.diverged = step.diverged;
    if (!step.diverged) ++step_;
    if (snapshot) result.inside = after_update(std::move(*snapshot));
  }
  return result;
}

Evaluation Network::test() const {
  Tape tape(Tape::Gradients::none);
  return tare::evaluate(model_, Samples(data_.test, Pixels::standard), tape);
}

std::uint32_t digest_of(const Sequential& model) {
  std::uint32_t crc = 0;
  for (const ConstStateTensor& t : state_of(model)) {
    if (const auto* matrix = std::get_if<View>(&t.data)) {
      const auto* bytes = reinterpret_cast<const char*>(matrix->data());
      crc = extend_crc32(crc, {bytes, static_cast<std::size_t>(matrix->size()) * sizeof(real)});
    }
  }
  return crc;
}

}  // namespace TARE_NAMESPACE
