using namespace exercise;
using namespace tare;

int main() {
  return run([] {
    Random random(4);
    Parameter a = parameter("A", random_matrix(random, 5, 3)), r = parameter("r", random_matrix(random, 1, 3));
    const Matrix g = random_matrix(random, 5, 3);
    Tape tape;
    Var y = my_add_row(tape.leaf(a), tape.leaf(r));
    try {
      tape.backward(sum(mul(y, tape.constant(g))));
    } catch (const Error& error) {
      not_yet(
          "my_add_row: {}.\nIf what was found is [5 x 3]: r is one row that all 5 rows use, so its gradient is the sum "
          "of "
          "5 rows: col_sums.",
          error.what());
    }
    expect("my_add_row: dL/dA", a.grad, g);
    expect("my_add_row: dL/dr", r.grad, g.colwise().sum(),
           {{g.colwise().mean(), "That is the mean over the samples. Each sample moves with r, so it is the sum."},
            {g.row(0), "That is what the first sample alone contributes. All five use r."}});
    return "Broadcasting and summing are each other's pullback. So a bias's gradient is the sum over the batch.";
  });
}
