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
        epoch_loss(std::bit_cast<std::uint64_t>(state.epoch_loss)) {
    for (const Random* g : generators_of(model)) generators.push_back(g->state());
  }

  std::int64_t step, epoch_correct;
  std::uint64_t epoch_loss;  // bit by bit
  std::vector<std::uint64_t> generators;
};

std::vector<StateTensor> whole_state(Layer& model, RunState& state, Numbers& numbers) {
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
  return all;
}

}  // namespace

Safetensors make_checkpoint(const Layer& model, const RunState& state, std::map<std::string, std::string> metadata) {
  Numbers numbers(model, state);
  // (Only where the numbers are is asked for, and nothing is written there.)
  const std::vector<StateTensor> all = whole_state(const_cast<Layer&>(model), const_cast<RunState&>(state), numbers);
  Safetensors contents = state_tensors({all.begin(), all.end()});
  contents.metadata = std::move(metadata);
  return contents;
}

void load_checkpoint(const Safetensors& checkpoint, const std::string& file, Layer& model, RunState& state) {
  Numbers numbers(model, state);
  load_state(whole_state(model, state, numbers), "the run that its options describe", checkpoint, file);
  state.step = numbers.step;
  state.epoch_loss = std::bit_cast<double>(numbers.epoch_loss);
  state.epoch_correct = numbers.epoch_correct;
  const std::vector<Random*> generators = model.generators();
  for (std::size_t i = 0; i < generators.size(); ++i) generators[i]->set_state(numbers.generators[i]);
}

}  // namespace TARE_NAMESPACE
