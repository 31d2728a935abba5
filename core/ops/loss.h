// The losses: cross-entropy for classes, composed and fused; the mean squared error for numbers. And the count of
// correct predictions.
#pragma once

#include <tare/core/tape.h>

#include <span>

namespace TARE_NAMESPACE {

/// Mean over the batch of -log softmax(logits)[label], in nats: logits [N x K], N labels in 0 ... K-1  ->  [1 x 1].
/// Finite for finite logits of up to half the largest real. Error on a label out of range.
Var softmax_cross_entropy(Var logits, std::span<const int> labels);

/// The same from primitives; overflows from logits of about 88 in float, 709 in double.
Var softmax_cross_entropy_composed(Var logits, std::span<const int> labels);

/// Mean over all entries of (prediction - target)^2, the loss of regression: two values [N x C]  ->  [1 x 1].
Var mse(Var prediction, Var target);

/// Where the largest logit of a row stands, the first of equals; logits [N x K]. Error if there is none.
int predicted_class(const View& logits, Index row);
/// In how many rows that is the label. Error unless there is one label for each row, in 0 ... K-1.
Index count_correct(const View& logits, std::span<const int> labels);

}  // namespace TARE_NAMESPACE
