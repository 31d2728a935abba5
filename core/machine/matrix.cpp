#include "core/machine/matrix.h"

#include "core/machine/error.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace TARE_NAMESPACE {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kLine = 64;  // a cache line, and the widest vector register

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

std::byte* allocate_pages(std::size_t bytes) {
  void* p = std::aligned_alloc(kPage, round_up(bytes, kPage));
  if (p == nullptr) throw std::bad_alloc();
  return static_cast<std::byte*>(p);
}

std::size_t bytes_of(Index rows, Index cols) { return sizeof(real) * static_cast<std::size_t>(rows * cols); }

std::size_t offset_of(int quarter) { return kPage / 4 * static_cast<std::size_t>(quarter); }

}  // namespace

void Free::operator()(std::byte* p) const { std::free(p); }

Buffer::Buffer(Index rows, Index cols, int quarter)
    : Buffer(allocate_pages(offset_of(quarter) + bytes_of(rows, cols)), rows, cols, quarter) {
  setZero();
}

Buffer::Buffer(std::byte* memory, Index rows, Index cols, int quarter)
    : MatrixMap(reinterpret_cast<Scalar*>(memory + offset_of(quarter)), rows, cols),
      memory_(memory),
      quarter_(quarter) {}

Buffer::Buffer(const Buffer& other) : Buffer(other.rows(), other.cols(), other.quarter_) { *this = other; }

Buffer& Buffer::operator=(const Buffer& other) {
  if (other.rows() != rows() || other.cols() != cols()) {
    throw Error("Buffer: expected the shape {}, found {}", Shape{rows(), cols()}, Shape{other.rows(), other.cols()});
  }
  MatrixMap::operator=(other);
  return *this;
}

MatrixMap Arena::matrix(Index rows, Index cols) {
  // An odd number of cache lines after each matrix: 64 neighbours of whole pages pass before two addresses agree.
  constexpr std::size_t kStagger = 5 * kLine;
  void* p = bytes(bytes_of(rows, cols) + kStagger);
  return {static_cast<real*>(p), rows, cols};
}

void* Arena::bytes(std::size_t size) {
  size = round_up(size, kLine);
  while (block_ < blocks_.size() && used_ + size > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    constexpr std::size_t kSmallestBlock = 1 << 20;
    const std::size_t block_size = std::max(kSmallestBlock, round_up(size, kPage));
    blocks_.push_back({std::unique_ptr<std::byte, Free>(allocate_pages(block_size)), block_size});
  }
  std::byte* p = blocks_[block_].memory.get() + used_;
  used_ += size;
  return p;
}

}  // namespace TARE_NAMESPACE
