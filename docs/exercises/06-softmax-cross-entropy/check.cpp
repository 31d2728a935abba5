using namespace exercise;

int main() {
  return run([] {
    tare::Random random(6);
    const std::vector<int> labels{2, 0, 1, 2, 2};
    const Matrix z = random_matrix(random, 5, 3, 0, 2);
    Matrix probabilities = z.array().exp();
    for (Index i = 0; i < 5; ++i) probabilities.row(i) /= Matrix(probabilities.row(i)).sum();
    Matrix is_label = Matrix::Zero(5, 3);
    double loss = 0;
    for (Index i = 0; i < 5; ++i) {
      is_label(i, labels[i]) = 1;
      loss -= std::log(probabilities(i, labels[i])) / 5;
    }
    Matrix dz = Matrix::Constant(5, 3, 99);
    const double found = softmax_cross_entropy_by_hand(z, labels, dz);
    expect("the loss of 5 samples", found, loss,
           {{number(5 * loss), "That is the sum over the samples; the loss is their mean."},
            {number(-loss), "The sign is the wrong way round: a loss is positive."},
            {number(loss / std::log(2)), "That is in bits; the natural logarithm gives nats."},
            {number(loss - z.rowwise().maxCoeff().mean()),
             "The largest logit was subtracted before exp, but not added again after log."}});
    const Matrix right = (probabilities - is_label) / 5;
    expect("dL/dZ", dz, right,
           {{5 * right, "The loss is a mean over 5 samples, so each gets a fifth of the gradient."},
            {probabilities / 5, "That is p / N. In the column of the label 1 has to be subtracted from p."},
            {probabilities, "That is p. In the column of the label 1 has to be subtracted, and all divided by N."},
            {-right, "The sign is the wrong way round: p - onehot, not onehot - p."},
            {right.array() + 99, "dz holds old numbers: assign to it, do not add."}});
    Matrix large(2, 3), large_dz = Matrix::Zero(2, 3), large_right(2, 3);
    large << 1e4, 0, -1e4, -1e4, -1e4, -2e4;
    large_right << 0.5, 0, -0.5, -0.25, 0.25, 0;
    const double large_loss = softmax_cross_entropy_by_hand(large, {2, 0}, large_dz);
    if (!std::isfinite(large_loss) || !large_dz.allFinite()) {
      not_yet(
          "logits of 10,000: expected the loss 10000.3, found {}, and dL/dZ with {}. "
          "e^10000 is more than a double can hold, and e^-10000 is 0. Subtract the largest logit of the same row "
          "before exp, and add it "
          "again after log: log sum e^z = max + log sum e^(z - max).",
          large_loss, large_dz.allFinite() ? "finite numbers" : "numbers that are not finite");
    }
    expect("logits of 10,000 (each row has its own largest logit): the loss", large_loss, 10000 + std::log(2) / 2);
    expect("logits of 10,000: dL/dZ", large_dz, large_right);
    return "The gradient is simply p - onehot over N: how much too probable each class was.";
  });
}
