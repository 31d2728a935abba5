#include <tare/core/ops/ops.h>
#include <tare/datasets/batches.h>
#include <tare/layers/mlp.h>
#include <tare/optim/training/train.h>

int main() {
  using namespace tare;
  Table table{Buffer(8, 2), {0, 1, 0, 1, 0, 1, 0, 1}};
  for (Index i = 0; i < 8; ++i) table.x(i, 0) = static_cast<real>(i % 2);
  Sequential model = make_mlp({.in = 2, .hidden = {4}, .out = 2}, 1);
  Workers workers(1);
  return train(model, {table, table}, {.batch = 8, .epochs = 50}, workers).evaluation->correct == 8 ? 0 : 1;
}
