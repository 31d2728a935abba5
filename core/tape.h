// Reverse-mode automatic differentiation. A Tape records one training step: each op computes its value at once and
// leaves a pullback, which turns the gradient of its result into gradients of its operands. backward() runs the
// pullbacks in reverse order of creation; no sorting is needed, because an op can only use what is already there.
//
//   Tape tape;                                      Parameter w("weight", 1, 1);   w.value(0, 0) = 3
//   Var y = square(tape.leaf(w));                   y.value() is 9
//   tape.backward(sum(y));                          w.grad is 2 * 3 = 6
//
// Not here: second derivatives, in-place updates of a recorded value, a global tape. A tape and its Vars are for one
// thread; the tape's workers share the loops inside an op.
#pragma once

#include "core/machine/error.h"
#include "core/machine/matrix.h"
#include "core/machine/product.h"
#include "core/machine/workers.h"

#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace TARE_NAMESPACE {

class Tape;

/// A trainable matrix. Gradients are added to `grad`; only zeroing and clipping change it otherwise.
struct Parameter {
  Parameter(std::string name_, Index rows, Index cols)
      : name(std::move(name_)), value(rows, cols, 0), grad(rows, cols, 1) {}

  std::string name;  // as in PyTorch: "weight", "bias"
  Buffer value, grad;
};

using Parameters = std::vector<Parameter*>;

/// A value on a tape. Copying a Var copies a reference to it. Valid until the tape is cleared; using it later is an Error.
class Var {
 public:
  /// [rows x cols], to read for as long as this Var is valid.
  View value() const;
  /// The value as a factor of a product, with its background (core/machine/product.h).
  Factor factor() const;
  /// A copy of the gradient of what backward() was called on; zero where that does not depend on this value. Of a leaf: all
  /// that its parameter's grad holds. Error before backward() and for a value that needs no gradient.
  Matrix grad() const;
  Index rows() const { return value().rows(); }
  Index cols() const { return value().cols(); }
  Shape shape() const { return {rows(), cols()}; }
  Tape& tape() const { return *tape_; }
  /// To fill a constant, or the result inside an op, before anything reads it.
  MatrixMap mutable_value() const;

  // For writing ops. A formula is a function of rows, called with row i of every operand (of its only row, if it has
  // just one), that returns row i of the result:   y.set([](auto a, auto b) { return a * b; }, a, b);
  // What it returns is an Eigen expression, which is computed later: it must not refer to an Array of the formula's own.
  // Several threads call it at once.

  /// This value = the formula, row by row.
  template <class Formula, class... Operands>
  void set(const Formula& formula, const Operands&... operands) const;
  /// This row = the sum over all rows of the formula, in their order.
  template <class Formula, class... Operands>
  void set_sum(const Formula& formula, const Operands&... operands) const;
  /// This value = A B or += A B, of factors or their transposes:   y.set(x.factor() * w.factor().transpose());
  void set(const Product& product) const;
  void add(const Product& product) const;

  /// The same for this value's gradient, which is added to. Nothing is computed if no gradient is needed.
  template <class Formula, class... Operands>
  void add_grad(const Formula& formula, const Operands&... operands) const;
  template <class Formula, class... Operands>
  void add_grad_sum(const Formula& formula, const Operands&... operands) const;
  void add_grad(const Product& product) const;

  /// Records how the gradient g of this value reaches the operands; returns this Var. A tape without gradients drops it.
  template <class Pullback>
  Var pullback(const Pullback& pullback) const;

 private:
  friend class Tape;
  Var(Tape* tape, int index, unsigned generation) : tape_(tape), index_(index), generation_(generation) {}

  Tape* tape_;
  int index_;
  unsigned generation_;
};

/// A matrix in a tape's memory that is no value of the tape.
class Scratch : public MatrixMap {
 public:
  Scratch(const MatrixMap& m, Tape* tape) : MatrixMap(m), tape_(tape) {}
  using MatrixMap::operator=;

  /// As in Var.
  template <class Formula, class... Operands>
  void set(const Formula& formula, const Operands&... operands);
  template <class Formula, class... Operands>
  void set_sum(const Formula& formula, const Operands&... operands);

 private:
  Tape* tape_;
};

class Tape {
 public:
  enum class Gradients { record, none };

  /// With Gradients::none the tape computes values only, as evaluation wants. The threads belong to the tape.
  explicit Tape(int threads = 1, Gradients gradients = Gradients::record)
      : workers_(threads), recording_(gradients == Gradients::record) {}

  /// A value that needs no gradient: a copy of `m`, or a matrix still to be filled through mutable_value(). If most of it will be
  /// one number, products are faster when they know which; finite results depend on it by rounding only (core/machine/product.h).
  Var constant(const Eigen::Ref<const Matrix>& m);
  Var constant(Index rows, Index cols, std::optional<real> background = {});
  /// Borrows the parameter, which must outlive the step; backward() adds to parameter.grad.
  Var leaf(Parameter& parameter);

  /// The gradient of `loss`, a 1 x 1 value of this tape, with respect to everything on the tape. Error if it is not a scalar, or
  /// on a second call, or on a tape without gradients.
  void backward(Var loss);

  /// Forgets the recorded step and keeps its memory for the next.
  void clear();

  Workers& workers() { return workers_; }

  /// What stands at place i of the tape, 0 <= i < size(); for looking at it (core/tools/inspect.h).
  struct Entry {
    const char* op;
    std::array<int, 3> operands;  // places on the tape; -1: none
    int layer;                    // as last told by set_layer; -1: none
    const Parameter* parameter;   // of a leaf, else null
    View value;
    std::optional<View> grad;  // if backward() has reached it; of a leaf, its parameter's
  };
  Entry entry(std::size_t i) const;
  std::size_t size() const { return nodes_.size(); }
  /// Says which layer the values recorded from now on belong to, until clear().
  void set_layer(int layer) { layer_ = layer; }

