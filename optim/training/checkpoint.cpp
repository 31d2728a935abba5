#include <tare/optim/training/checkpoint.h>

#include <tare/layers/files/model_file.h>

#include <bit>

namespace TARE_NAMESPACE {
namespace {

// What of a run is no matrix of its model or its optimizer.
struct Numbers {
  Numbers(const Layer& model, const RunState& state)
      : step(state.step),
        epoch_correct(state.epoch_correct),
        best_step(state.best ? state.best->step : 0),
        epoch_loss(std::bit_cast<std::uint64_t>(state.epoch_loss)),
        best_loss(std::bit_cast<std::uint64_t>(state.best ? state.best->loss : 0)) {
    for (const Random* g : generators_of(model)) generators.push_back(g->state());
  }

  std::int64_t step, epoch_correct, best_step;
  std::uint64_t epoch_loss, best_loss;  // bit by bit
  std::vector<std::uint64_t> generators;
};

std::vector<StateTensor> whole_state(Layer& model, RunState& state, const std::optional<Best>& best, Numbers& numbers) {
  std::vector<StateTensor> all;
  const auto add = [&](const std::string& prefix, std::vector<StateTensor> part) {
    for (StateTensor& tensor : part) {
      tensor.name.insert(0, prefix);
      all.push_back(tensor);
    }
  };
  add("model.", model.state());
  add("optimizer.", state.optimizer->state());
  add("run.", {{"step", {}, &numbers.step},
               {"epoch_loss", {}, &numbers.epoch_loss},
               {"epoch_correct", {}, &numbers.epoch_correct}});
  for (std::size_t i = 0; i < numbers.generators.size(); ++i) {
    add("run.", {{fmt::format("generator.{}", i), {}, &numbers.generators[i]}});
  }
  if (best) add("run.", {{"best_step", {}, &numbers.best_step}, {"best_loss", {}, &numbers.best_loss}});
  if (best && best->model) add("best.", best->model->state());
  return all;
}

// What the checkpoint will fill, if it holds a best model or at least its loss.
std::optional<Best> best_to_load(const Safetensors& checkpoint, const Layer& model) {
  if (!checkpoint.tensors.contains("run.best_step")) return std::nullopt;
  const auto first = checkpoint.tensors.lower_bound("best.");
  const bool has_model = first != checkpoint.tensors.end() && first->first.starts_with("best.");
  return Best{.loss = 0, .step = 0, .model = has_model ? model.clone() : nullptr};
}

}  // namespace

Safetensors make_checkpoint(const Layer& model, const RunState& state, std::map<std::string, std::string> metadata) {
  Numbers numbers(model, state);
  // (Only where the numbers are is asked for, and nothing is written there.)
  const std::vector<StateTensor> all =
      whole_state(const_cast<Layer&>(model), const_cast<RunState&>(state), state.best, numbers);
  Safetensors contents = state_tensors({all.begin(), all.end()});
  contents.metadata = std::move(metadata);
  return contents;
}

void load_checkpoint(const Safetensors& checkpoint, const std::string& file, Layer& model, RunState& state) {
  Numbers numbers(model, state);
  std::optional<Best> best = best_to_load(checkpoint, model);
  load_state(whole_state(model, state, best, numbers), "the run that its options describe", checkpoint, file);
  state.step = numbers.step;
  state.epoch_loss = std::bit_cast<double>(numbers.epoch_loss);
  state.epoch_correct = numbers.epoch_correct;
  if (best) {
    best->step = numbers.best_step;
    best->loss = std::bit_cast<double>(numbers.best_loss);
  }
  state.best = std::move(best);
  const std::vector<Random*> generators = model.generators();
  for (std::size_t i = 0; i < generators.size(); ++i) generators[i]->set_state(numbers.generators[i]);
}

}  // namespace TARE_NAMESPACE
