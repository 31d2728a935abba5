// Reverse-mode automatic differentiation. A Tape records one training step: each op computes its value at once and
// leaves a pullback, which turns the gradient of its result into gradients of its operands. backward() runs the
// pullbacks in reverse order of creation; no sorting is needed, because an op can only use what is already there. In
// the end each value's gradient is a sum over all paths to the loss [AD-1].
//
//   Tape tape;                                      Parameter w("weight", 1, 1);   w.value(0, 0) = 3
//   Var y = square(tape.leaf(w));                   y.value() is 9
//   tape.backward(sum(y));                          w.grad is 2 * 3 = 6
//
// Not here: second derivatives, in-place updates of a recorded value, a global tape. A tape and its Vars are for one
// thread; the tape's workers share the loops inside an op.
#pragma once

#include <tare/core/machine/formula.h>
#include <tare/core/machine/matrix.h>
#include <tare/core/machine/product.h>
#include <tare/core/machine/workers.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace TARE_NAMESPACE {

class Tape;

/// A trainable matrix. Gradients are added to `grad`; only zeroing and clipping change it otherwise.
struct Parameter {
  /// All zero. Error, naming it, unless it has at least one row and one column.
  Parameter(std::string name, Index rows, Index cols);

  std::string name;  // as in PyTorch: "weight", "bias"
  Buffer value, grad;
  bool requires_grad = true;  // false: frozen; no gradient is computed, and training leaves it alone
};

using Parameters = std::vector<Parameter*>;

/// A value on a tape. Copying a Var copies a reference to it. Valid until the tape is cleared; using it later is an
/// Error.
class Var {
 public:
  /// [rows x cols], to read for as long as this Var is valid.
  View value() const;
  /// A copy of the gradient of what backward() was called on; zero where that does not depend on this value. Of a
  /// leaf: all that its parameter's grad holds. Error before backward() and for a value that needs no gradient.
  Buffer grad() const;
  /// The number of a [1 x 1] value, such as a loss. Error for others.
  real item() const;
  Index rows() const { return value().rows(); }
  Index cols() const { return value().cols(); }
  Shape shape() const { return {rows(), cols()}; }
  Tape& tape() const { return *tape_; }

  // For writing ops. What is written is one of three:
  //
  //   a formula     y.set([](auto a, auto b) { return a * b; }, a, b);
  //                 A function of rows, called with row i of every operand (of its only row, if it has just one),
  //                 that returns row i of the result: an Eigen array expression, or one number for all of it. Several
  //                 threads call it at once.
  //   column sums   y.set(col_sums([](auto a) { return a; }), a);
  //                 The formula's rows are summed, and the result is one row.
  //   a product     y.set(a.value() * b.value().transpose());
  //
  // Operands are Vars, Views or Scratches. Error, naming the op, if their shapes do not fit.

  /// This value = what is written. Only the result of Tape::record or Tape::constant can be written, before its
  /// pullback is recorded; Error for others and later.
  template <class Formula, class... Operands>
  void set(const Formula& formula, const Operands&... operands) const;
  void set(const Product& product) const;
  /// This value += a product.
  void add(const Product& product) const;
  /// This value's gradient += what is written. Nothing is computed if no gradient is needed.
  template <class Formula, class... Operands>
  void add_grad(const Formula& formula, const Operands&... operands) const;
  void add_grad(const Product& product) const;
  /// To be written by hand, before anything reads it. As for set().
  MatrixMap mutable_value() const;

  /// Records how the gradient g of this value reaches the operands; returns this Var. A tape without gradients drops
  /// it. Error if there is a pullback already, and for a leaf or a constant, which have no operands.
  template <class Pullback>
  Var pullback(const Pullback& pullback) const;

 private:
  friend class Tape;
  Var(Tape* tape, int index, std::uint64_t generation) : tape_(tape), index_(index), generation_(generation) {}

  Tape* tape_;
  int index_;
  std::uint64_t generation_;
};

/// A matrix in a tape's memory that is no value of the tape.
class Scratch : public MatrixMap {
 public:
  Scratch(const MatrixMap& m, Tape* tape) : MatrixMap(m), tape_(tape) {}
  using MatrixMap::operator=;

  /// As in Var: a formula or column sums.
  template <class Formula, class... Operands>
  void set(const Formula& formula, const Operands&... operands);

 private:
  Tape* tape_;
};

class Tape {
 public:
  enum class Gradients { record, none };

  /// With Gradients::none the tape computes values only, as evaluation wants. The workers, which must outlive the
  /// tape, share its loops; without them all runs on the thread that calls.
  explicit Tape(Gradients gradients = Gradients::record) : Tape(nullptr, gradients) {}
  explicit Tape(Workers& workers, Gradients gradients = Gradients::record) : Tape(&workers, gradients) {}
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A value that needs no gradient: a copy of `m`, or a matrix still to be filled through mutable_value(). If most
  /// of it will be one number, products are faster when they know which; finite results depend on it by rounding only
  /// (core/machine/product.h).
  template <class Derived>
  Var constant(const Eigen::DenseBase<Derived>& m) {
    const Var v = constant(m.rows(), m.cols());
    v.mutable_value() = m;
    return v;
  }
  Var constant(Index rows, Index cols, std::optional<real> background = {});
  /// Borrows the parameter, which must outlive the step; backward() adds to parameter.grad.
  Var leaf(Parameter& parameter);

