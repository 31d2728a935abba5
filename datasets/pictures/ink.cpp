#include <tare/datasets/pictures/ink.h>

#include <tare/datasets/pictures/median.h>
#include <tare/datasets/pictures/mnist_form.h>
#include <tare/datasets/pictures/pieces.h>
#include <tare/datasets/pictures/ruled_lines.h>

#include <Eigen/Cholesky>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>

namespace tare {
namespace {

constexpr std::int64_t kWorkingSide = 400;  // more pixels than a digit needs; averaging also takes noise away

// How far each pixel is from the light of the paper, towards that of the ink.
struct Relief {
  std::int64_t rows = 0, cols = 0;
  std::vector<float> height;
  float noise = 0;  // of the paper, a standard deviation
  float full = 0;   // the height of the middle of a stroke, 0 without any

  float paper() const { return std::max(6.0F, 4 * noise); }  // what is lower is paper
  float clarity() const { return full / std::max(1.0F, noise); }
};
constexpr float kVisible = 5, kClear = 12;

// The grey that best tells two groups of pixels apart (Otsu, "A threshold selection method from gray-level histograms",
// 1979), and whether the lighter group, the pixels above it, is the larger one.
struct Split {
  int gray;
  bool mostly_light;
};

Split split(const std::vector<std::uint8_t>& pixels) {
  std::array<double, 256> count{};
  double total = 0;
  for (const std::uint8_t p : pixels) ++count[p], total += p;
  const auto size = static_cast<double>(pixels.size());
  Split best{0, true};
  double below = 0, sum_below = 0, most = -1;
  for (int gray = 0; gray < 255; ++gray) {
    below += count[static_cast<std::size_t>(gray)];
    sum_below += gray * count[static_cast<std::size_t>(gray)];
    if (below == 0 || below == size) continue;
    const double distance = sum_below / below - (total - sum_below) / (size - below);
    const double between = below * (size - below) * distance * distance;
    if (between > most) most = between, best = {gray, below < size / 2};
  }
  return best;
}

// The paper's light as a polynomial of degree 0, 1 or 2 in row and column, fitted to the pixels that are likely paper.
class Paper {
 public:
  // Begins with the border, because around what is drawn there is paper; or with the larger part of the pixels, those
  // above or below one grey, because what is drawn may reach the border.
  enum class Begin { border, larger_part };

  Paper(const GrayImage& picture, Begin begin) : picture_(picture), begin_(begin) {
    // Of many pixels, some will do.
    const std::int64_t size = std::ssize(picture.pixels), stride = size / 5'000 | 1;
    const std::int64_t margin_rows = std::max<std::int64_t>(1, picture.rows / 10);
    const std::int64_t margin_cols = std::max<std::int64_t>(1, picture.cols / 10);
    const Split parts = split(picture.pixels);
    std::vector<std::int64_t> all, likely;
    std::vector<float> likely_light;
    for (std::int64_t p = 0; p < size; p += stride) {
      all.push_back(p);
      const std::int64_t i = p / picture.cols, j = p % picture.cols;
      const bool inner =
          std::min(i, picture.rows - 1 - i) >= margin_rows && std::min(j, picture.cols - 1 - j) >= margin_cols;
      const std::uint8_t light = picture.pixels[static_cast<std::size_t>(p)];
      if (begin == Begin::border ? inner : (light > parts.gray) != parts.mostly_light) continue;
      likely.push_back(p);
      likely_light.push_back(light);
    }
    coefficients_[0] = static_cast<double>(median_of(likely_light));
    update_noise(likely);
    // A few pixels would be fitted too well.
    const bool tiny = std::min(picture.rows, picture.cols) < 12;
    for (const int terms : {1, 3, 3, 6, 6}) fit(likely, tiny ? 1 : terms);
    for (int i = 0; i < 3; ++i) fit(all, tiny ? 1 : 6);
  }

  float noise() const { return noise_; }

  // How much lighter a pixel is than the paper there.
  float residual(std::int64_t p) const {
    return static_cast<float>(picture_.pixels[static_cast<std::size_t>(p)] - coefficients_.dot(terms_at(p)));
  }

 private:
  using Terms = Eigen::Matrix<double, 6, 1, Eigen::DontAlign>;  // alike however Eigen is configured

  Terms terms_at(std::int64_t p) const {
    const auto scaled = [](std::int64_t i, std::int64_t n) {
      return static_cast<double>(2 * i + 1 - n) / static_cast<double>(n);
    };
    const double y = scaled(p / picture_.cols, picture_.rows), x = scaled(p % picture_.cols, picture_.cols);
    return Terms(1, x, y, x * x, x * y, y * y);
  }