  // For writing ops:

  /// A new value for an op to fill, on the tape of its one to three operands. Error if one of them is on another tape or
  /// outdated.
  static Var record(const char* op, std::initializer_list<Var> operands, Index rows, Index cols);
  /// Uninitialized memory that lasts until clear(), for what a pullback must remember.
  Scratch scratch(Index rows, Index cols);

 private:
  friend class Var;
  friend class Scratch;

  struct Node {
    const char* op;
    int layer;
    Index rows, cols;
    std::array<int, 3> operands{-1, -1, -1};
    const Parameter* parameter = nullptr;
    real* value = nullptr;
    real* grad = nullptr;  // null until something is added; a leaf's is its parameter's
    bool needs_grad = false;
    void (*pull)(const void* closure, const View& g) = nullptr;
    const void* closure = nullptr;
    std::optional<real> background = {};  // of a constant
  };
  // Where a formula or product is written, and whether it is added to what is there.
  struct Target {
    MatrixMap to;
    bool add;
  };

  Var push(const Node& node);
  const Node& node(const Var& v) const;
  Node& node(const Var& v) { return const_cast<Node&>(std::as_const(*this).node(v)); }
  Target gradient_target(Node& node);

  template <class Formula, class... Views>
  void write(Target target, const Formula& formula, const Views&... views);
  template <class Formula, class... Views>
  void write_sum(Target target, const Formula& formula, const Views&... views);

  Workers workers_;
  Arena arena_;
  std::vector<Node> nodes_;
  bool recording_;
  bool backward_done_ = false;
  int layer_ = -1;
  unsigned generation_ = 0;
};

// Implementation. The two writers split their output as follows, so that no sum ever changes its order: a formula by
// rows, a sum over rows by columns. (Products split themselves.)

namespace detail {

inline View view(const Var& v) { return v.value(); }
inline View view(const View& v) { return v; }
inline ConstRow operand_row(const View& v, Index i, Columns c) { return v.row(v.rows() == 1 ? 0 : i, c); }
// The N of operands that have N rows or one. (One row beside an empty batch has nothing to go with.)
template <class... Views>
Index rows_of_all(const Views&... views) {
  const auto [fewest, most] = std::minmax({views.rows()...});
  return fewest == 0 ? 0 : most;
}

}  // namespace detail

template <class Formula, class... Views>
void Tape::write(Target target, const Formula& formula, const Views&... views) {
  MatrixMap& to = target.to;
  const Columns all{0, to.cols()};
  workers_.split(to.rows(), 1, Workers::kElementwiseWork * to.size(), [&](Index begin, Index size) {
    for (Index i = begin; i < begin + size; ++i) {
      if (target.add) {
        row(to, i, all) += formula(detail::operand_row(views, i, all)...);
      } else {
        row(to, i, all) = formula(detail::operand_row(views, i, all)...);
      }
    }
  });
}

template <class Formula, class... Views>
void Tape::write_sum(Target target, const Formula& formula, const Views&... views) {
  MatrixMap& to = target.to;
  const Index rows = detail::rows_of_all(views...);
  workers_.split(to.cols(), Workers::kLine, Workers::kElementwiseWork * rows * to.cols(), [&](Index begin, Index size) {
    const Columns c{begin, size};
    if (!target.add) row(to, 0, c).setZero();
    for (Index i = 0; i < rows; ++i) row(to, 0, c) += formula(detail::operand_row(views, i, c)...);
  });
}

template <class Formula, class... Operands>
void Scratch::set(const Formula& formula, const Operands&... operands) {
  tape_->write({*this, false}, formula, detail::view(operands)...);
}

template <class Formula, class... Operands>
void Scratch::set_sum(const Formula& formula, const Operands&... operands) {
  tape_->write_sum({*this, false}, formula, detail::view(operands)...);
}

template <class Formula, class... Operands>
void Var::set(const Formula& formula, const Operands&... operands) const {
  tape_->write({mutable_value(), false}, formula, detail::view(operands)...);
}

template <class Formula, class... Operands>
void Var::set_sum(const Formula& formula, const Operands&... operands) const {
  tape_->write_sum({mutable_value(), false}, formula, detail::view(operands)...);
}

template <class Formula, class... Operands>
void Var::add_grad(const Formula& formula, const Operands&... operands) const {
  Tape::Node& node = tape_->node(*this);
  if (node.needs_grad) tape_->write(tape_->gradient_target(node), formula, detail::view(operands)...);
}

template <class Formula, class... Operands>
void Var::add_grad_sum(const Formula& formula, const Operands&... operands) const {
  Tape::Node& node = tape_->node(*this);
  if (node.needs_grad) tape_->write_sum(tape_->gradient_target(node), formula, detail::view(operands)...);
}

template <class Pullback>
Var Var::pullback(const Pullback& pullback) const {
  static_assert(std::is_trivially_destructible_v<Pullback>, "the tape forgets a pullback without destroying it");
  Tape::Node& node = tape_->node(*this);
  if (node.needs_grad) {
    node.closure = new (tape_->arena_.bytes(sizeof(Pullback))) Pullback(pullback);
    node.pull = [](const void* closure, const View& g) { (*static_cast<const Pullback*>(closure))(g); };
  }
  return *this;
}

}  // namespace TARE_NAMESPACE