  /// The gradient of `loss`, a 1 x 1 value of this tape, with respect to everything on the tape. Error if it is not a
  /// scalar, or on a second call, or on a tape without gradients.
  void backward(Var loss);

  /// Forgets the recorded step and keeps its memory for the next. Its Vars are invalid from now on, and its Views and
  /// Scratches point to memory of the next step: in debug builds that memory holds NaN, and an op that is given such
  /// a View throws.
  void clear();

  Workers& workers() { return *workers_; }
  bool records_gradients() const { return recording_; }

  /// What stands at place i of the tape, for looking at it (core/tools/inspect.h). Error unless i < size().
  struct Entry {
    const char* op;
    std::array<int, 3> operands;  // places on the tape; -1: none
    std::string layer;            // the LayerScopes that it was recorded in: "2.0", or "" in none
    const Parameter* parameter;   // of a leaf, else null
    View value;
    std::optional<View> grad;  // if backward() has reached it; of a leaf, its parameter's
  };
  Entry entry(std::size_t i) const;
  std::size_t size() const { return nodes_.size(); }

  /// What is recorded while it lives belongs to layer `number` of a Sequential, which may itself be a layer.
  class LayerScope {
   public:
    LayerScope(Tape& tape, std::size_t number);
    ~LayerScope();
    LayerScope(const LayerScope&) = delete;
    LayerScope& operator=(const LayerScope&) = delete;

   private:
    Tape& tape_;
    int outer_;
    std::uint64_t generation_;
  };

  // For writing ops:

  /// A new value for an op to fill, on the tape of its one to three operands. Error if one of them is on another tape
  /// or outdated, or if the shape is none.
  static Var record(const char* op, std::initializer_list<Var> operands, Index rows, Index cols);
  /// Uninitialized memory that lasts until clear(), for what a pullback must remember.
  Scratch scratch(Index rows, Index cols);
  /// A copy of some numbers that lasts as long.
  template <class T>
  std::span<const T> copy(std::span<const T> numbers);

 private:
  friend class Var;
  friend class Scratch;

  struct Node {
    const char* op;
    int layer;  // place in layers_
    View value;
    std::array<int, 3> operands{-1, -1, -1};
    const Parameter* parameter = nullptr;
    real* grad = nullptr;  // null until something is added; a leaf's is its parameter's
    bool needs_grad = false;
    void (*pull)(const void* closure, const View& g) = nullptr;
    const void* closure = nullptr;
  };
  struct LayerPlace {
    int outer;  // place in layers_; -1: none
    std::size_t number;
  };

  Tape(Workers* workers, Gradients gradients);
  Var push(const Node& node);
  const Node& node(const Var& v) const;
  Node& node(const Var& v) { return const_cast<Node&>(std::as_const(*this).node(v)); }
  Target value_target(const Var& v, bool add);
  Target gradient_target(Node& node);

  static View operand(const Var& v) { return v.value(); }
  const View& operand(const View& v) const;
  const Product& operand(const Product& product) const;
  void check_fresh(const real* data, Index size) const;  // in debug builds

  Workers alone_{1};  // for a tape without workers of its own
  Workers* workers_;
  Arena arena_;
  std::vector<Node> nodes_;
  std::vector<LayerPlace> layers_;
  int layer_ = -1;  // place in layers_
  bool recording_;
  bool backward_done_ = false;
  std::uint64_t generation_;  // no other tape's, and another one after clear()
};

template <class Formula, class... Operands>
void Scratch::set(const Formula& formula, const Operands&... operands) {
  write({"scratch", *this, false}, *tape_->workers_, formula, tape_->operand(operands)...);
}

template <class Formula, class... Operands>
void Var::set(const Formula& formula, const Operands&... operands) const {
  write(tape_->value_target(*this, false), *tape_->workers_, formula, tape_->operand(operands)...);
}

template <class Formula, class... Operands>
void Var::add_grad(const Formula& formula, const Operands&... operands) const {
  Tape::Node& node = tape_->node(*this);
  if (node.needs_grad) write(tape_->gradient_target(node), *tape_->workers_, formula, tape_->operand(operands)...);
}

template <class Pullback>
Var Var::pullback(const Pullback& pullback) const {
  static_assert(std::is_trivially_destructible_v<Pullback>, "the tape forgets a pullback without destroying it");
  Tape::Node& node = tape_->node(*this);
  if (node.pull != nullptr) throw Error("{}: expected one pullback, found a second", node.op);
  if (node.operands[0] < 0) throw Error("{}: a pullback needs an operand", node.op);
  if (node.needs_grad) {
    node.closure = new (tape_->arena_.bytes(sizeof(Pullback))) Pullback(pullback);
    node.pull = [](const void* closure, const View& g) { (*static_cast<const Pullback*>(closure))(g); };
  }
  return *this;
}

template <class T>
std::span<const T> Tape::copy(std::span<const T> numbers) {
  static_assert(std::is_trivially_copyable_v<T>);
  void* to = arena_.bytes(numbers.size_bytes());
  if (!numbers.empty()) std::memcpy(to, numbers.data(), numbers.size_bytes());
  return {static_cast<const T*>(to), numbers.size()};
}

}  // namespace TARE_NAMESPACE