  // Pixels further from the paper than this are something else.
  float tolerance() const { return std::max(2.0F, 3 * noise_); }

  void fit(const std::vector<std::int64_t>& pixels, int terms) {
    using Squares = Eigen::Matrix<double, 6, 6, Eigen::DontAlign>;
    Squares squares = Squares::Zero();
    Terms products = Terms::Zero();
    for (const std::int64_t p : pixels) {
      if (std::abs(residual(p)) > tolerance()) continue;
      const Terms t = terms_at(p);
      squares += t * t.transpose();
      products += t * static_cast<double>(picture_.pixels[static_cast<std::size_t>(p)]);
    }
    if (squares(0, 0) < 6) return;
    squares.diagonal() += Terms::Constant(1e-6 * squares(0, 0));
    // The coefficients of the other terms are 0. (A matrix of a size that is known needs no memory of Eigen's.)
    for (Eigen::Index i = terms; i < 6; ++i) {
      squares.row(i).setZero();
      squares.col(i).setZero();
      squares(i, i) = 1;
      products(i) = 0;
    }
    coefficients_ = squares.llt().solve(products);
    update_noise(pixels);
  }

  void update_noise(const std::vector<std::int64_t>& pixels) {
    constexpr float kDeviation = 1.4826F;  // of a normal distribution, over its median distance from the mean
    std::vector<float> distances;
    for (const std::int64_t p : pixels) {
      // From the border on, most pixels are paper, and a fit that leaves some of it out must show. The larger part of
      // the pixels may be little more than half of them.
      const float distance = std::abs(residual(p));
      if (begin_ == Begin::border || distance <= tolerance()) distances.push_back(distance);
    }
    noise_ = kDeviation * median_of(std::move(distances));
  }

