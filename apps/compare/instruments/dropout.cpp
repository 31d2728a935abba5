// Dropout before BatchNorm: how much smaller the variance is that evaluation meets than the one of training, which
// BatchNorm remembers (Li et al. 2018, arXiv 1801.05134).
//
// A unit u = w'x of a Linear behind dropout has the mean over the masks, and by the law of total variance
//   Var_train(u) = Var_eval(u) + p / (1 - p) sum_k w_k^2 E[x_k^2].
#include <tare/apps/compare/instruments/instruments.h>

#include <tare/layers/mlp.h>

#include <algorithm>

namespace TARE_NAMESPACE {
namespace {

class DropoutInstrument : public Instrument {
 public:
  using Instrument::Instrument;

  void start(Sequential& model) override {
    model_ = &model;
    measure("at the start");
  }
  void finish() override {
    measure("at the end");
    const std::unique_ptr<Layer> copy = model_->clone();
    const TrainingData data = training_data(setting.data, setting.options.pixels);
    Tape tape(setting.workers, Tape::Gradients::none);
    if (!data.test || batch_norms(*copy).empty()) return;
    estimate_statistics(*copy, data.train, setting.options.batch, tape);
    measured["accuracy with new statistics"].push_back(evaluate(*copy, *data.test, tape).accuracy());
  }

 private:
  // Of every BatchNorm behind a Linear behind a dropout, means over its units of the variance in training ("train"), in
  // evaluation ("eval"), and in training as predicted from evaluation ("predicted"). Training's is the mean over
  // batches of fresh masks, with the statistics that evaluation uses, of the same samples.
  void measure(const std::string& when) {
    constexpr Index kBatches = 20;
    const std::unique_ptr<Layer> copy = model_->clone();
    auto& model = dynamic_cast<Sequential&>(*copy);
    const double p = setting.options.network.dropout;
    for (const NormalizedLinear& l : normalized_linears(model)) {
      if (l.place == 0) continue;
      std::vector<double> train, eval, predicted;
      Batches batches = setting.batches();
      for (Index b = 0; b < std::min(kBatches, batches.per_epoch()); ++b) {
        Tape tape(setting.workers);
        Var x = batches.at(b, tape).x;
        for (std::size_t i = 0; i + 1 < l.place; ++i) x = model.forward_layer(i, x, mode_before(model, i));
        const Var dropped = model.forward_layer(l.place - 1, x, Mode::train);
        train.push_back(mean_of(column_moments(model.forward_layer(l.place, dropped, Mode::train).value()).variance));
        eval.push_back(mean_of(column_moments(model.forward_layer(l.place, x, Mode::eval).value()).variance));
        const Moments m = column_moments(x.value());
        double masks = 0;
        for (std::size_t k = 0; k < m.mean.size(); ++k) {
          const double w2 = static_cast<double>(l.linear->weight.value.col(static_cast<Index>(k)).squaredNorm());
          masks += w2 * (m.variance[k] + m.mean[k] * m.mean[k]);
        }
        predicted.push_back(eval.back() + p / (1 - p) * masks / static_cast<double>(l.linear->weight.value.rows()));
      }
      measured["train " + when].push_back(mean_of(train));
      measured["eval " + when].push_back(mean_of(eval));
      measured["predicted " + when].push_back(mean_of(predicted));
    }
  }

  // Below, both normalize by the batch, so that they differ in this dropout alone.
  static Mode mode_before(const Sequential& model, std::size_t i) {
    return dynamic_cast<const Dropout*>(&model[i]) != nullptr ? Mode::eval : Mode::train;
  }

  const Sequential* model_ = nullptr;
};

}  // namespace

std::unique_ptr<Instrument> make_dropout_instrument(const RunSetting& setting) {
  return std::make_unique<DropoutInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
