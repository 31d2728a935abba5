// How good a model is on samples that it is not trained on.
#pragma once

#include <tare/datasets/batches.h>
#include <tare/layers/batch_norm.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace TARE_NAMESPACE {

/// What training makes small: a [1 x 1] value of the model's output and what the batch says it should be.
using Loss = std::function<Var(Var output, const Batch& batch)>;

/// Cross-entropy of a batch with labels, the mean squared error of one with targets. Error if it has neither.
Var default_loss(Var output, const Batch& batch);

/// Whether a batch is to be classified: it has labels, and there is an output for each.
bool is_classified(Var output, const Batch& batch);

struct Evaluation {
  double loss;  // the mean over the samples; of the default loss for labels, in nats
  std::int64_t samples, correct;
  std::vector<std::int64_t> confusion;  // classes x classes: [label * classes + prediction]; empty without labels

  /// Of samples with labels; else 0.
  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(samples); }
};

/// Is shown the outputs for consecutive samples from `begin` on.
using OutputHook = std::function<void(const View& output, Index begin)>;

/// Every sample, in evaluation mode. BatchNorm is folded away (layers/fold.h): the same numbers to rounding, in less
/// time. `tape` must record no gradients. The loss must be a mean over the batch. Error if a label is beyond the
/// model's classes.
Evaluation evaluate(const Layer& model, const Samples& samples, Tape& tape, const OutputHook& hook = {},
                    const Loss& loss = default_loss);

/// The same with every BatchNorm normalizing by the batch itself, as in training; all else evaluates (dropout is off),
/// and nothing of the model changes. A batch is `batch` consecutive samples; the last one is smaller, or larger by one:
/// a single sample has no variance. Error unless 2 <= batch <= samples.count().
Evaluation evaluate_by_batch(const Layer& model, const Samples& samples, Index batch, Tape& tape,
                             const OutputHook& hook = {}, const Loss& loss = default_loss);

/// Makes the running statistics of every BatchNorm anew, in one pass over the samples, in their order: the plain
/// averages of the batches' means and unbiased variances (PyTorch's `momentum=None`), of all layers at once. A last
/// partial batch is left out; in the pass the model computes as in evaluate_by_batch. Error as there.
void estimate_statistics(Layer& model, const Samples& samples, Index batch, Tape& tape);

/// The BatchNorms of a model, in its order, also those inside of layers made of layers.
std::vector<BatchNorm*> batch_norms(Layer& model);

/// A loss as it is reported: NaN without its sign, which is the processor's choice.
double reported(double loss);

}  // namespace TARE_NAMESPACE