  const GrayImage& picture_;
  Begin begin_;
  Terms coefficients_ = Terms::Zero();
  float noise_ = 255;
};

Relief relief_of(const GrayImage& picture, Paper::Begin begin) {
  const Paper paper(picture, begin);
  Relief relief{picture.rows, picture.cols, {}, paper.noise()};
  relief.height.reserve(picture.pixels.size());
  double lighter = 0, darker = 0;
  for (std::int64_t p = 0; p < std::ssize(picture.pixels); ++p) {
    const float h = relief.height.emplace_back(paper.residual(p));
    if (std::abs(h) > relief.paper()) (h > 0 ? lighter : darker) += static_cast<double>(h) * static_cast<double>(h);
  }
  // The ink is what strays further from the paper.
  if (darker > lighter) std::ranges::transform(relief.height, relief.height.begin(), std::negate());

  std::vector<float> ink;
  std::ranges::copy_if(relief.height, std::back_inserter(ink), [&](float h) { return h > relief.paper(); });
  if (ink.empty()) return relief;
  const auto nearly_all = ink.begin() + std::ssize(ink) * 95 / 100;
  std::ranges::nth_element(ink, nearly_all);
  relief.full = *nearly_all;
  return relief;
}

// Leaves specks and shadows at the border out, and what is left there of the paper's lines.
void clean(std::vector<Piece>& pieces, std::int64_t size, bool ruled) {
  std::erase_if(pieces, [&](const Piece& p) { return std::ssize(p.pixels) < size / 4000; });
  const bool inside = std::ranges::any_of(pieces, [](const Piece& p) { return !p.marginal; });
  std::erase_if(pieces, [&](const Piece& p) { return (inside || ruled) && p.marginal; });
  if (pieces.empty()) return;
  const float largest = std::ranges::max_element(pieces, {}, &Piece::mass)->mass;
  std::erase_if(pieces, [&](const Piece& p) { return p.mass < 0.04F * largest; });
}

// How wide a stroke is in the mean, by its area and the length of its outline.
double stroke_width(const std::vector<std::int64_t>& pixels, const Relief& relief) {
  std::vector<bool> inked(relief.height.size());
  for (const std::int64_t p : pixels) inked[static_cast<std::size_t>(p)] = true;
  const auto is_ink = [&](std::int64_t i, std::int64_t j) {
    return i >= 0 && i < relief.rows && j >= 0 && j < relief.cols &&
           inked[static_cast<std::size_t>(i * relief.cols + j)];
  };
  std::int64_t outline = 0;
  for (const std::int64_t p : pixels) {
    const std::int64_t i = p / relief.cols, j = p % relief.cols;
    outline += !is_ink(i - 1, j) + !is_ink(i + 1, j) + !is_ink(i, j - 1) + !is_ink(i, j + 1);
  }
  constexpr double kStairs = 1.27;  // an outline along pixels is longer than a smooth one: 4/pi, over all directions
  return 2 * static_cast<double>(pixels.size()) * kStairs / static_cast<double>(outline);
}

// Every pixel the most of those within the radius.
GrayImage thickened(const GrayImage& ink, double radius) {
  GrayImage result = ink;
  const auto reach = static_cast<std::int64_t>(radius);
  for (std::int64_t i = 0; i < ink.rows; ++i) {
    for (std::int64_t j = 0; j < ink.cols; ++j) {
      const std::uint8_t value = ink(i, j);
      if (value == 0) continue;
      for (std::int64_t y = std::max<std::int64_t>(i - reach, 0); y <= std::min(i + reach, ink.rows - 1); ++y) {
        for (std::int64_t x = std::max<std::int64_t>(j - reach, 0); x <= std::min(j + reach, ink.cols - 1); ++x) {
          const auto distance = static_cast<double>((y - i) * (y - i) + (x - j) * (x - j));
          if (distance <= radius * radius) result(y, x) = std::max(result(y, x), value);
        }
      }
    }
  }
  return result;
}

// One digit, or more, on about as much paper as it needs.
GrayImage cut_out(const Piece& digit, const Relief& relief) {
  const Box& box = digit.box;
  // MNIST's strokes are about a tenth as wide as its digits are long.
  constexpr double kThin = 0.07, kUsual = 0.11;
  const double longer = static_cast<double>(std::max(box.rows(), box.cols()));
  const double width = stroke_width(digit.pixels, relief);
  const double radius = width < kThin * longer ? (kUsual * longer - width) / 2 : 0;
  const auto margin = static_cast<std::int64_t>(radius) + 1;
  GrayImage ink(box.rows() + 2 * margin, box.cols() + 2 * margin);
  // With their neighbours, which are the soft edges of strokes.
  for (const std::int64_t p : digit.pixels) {
    const std::int64_t i = p / relief.cols, j = p % relief.cols;
    for (std::int64_t y = std::max<std::int64_t>(i - 1, 0); y <= std::min(i + 1, relief.rows - 1); ++y) {
      for (std::int64_t x = std::max<std::int64_t>(j - 1, 0); x <= std::min(j + 1, relief.cols - 1); ++x) {
        const float h = relief.height[static_cast<std::size_t>(y * relief.cols + x)];
        if (h <= 2 * relief.noise) continue;
        ink(y - box.top + margin, x - box.left + margin) =
            static_cast<std::uint8_t>(std::lround(std::min(255 * h / relief.full, 255.0F)));
      }
    }
  }
  return radius >= 0.5 ? thickened(ink, radius) : ink;
}

// The same picture with a longer side of `side` pixels.
GrayImage smaller(const GrayImage& picture, std::int64_t side) {
  const std::int64_t longer = std::max(picture.rows, picture.cols);
  const auto scaled = [&](std::int64_t n) { return std::max<std::int64_t>(1, n * side / longer); };
  return resize(picture, scaled(picture.rows), scaled(picture.cols));
}

// Of a picture of at most kWorkingSide: its pieces of ink on their relief. No pieces if there is nothing but paper.
std::pair<Relief, std::vector<Piece>> find_pieces(const GrayImage& picture, bool ruled) {
  Relief relief = relief_of(picture, Paper::Begin::border);
  if (relief.clarity() < kVisible) {
    Relief other = relief_of(picture, Paper::Begin::larger_part);
    if (other.clarity() > relief.clarity()) relief = std::move(other);
  }
  // Averaging takes noise away, and leaves more than a digit needs.
  const std::int64_t longer_side = std::max(picture.rows, picture.cols);
  if (relief.clarity() < kClear && longer_side >= 112) return find_pieces(smaller(picture, longer_side / 2), ruled);
  if (relief.clarity() < kVisible || relief.full < 10) return {};

  const float cut = std::max(relief.paper(), 0.2F * relief.full);
  std::vector<Piece> pieces = pieces_of(relief.height, relief.rows, relief.cols, cut);
  clean(pieces, std::ssize(relief.height), ruled);
  return {std::move(relief), std::move(pieces)};
}

}  // namespace

Ink find_ink(const GrayImage& picture) {
  GrayImage page = std::max(picture.rows, picture.cols) > kWorkingSide ? smaller(picture, kWorkingSide) : picture;
  Ink ink;
  ink.ruled = remove_ruled_lines(page);
  auto [relief, pieces] = find_pieces(page, ink.ruled);
  for (const Piece& digit : digits_of(std::move(pieces))) ink.digits.push_back(cut_out(digit, relief));
  return ink;
}

}  // namespace tare
