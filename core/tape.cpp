#include "core/tape.h"

namespace TARE_NAMESPACE {

View Var::value() const { return mutable_value(); }

Factor Var::factor() const { return {value(), tape_->node(*this).background}; }

MatrixMap Var::mutable_value() const {
  const Tape::Node& node = tape_->node(*this);
  return {node.value, node.rows, node.cols};
}

Matrix Var::grad() const {
  const Tape::Node& node = tape_->node(*this);
  if (!node.needs_grad) throw Error("grad: the value of {} needs no gradient", node.op);
  if (!tape_->backward_done_) throw Error("grad: backward() has not run on this tape");
  if (node.grad == nullptr) return Matrix::Zero(node.rows, node.cols);
  return View(node.grad, node.rows, node.cols);
}

void Var::set(const Product& product) const { multiply(product, mutable_value(), false, tape_->workers_); }

void Var::add(const Product& product) const { multiply(product, mutable_value(), true, tape_->workers_); }

void Var::add_grad(const Product& product) const {
  Tape::Node& node = tape_->node(*this);
  if (!node.needs_grad) return;
  const Tape::Target target = tape_->gradient_target(node);
  multiply(product, target.to, target.add, tape_->workers_);
}

Var Tape::push(const Node& node) {
  if (backward_done_) throw Error("{}: backward() has run on this tape; clear() it first", node.op);
  nodes_.push_back(node);
  return Var(this, static_cast<int>(nodes_.size()) - 1, generation_);
}

const Tape::Node& Tape::node(const Var& v) const {
  if (v.generation_ != generation_) throw Error("a Var was used after its tape was cleared");
  return nodes_[static_cast<std::size_t>(v.index_)];
}

Var Tape::constant(Index rows, Index cols, std::optional<real> background) {
  real* value = arena_.matrix(rows, cols).data();
  return push(
      {.op = "constant", .layer = layer_, .rows = rows, .cols = cols, .value = value, .background = background});
}

Var Tape::constant(const Eigen::Ref<const Matrix>& m) {
  const Var v = constant(m.rows(), m.cols());
  v.mutable_value() = m;
  return v;
}

Var Tape::leaf(Parameter& p) {
  return push({.op = "leaf",
               .layer = layer_,
               .rows = p.value.rows(),
               .cols = p.value.cols(),
               .parameter = &p,
               .value = p.value.data(),
               .grad = recording_ ? p.grad.data() : nullptr,
               .needs_grad = recording_});
}

Var Tape::record(const char* op, std::initializer_list<Var> operands, Index rows, Index cols) {
  Tape& tape = operands.begin()->tape();
  Node node{.op = op, .layer = tape.layer_, .rows = rows, .cols = cols};
  if (operands.size() > node.operands.size())
    throw Error("{}: expected at most 3 operands, found {}", op, operands.size());
  std::size_t i = 0;
  for (const Var& v : operands) {
    if (&v.tape() != &tape) throw Error("{}: its operands are on different tapes", op);
    node.needs_grad |= tape.node(v).needs_grad;
    node.operands[i++] = v.index_;
  }
  node.value = tape.arena_.matrix(rows, cols).data();
  return tape.push(node);
}

Scratch Tape::scratch(Index rows, Index cols) { return {arena_.matrix(rows, cols), this}; }

// The first gradient that reaches a value is written, later ones are added, so nothing is set to zero first.
Tape::Target Tape::gradient_target(Node& node) {
  const bool add = node.grad != nullptr;
  if (!add) node.grad = arena_.matrix(node.rows, node.cols).data();
  return {MatrixMap(node.grad, node.rows, node.cols), add};
}

void Tape::backward(Var loss) {
  if (&loss.tape() != this) throw Error("backward: the loss is on another tape");
  const Node& last = node(loss);
  if (!recording_) throw Error("backward: this tape records no gradients");
  if (backward_done_) throw Error("backward: already done; clear() the tape and record the step again");
  if (last.rows != 1 || last.cols != 1) {
    throw Error("backward: expected a [1 x 1] loss, found {} of {}", Shape{last.rows, last.cols}, last.op);
  }
  if (!last.needs_grad) throw Error("backward: the loss depends on no parameter");
  backward_done_ = true;

  Target target = gradient_target(node(loss));
  target.to(0, 0) = target.add ? target.to(0, 0) + 1 : real{1};
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (node->pull == nullptr || node->grad == nullptr) continue;  // a leaf, or nothing that the loss depends on
    node->pull(node->closure, View(node->grad, node->rows, node->cols));
  }
}

void Tape::clear() {
  nodes_.clear();
  arena_.clear();
  backward_done_ = false;
  layer_ = -1;
  ++generation_;
}

Tape::Entry Tape::entry(std::size_t i) const {
  const Node& node = nodes_[i];
  std::optional<View> grad;
  if (backward_done_ && node.grad != nullptr) grad.emplace(node.grad, node.rows, node.cols);
  return {node.op, node.operands, node.layer, node.parameter, View(node.value, node.rows, node.cols), grad};
}

}  // namespace TARE_NAMESPACE
