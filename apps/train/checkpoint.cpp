#include "apps/train/checkpoint.h"

#include "layers/files/model_file.h"

#include <bit>

namespace TARE_NAMESPACE {
namespace {

// What is no matrix, as 64 bits each.
struct Numbers {
  std::int64_t step, epoch_loss, epoch_correct;
  std::vector<std::int64_t> generators;
};

std::vector<Random*> generators(Sequential& model) {
  std::vector<Random*> found;
  for (std::size_t i = 0; i < model.size(); ++i) {
    if (Random* generator = model[i].generator()) found.push_back(generator);
  }
  return found;
}

Numbers numbers_of(Sequential& model, const RunState& state) {
  Numbers numbers{state.step, std::bit_cast<std::int64_t>(state.epoch_loss), state.epoch_correct, {}};
  for (const Random* g : generators(model)) numbers.generators.push_back(std::bit_cast<std::int64_t>(g->state()));
  return numbers;
}

std::vector<StateTensor> whole_state(Sequential& model, RunState& state, Numbers& numbers) {
  std::vector<StateTensor> all;
  const auto add = [&](const std::string& prefix, const std::vector<StateTensor>& part) {
    for (const StateTensor& tensor : part) all.push_back({prefix + tensor.name, tensor.shape, tensor.data});
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

Safetensors make_checkpoint(Sequential& model, RunState& state, const RunDescription& run) {
  Numbers numbers = numbers_of(model, state);
  Safetensors contents = state_tensors(whole_state(model, state, numbers));
  contents.metadata = to_metadata(run);
  return contents;
}

void load_checkpoint(const Safetensors& checkpoint, const std::string& file, Sequential& model, RunState& state) {
  Numbers numbers = numbers_of(model, state);
  load_state(whole_state(model, state, numbers), "the run that its options describe", checkpoint, file);
  check_counts({{"step", {}, &numbers.step}, {"epoch_correct", {}, &numbers.epoch_correct}}, "run.", file);
  check_counts(model.state(), "model.", file);
  check_counts(state.optimizer->state(), "optimizer.", file);
  state.step = numbers.step;
  state.epoch_loss = std::bit_cast<double>(numbers.epoch_loss);
  state.epoch_correct = numbers.epoch_correct;
  const std::vector<Random*> targets = generators(model);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    targets[i]->set_state(std::bit_cast<std::uint64_t>(numbers.generators[i]));
  }
}

}  // namespace TARE_NAMESPACE
