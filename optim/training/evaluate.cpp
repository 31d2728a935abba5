#include <tare/optim/training/evaluate.h>

#include <tare/core/ops/loss.h>
#include <tare/layers/fold.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

// Normalizes by the batch, even if the layers around it evaluate. Its running statistics are plain averages.
class ByBatch : public BatchNorm {
 public:
  explicit ByBatch(const BatchNorm& norm) : BatchNorm(norm) {
    running_mean.setZero();
    running_var.setZero();
    num_batches_tracked = 0;
  }
  Var forward(Var x, Mode) override {
    options.momentum = 1 / static_cast<double>(num_batches_tracked + 1);
    return BatchNorm::forward(x, Mode::train);
  }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<ByBatch>(*this); }
};

// A copy of the layer whose BatchNorms are ByBatch.
std::unique_ptr<Layer> by_batch(const Layer& layer) {
  if (const auto* norm = dynamic_cast<const BatchNorm*>(&layer)) return std::make_unique<ByBatch>(*norm);
  std::unique_ptr<Layer> copy = layer.clone();
  if (auto* layers = dynamic_cast<Sequential*>(copy.get())) {
    for (std::size_t i = 0; i < layers->size(); ++i) layers->replace(i, by_batch((*layers)[i]));
  }
  return copy;
}

void check_batch(Index batch, const Samples& samples) {
  if (batch >= 2 && batch <= samples.count()) return;
  throw Error("batch: expected 2 to {} samples, found {}", samples.count(), batch);
}

// In batches of `batch_size`; fewer than `least` samples that are left go with those before.
Evaluation evaluate_batches(const Layer& model, const Samples& samples, Index batch_size, Index least, Tape& tape,
                            const OutputHook& hook, const Loss& loss) {
  Evaluation result{.loss = 0, .samples = samples.count(), .correct = 0, .confusion = {}};
  Index begin = 0;
  while (begin < samples.count()) {
    const Index rest = samples.count() - begin, size = rest < batch_size + least ? rest : batch_size;
    tape.clear();
    const Batch batch = gather(samples, begin, size, tape);
    const Var output = evaluate(model, batch.x);
    result.loss += static_cast<double>(loss(output, batch).item()) * static_cast<double>(size);
    if (is_classified(output, batch)) {
      const Index classes = output.cols();
      result.confusion.resize(static_cast<std::size_t>(classes * classes));
      for (Index i = 0; i < size; ++i) {
        const int label = batch.labels[static_cast<std::size_t>(i)], predicted = predicted_class(output.value(), i);
        ++result.confusion[static_cast<std::size_t>(label * classes + predicted)];
        result.correct += label == predicted;
      }
    }
    if (hook) hook(output.value(), begin);
    begin += size;
  }
  result.loss = reported(result.loss / static_cast<double>(samples.count()));
  return result;
}

}  // namespace

Var default_loss(Var output, const Batch& batch) {
  if (batch.targets) return mse(output, *batch.targets);
  if (batch.labels.empty()) throw Error("loss: expected a batch with labels or targets, found neither");
  return softmax_cross_entropy(output, batch.labels);
}

bool is_classified(Var output, const Batch& batch) {
  return !batch.labels.empty() &&
         std::ranges::all_of(batch.labels, [&](int label) { return label >= 0 && label < output.cols(); });
}

double reported(double loss) { return std::isnan(loss) ? std::numeric_limits<double>::quiet_NaN() : loss; }

Evaluation evaluate(const Layer& model, const Samples& samples, Tape& tape, const OutputHook& hook, const Loss& loss) {
  constexpr Index kChunk = 500;  // samples at a time, so that little memory is needed
  check(samples.count() >= 1, "evaluate: samples", "at least 1", samples.count());
  return evaluate_batches(*fold_where_possible(model), samples, kChunk, 1, tape, hook, loss);
}

Evaluation evaluate_by_batch(const Layer& model, const Samples& samples, Index batch, Tape& tape,
                             const OutputHook& hook, const Loss& loss) {
  check_batch(batch, samples);
  return evaluate_batches(*by_batch(model), samples, batch, 2, tape, hook, loss);
}

void estimate_statistics(Layer& model, const Samples& samples, Index batch, Tape& tape) {
  check_batch(batch, samples);
  const std::unique_ptr<Layer> copy = by_batch(model);
  for (Index begin = 0; begin + batch <= samples.count(); begin += batch) {
    tape.clear();
    evaluate(*copy, gather(samples, begin, batch, tape).x);
  }
  const std::vector<BatchNorm*> to = batch_norms(model), from = batch_norms(*copy);
  for (std::size_t i = 0; i < to.size(); ++i) {
    to[i]->running_mean = from[i]->running_mean;
    to[i]->running_var = from[i]->running_var;
    to[i]->num_batches_tracked = from[i]->num_batches_tracked;
  }
}

std::vector<BatchNorm*> batch_norms(Layer& model) {
  if (auto* norm = dynamic_cast<BatchNorm*>(&model)) return {norm};
  std::vector<BatchNorm*> all;
  if (auto* layers = dynamic_cast<Sequential*>(&model)) {
    for (std::size_t i = 0; i < layers->size(); ++i) {
      for (BatchNorm* norm : batch_norms((*layers)[i])) all.push_back(norm);
    }
  }
  return all;
}

}  // namespace TARE_NAMESPACE
