#include <tare/core/ops/loss.h>

#include <tare/core/machine/functions.h>
#include <tare/core/ops/ops.h>
#include <tare/core/ops/shape_checks.h>

namespace TARE_NAMESPACE {
namespace {

constexpr double kWorkPerLogit = 50;  // in floating-point operations; nearly all of it is the exponential

void check(const char* op, const View& logits, std::span<const int> labels) {
  require_nonempty(op, logits);
  if (std::ssize(labels) != logits.rows()) {
    throw Error("{}: expected one label per row, found {} labels and logits {}", op, labels.size(), shape_of(logits));
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= logits.cols()) {
      throw Error("{}: expected labels from 0 to {}, found {} in row {}", op, logits.cols() - 1, labels[i], i);
    }
  }
}

}  // namespace

// [CE-1]  L = mean_i (log sum_k e^z_ik - z_i,label)
Var softmax_cross_entropy_composed(Var logits, std::span<const int> labels) {
  check("softmax_cross_entropy_composed", logits.value(), labels);
  Tape& tape = logits.tape();
  Var is_label = tape.constant(MatrixMap::Zero(logits.rows(), logits.cols()));
  for (Index i = 0; i < logits.rows(); ++i) is_label.mutable_value()(i, labels[static_cast<std::size_t>(i)]) = 1;
  Var ones = tape.constant(MatrixMap::Ones(logits.cols(), 1));  // A 1 sums each row of A
  Var log_sum = log(matmul(exp(logits), ones));
  Var of_label = matmul(mul(logits, is_label), ones);
  return mean(sub(log_sum, of_label));
}

// [CE-1]  L = mean_i (log sum_k e^z_ik - z_i,label)
// [CE-3]  dz_ik = g / N (softmax(z_i)_k - [k = label_i])
Var softmax_cross_entropy(Var logits, std::span<const int> given) {
  check("softmax_cross_entropy", logits.value(), given);
  Tape& tape = logits.tape();
  const std::span<const int> labels = tape.copy(given);
  const View z = logits.value();
  const auto n = static_cast<real>(z.rows());
  Scratch softmax = tape.scratch(z.rows(), z.cols()), losses = tape.scratch(1, z.rows());
  const double work = kWorkPerLogit * static_cast<double>(z.size());
  tape.workers().split(z.rows(), 1, work, [&](Index begin, Index size) {
    for (Index i = begin; i < begin + size; ++i) {
      // [CE-2]  log sum e^z = max + log sum e^(z - max), where no exponential overflows and the largest is 1.
      const real max = z.row(i).maxCoeff();
      softmax.row(i) = (z.row(i).array() - max).unaryExpr(functions::exp);
      const real sum = functions::sum(softmax.row(i).array());
      softmax.row(i) /= sum;
      losses(0, i) = functions::log(sum) + (max - z(i, labels[static_cast<std::size_t>(i)]));
    }
  });
  Var y = Tape::record("softmax_cross_entropy", {logits}, 1, 1);
  y.mutable_value()(0, 0) = functions::sum(losses.row(0).array()) / n;
  return y.pullback([=](View g) {
    MatrixMap difference = softmax;  // in its memory, which nothing needs afterwards
    for (Index i = 0; i < softmax.rows(); ++i) difference(i, labels[static_cast<std::size_t>(i)]) -= 1;
    logits.add_grad([scale = g(0, 0) / n](auto d) { return scale * d; }, difference);
  });
}

Var mse(Var prediction, Var target) {
  require(prediction.shape() == target.shape(), "mse", prediction, target, "two equal shapes");
  return mean(square(sub(prediction, target)));
}

int predicted_class(const View& logits, Index row) {
  if (row < 0 || row >= logits.rows() || logits.cols() < 1) {
    throw Error("predicted_class: expected logits with a row {}, found {}", row, shape_of(logits));
  }
  Index largest;
  logits.row(row).maxCoeff(&largest);
  return static_cast<int>(largest);
}

Index count_correct(const View& logits, std::span<const int> labels) {
  check("count_correct", logits, labels);
  Index correct = 0;
  for (Index i = 0; i < logits.rows(); ++i) {
    correct += predicted_class(logits, i) == labels[static_cast<std::size_t>(i)];
  }
  return correct;
}

}  // namespace TARE_NAMESPACE
