#include <tare/optim/training/evaluate.h>

#include <tare/core/ops/loss.h>
#include <tare/layers/fold.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {

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

Evaluation evaluate(const Layer& given, const Samples& samples, Tape& tape, const OutputHook& hook, const Loss& loss) {
  constexpr Index kChunk = 500;  // samples at a time, so that little memory is needed
  check(samples.count() >= 1, "evaluate: samples", "at least 1", samples.count());
  const std::unique_ptr<Layer> model = fold_where_possible(given);
  Evaluation result{.loss = 0, .samples = samples.count(), .correct = 0, .confusion = {}};
  for (Index begin = 0; begin < samples.count(); begin += kChunk) {
    const Index size = std::min(kChunk, samples.count() - begin);
    tape.clear();
    const Batch batch = gather(samples, begin, size, tape);
    const Var output = evaluate(*model, batch.x);
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
  }
  result.loss = reported(result.loss / static_cast<double>(samples.count()));
  return result;
}

}  // namespace TARE_NAMESPACE
