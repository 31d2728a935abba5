#include <tare/core/tape.h>

#include <atomic>
#include <mutex>
#include <set>

namespace TARE_NAMESPACE {
namespace {

// A number that no tape has had, so that a Var is never taken for one of a tape that came to lie where its own was.
std::uint64_t next_generation() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

// In debug builds, the tapes that are alive: a Var whose tape is none of them must not look at it.
#ifdef NDEBUG
struct LiveTapes {
  void add(const Tape*) {}
  void remove(const Tape*) {}
  bool contains(const Tape*) const { return true; }
} live_tapes;
#else
class LiveTapes {
 public:
  void add(const Tape* tape) {
    const std::lock_guard lock(mutex_);
    tapes_.insert(tape);
  }
  void remove(const Tape* tape) {
    const std::lock_guard lock(mutex_);
    tapes_.erase(tape);
  }
  bool contains(const Tape* tape) {
    const std::lock_guard lock(mutex_);
    return tapes_.contains(tape);
  }

 private:
  std::mutex mutex_;
  std::set<const Tape*> tapes_;
} live_tapes;
#endif

}  // namespace

Parameter::Parameter(std::string name_, Index rows, Index cols)
    : name(std::move(name_)), value(rows, cols), grad(rows, cols) {
  check_shape(name.c_str(), {rows, cols}, 1);
}

View Var::value() const { return tape_->node(*this).value; }

MatrixMap Var::mutable_value() const { return tape_->value_target(*this, false).to; }

Buffer Var::grad() const {
  const Tape::Node& node = tape_->node(*this);
  if (!node.needs_grad) throw Error("grad: the value of {} needs no gradient", node.op);
  if (!tape_->backward_done_) throw Error("grad: backward() has not run on this tape");
  if (node.grad == nullptr) return {node.value.rows(), node.value.cols()};
  return View(node.grad, node.value.rows(), node.value.cols());
}

real Var::item() const {
  const View v = value();
  if (v.rows() != 1 || v.cols() != 1) throw Error("item: expected a [1 x 1] value, found {}", shape_of(v));
  return v(0, 0);
}

void Var::set(const Product& product) const {
  write(tape_->value_target(*this, false), *tape_->workers_, tape_->operand(product));
}

void Var::add(const Product& product) const {
  write(tape_->value_target(*this, true), *tape_->workers_, tape_->operand(product));
}

void Var::add_grad(const Product& product) const {
  Tape::Node& node = tape_->node(*this);
  if (node.needs_grad) write(tape_->gradient_target(node), *tape_->workers_, tape_->operand(product));
}

Tape::Tape(Workers* workers, Gradients gradients)
    : workers_(workers != nullptr ? workers : &alone_),
      recording_(gradients == Gradients::record),
      generation_(next_generation()) {
  live_tapes.add(this);
}

Tape::~Tape() { live_tapes.remove(this); }

Var Tape::push(const Node& node) {
  if (backward_done_) throw Error("{}: backward() has run on this tape; clear() it first", node.op);
  nodes_.push_back(node);
  return Var(this, static_cast<int>(nodes_.size()) - 1, generation_);
}

const Tape::Node& Tape::node(const Var& v) const {
  if (!live_tapes.contains(this)) throw Error("a Var was used after the end of its tape");
  if (v.generation_ != generation_) throw Error("a Var was used after its tape was cleared");
  return nodes_[static_cast<std::size_t>(v.index_)];
}

Var Tape::constant(Index rows, Index cols, std::optional<real> background) {
  const View value(arena_.matrix(rows, cols).data(), rows, cols, background);
  return push({.op = "constant", .layer = layer_, .value = value});
}

Var Tape::leaf(Parameter& p) {
  const bool needs_grad = recording_ && p.requires_grad;
  return push({.op = "leaf",
               .layer = layer_,
               .value = p.value,
               .parameter = &p,
               .grad = needs_grad ? p.grad.data() : nullptr,
               .needs_grad = needs_grad});
}

Var Tape::record(const char* op, std::initializer_list<Var> operands, Index rows, Index cols) {
  constexpr std::size_t kMost = std::tuple_size_v<decltype(Node::operands)>;
  if (operands.size() < 1 || operands.size() > kMost) {
    throw Error("{}: expected 1 to {} operands, found {}", op, kMost, operands.size());
  }
  check_shape(op, {rows, cols});
  Tape& tape = operands.begin()->tape();
  std::array<int, kMost> places{-1, -1, -1};
  bool needs_grad = false;
  std::size_t i = 0;
  for (const Var& v : operands) {
    if (&v.tape() != &tape) throw Error("{}: its operands are on different tapes", op);
    needs_grad |= tape.node(v).needs_grad;
    places[i++] = v.index_;
  }
  return tape.push({.op = op,
                    .layer = tape.layer_,
                    .value = tape.arena_.matrix(rows, cols),
                    .operands = places,
                    .needs_grad = needs_grad});
}

Scratch Tape::scratch(Index rows, Index cols) { return {arena_.matrix(rows, cols), this}; }

Target Tape::value_target(const Var& v, bool add) {
  const Node& node = this->node(v);
  if (node.parameter != nullptr)
    throw Error("{}: a leaf is its parameter's value, which no op may write", node.parameter->name);
  if (node.pull != nullptr) throw Error("{}: written after its pullback was recorded", node.op);
  // The tape's own memory, which a View only reads.
  real* data = const_cast<real*>(node.value.data());
  return {node.op, MatrixMap(data, node.value.rows(), node.value.cols()), add};
}

// The first gradient that reaches a value is written, later ones are added, so nothing is set to zero first.
Target Tape::gradient_target(Node& node) {
  const bool add = node.grad != nullptr;
  if (!add) node.grad = arena_.matrix(node.value.rows(), node.value.cols()).data();
  return {node.op, MatrixMap(node.grad, node.value.rows(), node.value.cols()), add};
}

const View& Tape::operand(const View& v) const {
  check_fresh(v.data(), v.size());
  return v;
}

const Product& Tape::operand(const Product& product) const {
  for (const Factor* f : {&product.a, &product.b}) check_fresh(f->data, f->rows * f->cols);
  return product;
}

void Tape::check_fresh([[maybe_unused]] const real* data, [[maybe_unused]] Index size) const {
#ifndef NDEBUG
  if (size > 0 && arena_.is_stale(data)) throw Error("a View was used after its tape was cleared");
#endif
}

void Tape::backward(Var loss) {
  if (&loss.tape() != this) throw Error("backward: the loss is on another tape");
  const Node& last = node(loss);
  if (!recording_) throw Error("backward: this tape records no gradients");
  if (backward_done_) throw Error("backward: already done; clear() the tape and record the step again");
  if (last.value.rows() != 1 || last.value.cols() != 1) {
    throw Error("backward: expected a [1 x 1] loss, found {} of {}", shape_of(last.value), last.op);
  }
  if (!last.needs_grad) throw Error("backward: the loss depends on no parameter");
  backward_done_ = true;

  Target target = gradient_target(node(loss));
  target.to(0, 0) = target.add ? target.to(0, 0) + 1 : real{1};  // [AD-2]
  // [AD-3]
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (node->pull == nullptr || node->grad == nullptr) continue;  // a leaf, or nothing that the loss depends on
    node->pull(node->closure, View(node->grad, node->value.rows(), node->value.cols()));
  }
}

