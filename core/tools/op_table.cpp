#include <tare/core/tools/op_table.h>

#include <tare/core/ops/batch_norm.h>
#include <tare/core/ops/layer_norm.h>
#include <tare/core/ops/linear.h>
#include <tare/core/ops/loss.h>
#include <tare/core/ops/ops.h>

#include <cmath>

namespace TARE_NAMESPACE {
namespace {

using Inputs = std::span<const Var>;

// Where an op's inputs are drawn from.
enum class Domain {
  normal,
  off_zero,  // 0.1 <= |x| < 1.1: away from a kink at 0
  positive,  // 0.5 <= x < 2
};

real draw(Domain domain, Random& random) {
  switch (domain) {
    case Domain::normal:
      return static_cast<real>(random.normal());
    case Domain::off_zero:
      return static_cast<real>((random.bits() >> 63 ? 1 : -1) * (0.1 + random.uniform()));
    case Domain::positive:
      break;
  }
  return static_cast<real>(0.5 + 1.5 * random.uniform());
}

Buffer draw(Shape shape, Domain domain, Random& random) {
  Buffer m(shape.rows, shape.cols);
  for (Index i = 0; i < m.size(); ++i) m.data()[i] = draw(domain, random);
  return m;
}

constexpr real kEps = static_cast<real>(1e-5);  // of the normalizations

// The largest |gamma| / s of batch normalization, s = sqrt(variance + eps) of each column. Its Jacobian is gamma / s
// times a projection, which at N = 2 takes away nearly everything; rounding still is of the size of gamma / s. (The
// upstream gradient's size belongs into the scale too. It is 1 for the Jacobian, about 2 for the random gradient.)
double normalization_scale(const View& x, const View& gamma) {
  double scale = 0;
  for (Index c = 0; c < x.cols(); ++c) {
    const double mean = x.col(c).mean();
    const double s = std::sqrt((x.col(c).array() - mean).square().mean() + kEps);
    scale = std::max(scale, std::abs(static_cast<double>(gamma(0, c))) / s);
  }
  return scale;
}

class Table {
 public:
  // One case for each list of input shapes.
  void add(const char* op, const std::vector<std::vector<Shape>>& shape_lists, const Differentiable& f) {
    add(op, shape_lists, Domain::normal, f);
  }
  void add(const char* op, const std::vector<std::vector<Shape>>& shape_lists, Domain domain, const Differentiable& f) {
    for (const std::vector<Shape>& shapes : shape_lists) {
      Random random(1, Random::Stream{4}, cases.size());
      OpCase c{.op = op, .shapes = "", .inputs = {}, .f = f};
      for (Shape shape : shapes) {
        c.inputs.push_back(draw(shape, domain, random));
        c.shapes += fmt::format("{}{}", c.shapes.empty() ? "" : " ", shape);
      }
      cases.push_back(std::move(c));
    }
  }

  // f(x [N x C], gamma [1 x C], beta [1 x C]) for each shape of x: a normalization of each column, or of each row.
  void add_normalization(const char* op, const std::vector<Shape>& x_shapes, bool of_rows, const Differentiable& f) {
    for (Shape x : x_shapes) {
      add(op, {{x, {1, x.cols}, {1, x.cols}}}, f);
      OpCase& c = cases.back();
      const View gamma = c.inputs[1];
      Buffer largest_gamma(1, x.rows);
      largest_gamma.setConstant(gamma.cwiseAbs().maxCoeff());
      c.floor = of_rows ? normalization_scale(Buffer(c.inputs[0].transpose()), largest_gamma)
                        : normalization_scale(c.inputs[0], gamma);
      c.floor = std::max(c.floor, 1.0);
    }
  }

  // f(logits [N x K]) of given labels; make(labels) is f.
  template <class Make>
  void add_loss(const char* op, const std::vector<Shape>& shapes, const Make& make) {
    for (Shape shape : shapes) {
      std::vector<int> labels;
      for (Index i = 0; i < shape.rows; ++i) labels.push_back(static_cast<int>((3 * i + 1) % shape.cols));
      add(op, {{shape}}, make(labels));
    }
  }

