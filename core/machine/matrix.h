// The number type, the matrix types and the memory they live in. A value is a row-major matrix with one row per
// sample. There are no N-dimensional tensors: an image is a row of pixels, a loss is a 1 x 1 matrix.
#pragma once

#include <tare/core/machine/error.h>

#include <Eigen/Core>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

// Results must not depend on the compiler or the machine.
#ifdef __FAST_MATH__
#error "Tare promises the same bits everywhere: compile it without -ffast-math"
#endif
#if defined(__i386__) && !defined(__SSE2_MATH__)
#error "x87 rounds to more bits than a number has: compile Tare with -msse2 -mfpmath=sse"
#endif

// The sources read `real` and build twice. The inline namespace carries the scalar's name into every symbol, so that
// objects of the two builds can share a program but linking one against the other fails.
#ifdef TARE_DOUBLE
#define TARE_NAMESPACE tare::inline float64
#else
#define TARE_NAMESPACE tare::inline float32
#endif

namespace tare {
using Eigen::Index;

struct Shape {
  Index rows, cols;
  bool operator==(const Shape&) const = default;
};
}  // namespace tare

template <>
struct fmt::formatter<tare::Shape> : fmt::formatter<std::string> {
  auto format(tare::Shape s, fmt::format_context& out) const {
    return fmt::formatter<std::string>::format(fmt::format("[{} x {}]", s.rows, s.cols), out);
  }
};

namespace TARE_NAMESPACE {

#ifdef TARE_DOUBLE
using real = double;
#else
using real = float;
#endif

/// For a program's own numbers. No function of the library makes one, keeps one or frees one: what an Eigen matrix that
/// owns its numbers does with memory depends on how each source is compiled (EIGEN_MAX_ALIGN_BYTES, -march). Ours is a
/// Buffer.
using Matrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Map<Eigen::Array<real, 1, Eigen::Dynamic>>;
using ConstRow = Eigen::Map<const Eigen::Array<real, 1, Eigen::Dynamic>>;

/// A matrix in somebody else's memory, to write to. Assigning copies the numbers; Error unless the shapes are equal.
class MatrixMap : public Eigen::Map<Matrix> {
 public:
  // (Scalar is real: inside Eigen's classes the name `real` is a function.)
  MatrixMap(Scalar* data, Index rows, Index cols) : Map(data, rows, cols) {}
  MatrixMap(const MatrixMap&) = default;
  MatrixMap& operator=(const MatrixMap& other) { return *this = static_cast<const Map&>(other); }
  template <class Other>
  MatrixMap& operator=(const Eigen::DenseBase<Other>& other) {
    if (other.rows() != rows() || other.cols() != cols()) {
      throw Error("expected a matrix {} to copy, found {}", Shape{rows(), cols()}, Shape{other.rows(), other.cols()});
    }
    Map::operator=(other.derived());
    return *this;
  }
};

/// A range of columns.
struct Columns {
  Index begin, size;
};

struct Factor;  // of a product (core/machine/product.h)

/// A read-only matrix in somebody else's memory. `background` says what most of its numbers are, such as an image's
/// empty pixels, if that is known: products are faster then.
class View : public Eigen::Map<const Matrix> {
 public:
  View(const Scalar* data, Index rows, Index cols, std::optional<Scalar> background_ = {})
      : Map(data, rows, cols), background(background_) {}
  View(const MatrixMap& m) : Map(m.data(), m.rows(), m.cols()) {}
  View(const Matrix& m) : Map(m.data(), m.rows(), m.cols()) {}

  /// Row i, columns c, as an array for elementwise formulas.
  using Map::row;
  ConstRow row(Index i, Columns c) const { return {data() + i * cols() + c.begin, c.size}; }
  /// To multiply with: g.transpose() * x.
  Factor transpose() const;

  std::optional<Scalar> background;
};

inline Shape shape_of(const View& m) { return {m.rows(), m.cols()}; }

/// Row i, columns c of `m`, to write to.
inline Row row(MatrixMap& m, Index i, Columns c) { return {m.data() + i * m.cols() + c.begin, c.size}; }

/// Error, naming `what`, if a dimension is below `least`, or if a matrix of this shape has more numbers than memory
/// can hold.
void check_shape(const char* what, Shape shape, Index least = 0);

/// Gives back what std::aligned_alloc gave.
struct Free {
  void operator()(std::byte* p) const;
};

/// A matrix that owns its memory, zero at first; a copy owns a copy. Error if the shape is none.
class Buffer : public MatrixMap {
 public:
  Buffer(Index rows, Index cols);
  /// A copy of a matrix or of what a formula of matrices gives.
  template <class Other>
  Buffer(const Eigen::DenseBase<Other>& m) : Buffer(m.rows(), m.cols()) {
    *this = m;
  }
  Buffer(const Buffer& other);
  Buffer& operator=(const Buffer& other);
  using MatrixMap::operator=;

 private:
  Buffer(std::unique_ptr<std::byte, Free> memory, Index rows, Index cols);

  std::unique_ptr<std::byte, Free> memory_;
};

/// Memory for one training step. It is handed out from the start again after every clear(), so a step that asks for
/// the same sizes as the last gets the same addresses and allocates nothing. Its blocks double in size: steps that
/// grow need no more than four times the memory of the largest.
class Arena {
 public:
  /// Uninitialized, at a multiple of 64 bytes. Error if the shape is none.
  MatrixMap matrix(Index rows, Index cols);
  void* bytes(std::size_t size);
  /// In debug builds what was handed out is filled with NaN, and the address sanitizer, if it is there, reports its
  /// use.
  void clear();
  /// Whether p points to memory that is not handed out now, as a View does that was kept too long.
  bool is_stale(const void* p) const;

 private:
  struct Block {
    std::unique_ptr<std::byte, Free> memory;
    std::size_t size;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the block that is being handed out,
  std::size_t used_ = 0;   // and how many of its bytes are
};

}  // namespace TARE_NAMESPACE
