// How smooth the loss is along the gradient, and how far the layers below move the gradient of a layer: figures 4 and 3
// of Santurkar et al. 2018 (arXiv 1805.11604).
//
// Settings: `linear` 1: without the activations.
#include <tare/apps/compare/instruments/instruments.h>
#include <tare/core/ops/loss.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace TARE_NAMESPACE {
namespace {

// Steps along the gradient, in learning rates: from a half to four, as in figure 4.
constexpr double kSteps[] = {0.5, 0.75, 1, 1.5, 2, 3, 4};

using Gradient = std::vector<Buffer>;  // of every parameter

double distance(const Gradient& a, const Gradient& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>((a[i] - b[i]).squaredNorm());
  return std::sqrt(sum);
}

double norm(const Gradient& a) {
  double sum = 0;
  for (const Buffer& m : a) sum += static_cast<double>(m.squaredNorm());
  return std::sqrt(sum);
}

class LandscapeInstrument : public Instrument {
 public:
  explicit LandscapeInstrument(const RunSetting& setting) : Instrument(setting), batches_(setting.batches()) {}

  void start(Sequential& model) override {
    if (setting.of("linear") != 0) {
      for (std::size_t i = model.size(); i-- > 0;) {
        if (dynamic_cast<const Elementwise*>(&model[i]) != nullptr) model.erase(i);
      }
    }
    model_ = &model;
  }

  // Of every step, on its own batch: along the gradient the "lowest loss" and the "highest loss", the smallest and the
  // largest change of the gradient, and the largest change divided by the distance ("beta"); then the mean over the
  // layers of how far the gradient of a layer's weight is moved by the update of the layers below, and of the cosine
  // between both ("shift", "cosine").
  void before_update(std::int64_t step, const Tape& /*tape*/) override {
    const std::unique_ptr<Layer> copy = model_->clone();
    Sequential& moved = dynamic_cast<Sequential&>(*copy);
    const Parameters from = model_->parameters(), to = moved.parameters();
    const double lr = setting.options.lr;
    const Gradient here = evaluate(moved, step).gradient;
    const auto move = [&](std::size_t i, double rate) {
      to[i]->value = from[i]->value - static_cast<real>(rate) * here[i];
    };

    double lowest = std::numeric_limits<double>::max(), highest = 0, least = lowest, most = 0, beta = 0;
    for (const double factor : kSteps) {
      for (std::size_t i = 0; i < to.size(); ++i) move(i, factor * lr);
      const auto [loss, gradient] = evaluate(moved, step);
      const double change = distance(gradient, here);
      lowest = std::min(lowest, loss);
      highest = std::max(highest, loss);
      least = std::min(least, change);
      most = std::max(most, change);
      beta = std::max(beta, change / (factor * lr * norm(here)));
    }
    measured["lowest loss"].push_back(lowest);
    measured["highest loss"].push_back(highest);
    measured["smallest gradient change"].push_back(least);
    measured["largest gradient change"].push_back(most);
    measured["beta"].push_back(beta);

    double shift = 0, cosine = 0, layers = 0;
    for (std::size_t i = 0; i < to.size(); ++i) to[i]->value = from[i]->value;
    for (std::size_t i = 0; i < to.size(); ++i) {
      if (i > 0 && to[i]->value.rows() > 1) {  // the weight of a Linear, with all that lies below it updated
        const Buffer moved_gradient = evaluate(moved, step).gradient[i];
        const auto g = here[i].reshaped().cast<double>(), h = moved_gradient.reshaped().cast<double>();
        shift += (g - h).norm();
        cosine += g.dot(h) / (g.norm() * h.norm());
        ++layers;
      }
      move(i, lr);
    }
    measured["shift"].push_back(shift / layers);
    measured["cosine"].push_back(cosine / layers);
  }

 private:
  struct Place {
    double loss;
    Gradient gradient;
  };

  Place evaluate(Sequential& model, std::int64_t step) {
    Tape tape(setting.workers);
    const Batch batch = batches_.at(step - 1, tape);
    const Parameters parameters = model.parameters();
    zero_grad(parameters);
    const Var loss = softmax_cross_entropy(model.forward(batch.x, Mode::train), batch.labels);
    tape.backward(loss);
    Place place{static_cast<double>(loss.item()), {}};
    for (const Parameter* p : parameters) place.gradient.push_back(p->grad);
    return place;
  }

  Batches batches_;
  Sequential* model_ = nullptr;
};

}  // namespace

std::unique_ptr<Instrument> make_landscape_instrument(const RunSetting& setting) {
  return std::make_unique<LandscapeInstrument>(setting);
}

}  // namespace TARE_NAMESPACE
