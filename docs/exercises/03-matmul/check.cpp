using namespace exercise;
using namespace tare;

int main() {
  return run([] {
    Random random(3);
    for (const auto& [n, k, m] : {std::tuple(2, 3, 4), std::tuple(3, 3, 3), std::tuple(1, 2, 1)}) {
      Parameter a = parameter("A", random_matrix(random, n, k)), b = parameter("B", random_matrix(random, k, m));
      const Matrix g = random_matrix(random, n, m);
      Tape tape;
      Var y = my_matmul(tape.leaf(a), tape.leaf(b));
      tape.backward(sum(mul(y, tape.constant(g))));
      const Matrix da = g * b.value.transpose(), db = a.value.transpose() * g;
      std::vector<Mistake> of_a, of_b;
      if (n == m && m == k) {
        of_a = {{g * b.value, "The shapes fit, because here they are all square, but B has to be turned over."},
                {g.transpose() * b.value, "Write out one entry: y_ij = sum_k a_ik b_kj. What does a_ik multiply?"}};
        of_b = {{a.value * g, "The shapes fit, because here they are all square, but A has to be turned over."},
                {g * a.value, "B stands on the right of the product, so G stands on the right here as well."}};
      }
      expect(fmt::format("my_matmul [{} x {}] [{} x {}]: dL/dA", n, k, k, m), a.grad, da, of_a);
      expect(fmt::format("my_matmul [{} x {}] [{} x {}]: dL/dB", n, k, k, m), b.grad, db, of_b);
    }
    return "The shapes leave hardly a choice. core/ops/ops.cpp has the same two lines.";
  });
}
