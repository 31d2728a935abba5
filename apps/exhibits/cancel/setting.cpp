#include <tare/apps/exhibits/cancel/setting.h>

namespace TARE_NAMESPACE::exhibits {

Numbers numbers(const Eigen::Ref<const Matrix>& m) { return m.cast<double>(); }

Random random_for(std::uint64_t exhibit) { return Random(2021, Random::Stream{4}, exhibit); }

Matrix normal_matrix(Random& random, Index rows, Index cols, double shift, double sigma) {
  Matrix m(rows, cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = static_cast<real>(shift + sigma * random.normal());
  return m;
}

Parameter parameter(const Matrix& value) {
  Parameter p("", value.rows(), value.cols());
  p.value = value;
  return p;
}

Batch random_batch(Random& random, Index n, Index c) {
  return {normal_matrix(random, n, c, 3, 2), normal_matrix(random, 1, c, 1.5, 0.3), normal_matrix(random, 1, c),
          normal_matrix(random, n, c)};
}

Normalized normalize(const Batch& batch, BatchNormOp op, real eps) {
  Parameter x = parameter(batch.x), gamma = parameter(batch.gamma), beta = parameter(batch.beta);
  Tape tape;
  const auto [y, mean, variance, xhat, inv_s] = op(tape.leaf(x), tape.leaf(gamma), tape.leaf(beta), eps);
  tape.backward(sum(mul(y, tape.constant(batch.g))));
  return {numbers(y.value()), numbers(mean),       numbers(variance),
          numbers(x.grad),    numbers(gamma.grad), numbers(beta.grad)};
}

Block random_block(Random& random, Index n, Index in, Index out) {
  return {normal_matrix(random, n, in, 0.5),   normal_matrix(random, out, in, 0, 0.5),
          normal_matrix(random, 1, out, 0, 3), normal_matrix(random, 1, out, 1.5, 0.3),
          normal_matrix(random, 1, out, 0, 1), normal_matrix(random, n, out)};
}

BlockResult run_block(const Block& block, real eps) {
  return run_block(block, eps, [](Var z) { return z; });
}

}  // namespace TARE_NAMESPACE::exhibits
