// Exhibit 6: what else cancels, the scale of each row of W.
#include <tare/apps/exhibits/cancel/exhibits.h>
#include <tare/apps/exhibits/cancel/setting.h>

namespace TARE_NAMESPACE::exhibits {

void show_scale(CheckReport& report) {
  report.heading("Exhibit 6: what else cancels: the scale of each row of W");
  report.say(
      "BN((alpha W) u) = BN(W u) for a positive alpha of its own for each row, exactly at eps = 0. The gradient "
      "therefore has no part along W_k; by eps it has one:");
  report.row("  <W_k, dL/dW_k> = gamma_k (dL/dgamma_k) eps / (var_k + eps)");
  report.say("(W is small here, var about 0.002, to make that part visible.)");
  Random random = random_for(8);
  Block block = random_block(random, 32, 6, 5);
  block.w *= real{0.04};
  const Matrix alpha = normal_matrix(random, 5, 1).cwiseAbs().array() + real{0.5};
  Block larger = block, opposite = block;
  for (Index k = 0; k < 5; ++k) larger.w.row(k) *= alpha(k, 0);
  opposite.w *= real{-1};
  block.b.setZero(), larger.b.setZero(), opposite.b.setZero();

  const BlockResult exact = run_block(block, 0), exact_larger = run_block(larger, 0);
  const Numbers w = numbers(block.w);
  const auto rows_inner = [&](const Numbers& v, const Numbers& u) {
    return column_inner(v.transpose(), u.transpose());
  };
  const auto along_w = [&](const BlockResult& of) { return rows_inner(w, of.dw); };
  const auto sizes = [&](const BlockResult& of) {  // |W_k| |dL/dW_k|
    return Numbers(rows_inner(w, w).cwiseProduct(rows_inner(of.dw, of.dw)).cwiseSqrt());
  };
  const Numbers rescaled = table(5, 6, [&](Index k, Index j) { return exact_larger.dw(k, j) * alpha(k, 0); });
  report.conclusion(
      "A positive factor on a row of W cancels as well: without eps the outputs stay the same to {:.0e}. With eps they "
      "change a little, and a negative factor does not cancel.",
      relative(exact_larger.y, exact.y));
  report.at_most("exhibit 6", "eps = 0: BN(alpha W u) = BN(W u)", relative(exact_larger.y, exact.y), kRounding);
  report.at_most("exhibit 6", "eps = 0: the gradient of u is the same", relative(exact_larger.da, exact.da), kRounding);
  report.at_most("exhibit 6", "eps = 0: dL/d(alpha W) = (1/alpha) dL/dW", relative(rescaled, exact.dw), kRounding);
  report.at_most("exhibit 6", "eps = 0: <W_k, dL/dW_k> = 0, over |W_k| |dL/dW_k|",
                 distance(along_w(exact), Numbers::Zero(1, 5), sizes(exact)), kRounding);
  const BlockResult usual = run_block(block), usual_larger = run_block(larger);
  const Numbers closed = table(1, 5, [&](Index, Index k) {
    return block.gamma(0, k) * usual.dgamma(0, k) * kEps / (usual.variance(0, k) + kEps);
  });
  // [BIAS-4]
  report.at_most("exhibit 6", "eps = 1e-5: <W_k, dL/dW_k> is its closed form",
                 distance(along_w(usual), closed, sizes(usual)), kRounding);
  report.at_least("exhibit 6", "eps = 1e-5: <W_k, dL/dW_k> is not 0",
                  largest(along_w(usual).cwiseQuotient(sizes(usual))), 1e-4);
  report.at_least("exhibit 6", "eps = 1e-5: the scale is felt a little", relative(usual_larger.y, usual.y), 1e-4);
  report.at_least("exhibit 6", "a negative alpha does not cancel", distance(run_block(opposite, 0).y, exact.y), 0.1);
}

}  // namespace TARE_NAMESPACE::exhibits
