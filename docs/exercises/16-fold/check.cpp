using namespace exercise;

int main() {
  return run([] {
    const Line linear{0.5, -2, 3};
    // s = sqrt(3.75 + 0.25) = 2, so the factor is 1.5 / 2 = 0.75.
    const Statistics norm{1.5, 0.25, 1, 3.75, 0.25};
    const Line folded = fold(linear, norm);
    const double root_only = 1.5 / std::sqrt(3.75);
    expect("gamma 1.5, beta 0.25, mean 1, var 3.75, eps 0.25: w1' for w1 = 0.5", folded.w1, 0.375,
           {{number(0.5), "That is w1 itself."},
            {number(0.5 * 1.5 / 4), "That is divided by the variance, not by its root."},
            {number(0.5 * root_only), "eps is missing: sqrt(running_var + eps)."},
            {number(0.25), "gamma is missing."}});
    expect("the same: w2' for w2 = -2", folded.w2, -1.5);
    expect("the same: b' for b = 3", folded.b, 1.75,
           {{number(3), "That is b itself."},
            {number(0.25), "That is beta alone. Where x = 0 BatchNorm sees b, not 0."},
            {number(0.25 + 0.75 * 3), "The running mean has to be subtracted from b."},
            {number(0.25 - 0.75), "b is missing: what BatchNorm sees at x = 0 is b - running_mean."},
            {number(0.25 + 3 - 0.75), "b is multiplied by gamma / s as well: it is in front of BatchNorm."},
            {number(0.75 * (3 - 1)), "beta is missing."}});
    const Line dropped = fold({1, 0, 0}, {2, 5, 3, 1, 0});
    expect("a dropped bias, gamma 2, beta 5, mean 3, var 1, eps 0: b'", dropped.b, -1);
    return "The bias that BatchNorm made useless is back: somebody has to add beta and take off the mean.";
  });
}
