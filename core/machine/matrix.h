// The number type, the matrix types and the memory they live in. A value is a row-major matrix with one row per
// sample. There are no N-dimensional tensors: an image is a row of pixels, a loss is a 1 x 1 matrix.
#pragma once

#include <fmt/format.h>
#include <Eigen/Core>

#include <cstddef>
#include <memory>
#include <vector>

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

using Matrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixMap = Eigen::Map<Matrix>;
using Row = Eigen::Map<Eigen::Array<real, 1, Eigen::Dynamic>>;
using ConstRow = Eigen::Map<const Eigen::Array<real, 1, Eigen::Dynamic>>;

/// A range of columns.
struct Columns {
  Index begin, size;
};

/// A read-only matrix in somebody else's memory.
class View : public Eigen::Map<const Matrix> {
 public:
  // (Scalar is real: inside Eigen's classes the name `real` is a function.)
  View(const Scalar* data, Index rows, Index cols) : Map(data, rows, cols) {}
  View(const MatrixMap& m) : Map(m.data(), m.rows(), m.cols()) {}
  View(const Matrix& m) : Map(m.data(), m.rows(), m.cols()) {}

  /// Row i, columns c, as an array for elementwise formulas.
  using Map::row;
  ConstRow row(Index i, Columns c) const { return {data() + i * cols() + c.begin, c.size}; }
};

/// Row i, columns c of `m`, to write to.
inline Row row(MatrixMap& m, Index i, Columns c) { return {m.data() + i * m.cols() + c.begin, c.size}; }

/// Gives back what std::aligned_alloc gave.
struct Free {
  void operator()(std::byte* p) const;
};

/// A matrix that owns its memory, zero at first; a copy owns a copy. `quarter` (0 to 3) says at which quarter of a
/// 4096-byte page it begins. A processor may take two addresses that agree modulo 4096 for the same one for a while, and a
/// loop over a weight, its gradient and its momentum would wait for itself (docs/7-speed.md).
class Buffer : public MatrixMap {
 public:
  Buffer(Index rows, Index cols, int quarter = 0);
  Buffer(const Buffer& other);
  /// Copies the numbers. Error if `other` has another shape.
  Buffer& operator=(const Buffer& other);
  using MatrixMap::operator=;

 private:
  Buffer(std::byte* memory, Index rows, Index cols, int quarter);

  std::unique_ptr<std::byte, Free> memory_;
  int quarter_;
};

/// Memory for one training step. It is handed out from the start again after every clear(), so a step that asks for the
/// same sizes as the last gets the same addresses and allocates nothing.
class Arena {
 public:
  /// Uninitialized, at a multiple of 64 bytes. Neighbours whose size is a multiple of 4096 bytes differ in address modulo 4096.
  MatrixMap matrix(Index rows, Index cols);
  void* bytes(std::size_t size);
  void clear() { block_ = used_ = 0; }

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
