#include <tare/core/machine/matrix.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>

// What the address sanitizer is told about an arena's memory.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TARE_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TARE_ASAN
#endif
#ifdef TARE_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(begin, size) static_cast<void>(0)
#define ASAN_UNPOISON_MEMORY_REGION(begin, size) static_cast<void>(0)
#endif

namespace TARE_NAMESPACE {
namespace {

constexpr std::size_t kLine = 64;  // a cache line, and the widest vector register
#if defined(NDEBUG) && !defined(TARE_ASAN)
constexpr bool kPoison = false;
#else
constexpr bool kPoison = true;
#endif

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

std::size_t bytes_of(Index rows, Index cols) {
  check_shape("matrix", {rows, cols});
  return sizeof(real) * static_cast<std::size_t>(rows * cols);
}

std::unique_ptr<std::byte, Free> allocate(std::size_t bytes) {
  void* p = std::aligned_alloc(kLine, round_up(std::max<std::size_t>(bytes, 1), kLine));
  if (p == nullptr) throw std::bad_alloc();
  return std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(p));
}

}  // namespace

void check_shape(const char* what, Shape shape, Index least) {
  constexpr Index kMost =
      std::numeric_limits<Index>::max() / Index{2 * sizeof(real)};  // a block is at most twice as large
  const bool fits = shape.rows >= least && shape.cols >= least && (shape.cols == 0 || shape.rows <= kMost / shape.cols);
  if (!fits) throw Error("{}: expected dimensions of at least {} that fit into memory, found {}", what, least, shape);
}

void Free::operator()(std::byte* p) const { std::free(p); }

Buffer::Buffer(Index rows, Index cols) : Buffer(allocate(bytes_of(rows, cols)), rows, cols) { setZero(); }

Buffer::Buffer(std::unique_ptr<std::byte, Free> memory, Index rows, Index cols)
    : MatrixMap(reinterpret_cast<Scalar*>(memory.get()), rows, cols), memory_(std::move(memory)) {}

Buffer::Buffer(const Buffer& other) : Buffer(other.rows(), other.cols()) { *this = other; }

Buffer& Buffer::operator=(const Buffer& other) {
  MatrixMap::operator=(other);
  return *this;
}

MatrixMap Arena::matrix(Index rows, Index cols) {
  return {static_cast<real*>(bytes(bytes_of(rows, cols))), rows, cols};
}

void* Arena::bytes(std::size_t size) {
  const std::size_t room = round_up(size, kLine);
  while (block_ < blocks_.size() && used_ + room > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    constexpr std::size_t kSmallest = 1 << 20;
    const std::size_t block_size = std::max({kSmallest, room, blocks_.empty() ? 0 : 2 * blocks_.back().size});
    blocks_.push_back({allocate(block_size), block_size});
    ASAN_POISON_MEMORY_REGION(blocks_.back().memory.get(), block_size);
  }
  std::byte* p = blocks_[block_].memory.get() + used_;
  used_ += room;
  ASAN_UNPOISON_MEMORY_REGION(p, size);
  return p;
}

void Arena::clear() {
  if (kPoison) {
    for (std::size_t i = 0; i < blocks_.size() && i <= block_; ++i) {
      std::byte* begin = blocks_[i].memory.get();
      ASAN_UNPOISON_MEMORY_REGION(begin, blocks_[i].size);
      std::memset(begin, 0xff, i < block_ ? blocks_[i].size : used_);  // as float or double: NaN
      ASAN_POISON_MEMORY_REGION(begin, blocks_[i].size);
    }
  }
  block_ = used_ = 0;
}

bool Arena::is_stale(const void* p) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::byte *at = static_cast<const std::byte*>(p), *begin = blocks_[i].memory.get();
    if (std::less<>()(at, begin) || !std::less<>()(at, begin + blocks_[i].size)) continue;
    return i > block_ || (i == block_ && at >= begin + used_);
  }
  return false;
}

}  // namespace TARE_NAMESPACE