  std::vector<OpCase> cases;
};

}  // namespace

std::vector<OpCase> op_table() {
  Table t;

  const std::vector<std::vector<Shape>> one{{{1, 1}}, {{1, 5}}, {{4, 1}}, {{3, 5}}};
  const std::vector<std::vector<Shape>> two{{{1, 1}, {1, 1}}, {{1, 5}, {1, 5}}, {{4, 1}, {4, 1}}, {{3, 5}, {3, 5}}};
  const std::vector<std::vector<Shape>> with_row{
      {{1, 1}, {1, 1}}, {{1, 5}, {1, 5}}, {{4, 1}, {1, 1}}, {{3, 5}, {1, 5}}};
  const std::vector<std::vector<Shape>> products{
      {{1, 1}, {1, 1}}, {{1, 5}, {5, 1}}, {{4, 1}, {1, 3}}, {{3, 5}, {5, 2}}};

  t.add("matmul", products, [](Tape&, Inputs in) { return matmul(in[0], in[1]); });
  t.add("transpose", one, [](Tape&, Inputs in) { return transpose(in[0]); });

  t.add("add", two, [](Tape&, Inputs in) { return add(in[0], in[1]); });
  t.add("sub", two, [](Tape&, Inputs in) { return sub(in[0], in[1]); });
  t.add("mul", two, [](Tape&, Inputs in) { return mul(in[0], in[1]); });
  t.add("div", two, Domain::positive, [](Tape&, Inputs in) { return div(in[0], in[1]); });
  t.add("max", two, [](Tape&, Inputs in) { return max(in[0], in[1]); });
  t.add("add_scalar", one, [](Tape&, Inputs in) { return add_scalar(in[0], real{0.3}); });

  t.add("mul_scalar", one, [](Tape&, Inputs in) { return mul_scalar(in[0], real{-1.7}); });

  t.add("add_row", with_row, [](Tape&, Inputs in) { return add_row(in[0], in[1]); });
  t.add("sub_row", with_row, [](Tape&, Inputs in) { return sub_row(in[0], in[1]); });
  t.add("mul_row", with_row, [](Tape&, Inputs in) { return mul_row(in[0], in[1]); });

  t.add("col_mean", one, [](Tape&, Inputs in) { return col_mean(in[0]); });
  t.add("row_sum", one, [](Tape&, Inputs in) { return row_sum(in[0]); });
  t.add("sum", one, [](Tape&, Inputs in) { return sum(in[0]); });
  t.add("mean", one, [](Tape&, Inputs in) { return mean(in[0]); });

  t.add("concat_cols", {{{1, 1}, {1, 1}}, {{3, 5}, {3, 2}}},
        [](Tape&, Inputs in) { return concat_cols(in[0], in[1]); });
  t.add("slice_cols", {{{1, 1}}, {{3, 5}}},
        [](Tape&, Inputs in) { return slice_cols(in[0], in[0].cols() / 4, (in[0].cols() + 1) / 2); });
  t.add("softmax", one, [](Tape&, Inputs in) { return softmax(in[0]); });

  t.add("square", one, [](Tape&, Inputs in) { return square(in[0]); });
  t.add("rsqrt", one, Domain::positive, [](Tape&, Inputs in) { return rsqrt(in[0]); });
  t.add("exp", one, [](Tape&, Inputs in) { return exp(in[0]); });
  t.add("log", one, Domain::positive, [](Tape&, Inputs in) { return log(in[0]); });
  t.add("relu", one, Domain::off_zero, [](Tape&, Inputs in) { return relu(in[0]); });
  t.add("sigmoid", one, [](Tape&, Inputs in) { return sigmoid(in[0]); });
  t.add("tanh", one, [](Tape&, Inputs in) { return tanh(in[0]); });
  // A generator of its own for every call, so that each drops the same entries.
  t.add("dropout", one, [](Tape&, Inputs in) {
    Random r(1, Random::Stream{3});
    return dropout(in[0], 0.4, r);
  });

  const std::vector<std::vector<Shape>> affine_maps{
      {{1, 1}, {1, 1}, {1, 1}}, {{1, 5}, {1, 5}, {1, 1}}, {{4, 1}, {3, 1}, {1, 3}}, {{3, 5}, {2, 5}, {1, 2}}};
  const std::vector<std::vector<Shape>> linear_maps{
      {{1, 1}, {1, 1}}, {{1, 5}, {1, 5}}, {{4, 1}, {3, 1}}, {{3, 5}, {2, 5}}};
  t.add("linear", affine_maps, [](Tape&, Inputs in) { return linear(in[0], in[1], in[2]); });
  t.add("linear", linear_maps, [](Tape&, Inputs in) { return linear(in[0], in[1]); });
  t.add("linear_composed", affine_maps, [](Tape&, Inputs in) { return linear_composed(in[0], in[1], in[2]); });

  const std::vector<Shape> batches{{2, 3}, {3, 3}, {4, 1}, {4, 3}, {60, 2}, {128, 2}};
  t.add_normalization("batch_norm", batches, false,
                      [](Tape&, Inputs in) { return batch_norm(in[0], in[1], in[2], kEps).y; });
  t.add_normalization("batch_norm_composed", batches, false,
                      [](Tape&, Inputs in) { return batch_norm_composed(in[0], in[1], in[2], kEps).y; });
  const std::vector<Shape> rows{{1, 2}, {3, 2}, {3, 4}, {1, 60}, {2, 128}};
  t.add_normalization("layer_norm", rows, true, [](Tape&, Inputs in) { return layer_norm(in[0], in[1], in[2], kEps); });
  t.add_normalization("layer_norm_composed", rows, true,
                      [](Tape&, Inputs in) { return layer_norm_composed(in[0], in[1], in[2], kEps); });

  const std::vector<Shape> logits{{1, 1}, {1, 4}, {5, 1}, {5, 4}};
  t.add_loss("softmax_cross_entropy", logits, [](const std::vector<int>& labels) {
    return [=](Tape&, Inputs in) { return softmax_cross_entropy(in[0], labels); };
  });
  t.add("mse", two, [](Tape&, Inputs in) { return mse(in[0], in[1]); });
  t.add_loss("softmax_cross_entropy_composed", logits, [](const std::vector<int>& labels) {
    return [=](Tape&, Inputs in) { return softmax_cross_entropy_composed(in[0], labels); };
  });

  return t.cases;
}

}  // namespace TARE_NAMESPACE