void Tape::clear() {
  nodes_.clear();
  layers_.clear();
  arena_.clear();
  layer_ = -1;
  backward_done_ = false;
  generation_ = next_generation();
}

Tape::Entry Tape::entry(std::size_t i) const {
  if (i >= size()) throw Error("entry: expected a place below {}, found {}", size(), i);
  const Node& node = nodes_[i];
  std::string layer;
  for (int l = node.layer; l >= 0; l = layers_[static_cast<std::size_t>(l)].outer) {
    layer.insert(0, fmt::format("{}{}", layers_[static_cast<std::size_t>(l)].number, layer.empty() ? "" : "."));
  }
  std::optional<View> grad;
  if (backward_done_ && node.grad != nullptr) grad.emplace(node.grad, node.value.rows(), node.value.cols());
  return {node.op, node.operands, layer, node.parameter, node.value, grad};
}

Tape::LayerScope::LayerScope(Tape& tape, std::size_t number)
    : tape_(tape), outer_(tape.layer_), generation_(tape.generation_) {
  tape.layers_.push_back({outer_, number});
  tape.layer_ = static_cast<int>(tape.layers_.size()) - 1;
}

Tape::LayerScope::~LayerScope() {
  if (tape_.generation_ == generation_) tape_.layer_ = outer_;  // else clear() has ended it
}

}  // namespace TARE_NAMESPACE
