// Layers of one's own: one with a parameter, and one that is made of layers. Both are saved, loaded and folded.
#include <tare/tare.h>

#include <cstdio>

using namespace tare;

// y = x o (1 s), with a factor for each feature.
class Scale : public Layer {
 public:
  explicit Scale(Index features) : factor_("factor", 1, features) { factor_.value.setOnes(); }
  Var forward(Var x, Mode) override { return mul_row(x, x.tape().leaf(factor_)); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Scale>(*this); }
  std::string describe() const override { return fmt::format("Scale({})", factor_.value.cols()); }
  Parameters parameters() override { return {&factor_}; }
  std::vector<StateTensor> state() override { return {{factor_.name, {factor_.value.cols()}, factor_.value}}; }

 private:
  Parameter factor_;
};

// y = x + f(x), f being the layers inside, one after the other.
class Skip : public Sequential {
 public:
  Var forward(Var x, Mode mode) override { return x + Sequential::forward(x, mode); }
  std::unique_ptr<Layer> clone() const override { return std::make_unique<Skip>(*this); }
  bool is_chain() const override { return true; }
};

Sequential make_network(std::uint64_t seed) {
  Random random(seed);
  Skip block;
  block.add(Linear({.in = 16, .out = 16, .bias = false}, random));
  block.add(BatchNorm({.features = 16}));
  block.add(Elementwise("ReLU", relu));
  block.add(Scale(16));
  Sequential model;
  model.add(Linear({.in = 2, .out = 16}, random));
  model.add(std::move(block));
  model.add(Linear({.in = 16, .out = 2}, random));
  return model;
}

int main() try {
  const DataSet moons = load_data("moons");
  Sequential model = make_network(1), loaded = make_network(2);
  Workers workers(1);
  const Evaluation trained =
      *train(model, training_data(moons, Pixels::standard), {.lr = 0.1, .epochs = 3}, workers).evaluation;
  for (const ConstStateTensor& tensor : state_of(model)) std::printf("%s\n", tensor.name.c_str());
  load_state(loaded, state_tensors(model), "what was saved");
  Tape tape(Tape::Gradients::none);
  const Evaluation again = evaluate(loaded, Samples(moons.test, Pixels::standard), tape);
  std::printf("test accuracy %.2f %%, after loading %.2f %%\n", 100 * trained.accuracy(), 100 * again.accuracy());
  return again.correct == trained.correct && again.accuracy() > 0.95 ? 0 : 1;
} catch (const std::exception& error) {
  std::puts(error.what());
  return 1;
}
