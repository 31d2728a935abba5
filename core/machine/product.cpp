#include <tare/core/machine/product.h>

#include <tare/core/machine/simd.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>

// C is computed in tiles, whose entries stay in registers while k runs over all of A's columns and B's rows:
//
//                                             +---------+      for each k: every entry of a column of A (4 of them)
//                                           k | panel   |      times every register of the panel's row (6 of them)
//                   k                         |  of B   |      added to the tile's registers (4 x 6)
//             +-----------+                   +---------+
//      4 rows |    A      |           4 rows  | tile    |      24 multiply-adds for 10 loads, so the loads can keep up
//             +-----------+                   +---------+
//
// The tiles below each other read the same panel: a copy of B, or of its transpose, in the order in which it is read.
// A is read where it is. (After Goto, van de Geijn 2008, "Anatomy of high-performance matrix multiplication", ACM
// TOMS 34(3).) A k at which all of a tile's rows of A are background is left out.

namespace TARE_NAMESPACE {
namespace {

using simd::kLanes, simd::Packet;

// The tile's registers should leave room for a row of the panel and an entry of A; processors have 16 or 32. If A has a
// background, a tile has fewer rows where enough registers are left to work on: all of them are background the more
// often, for more loads.
constexpr int kRows = 4, kSparseRows = simd::kRegisters >= 32 ? 2 : 4;
constexpr int kPackets = simd::kRegisters >= 32 ? 6 : 3;
constexpr Index kDepth = 1024;          // of a panel: at most 400 kB, which the second cache holds beside some of A
constexpr Index kHeight = 256 * kRows;  // of the tiles that share a copy of a panel: their Bits take 64 kB
constexpr Index kStrip =
    16 * kRows;  // of the tiles that are computed beside C, which is transposed or too narrow for them

// The fewest columns of C for which looking for A's background pays; if it is B's, C is transposed, which costs more.
// (Entries are rounded differently from here on.)
constexpr Index kWorthLooking = 32, kWorthTransposing = 64;

// The most rows of A and of B for which a copy of B is read too seldom to pay.
constexpr Index kSeldom = 64;

// Part of a matrix.
struct Block {
  Index row, col, rows, cols;
};

// Where a product goes: C or its transpose, = or +=.
struct Result {
  real* at(Index i, Index j) const { return data + i * row_stride + j * col_stride; }

  real* data;
  Index row_stride, col_stride;
  bool add;
};

struct Panel {
  alignas(64) real entries[kDepth * kPackets * kLanes];  // `depth` rows of `packets` packets
  // If A has a background: what the sums in a row of a tile begin with, and what is taken off A.
  alignas(64) real start[kPackets * kLanes], background[kLanes];
  const real* rows;  // the entries, or B's own
  Index stride;      // from one row to the next
  Index depth;
  int packets;
};

// A bit for every k of a panel: 0 where a tile leaves it out.
constexpr Index kWord = 64;
using Bits = std::uint64_t[kDepth / kWord];

// The transpose of the square whose row l begins at row(l).
template <class RowAt>
simd::Square transposed(const RowAt& row) {
  simd::Square square;
  for (int l = 0; l < kLanes; ++l) square.packet[l] = simd::load_any(row(l));
  simd::transpose(square);
  return square;
}

// Makes a panel of `block` of B, each row as so many whole packets. Lanes beyond the block repeat its last column, and
// are dropped later. `readers` counts the rows of A.
void set_panel(const Factor& b, const Block& block, Index readers, Panel& panel) {
  panel.depth = block.rows;
  panel.packets = static_cast<int>((block.cols + kLanes - 1) / kLanes);
  const Index stride = panel.packets * kLanes;
  const bool as_it_is = b.col_stride == 1 && block.cols == stride && readers <= kSeldom && block.rows <= kSeldom;
  panel.rows = as_it_is ? b.at(block.row, block.col) : panel.entries;
  panel.stride = as_it_is ? b.row_stride : stride;
  if (as_it_is) return;
  for (Index j = 0; j < stride; j += kLanes) {
    const auto at = [&](Index k, Index l) { return b.at(block.row + k, block.col + std::min(j + l, block.cols - 1)); };
    real* to = panel.entries + j;
    Index k = 0;
    if (b.row_stride == 1) {
      for (; k + kLanes <= block.rows; k += kLanes) {
        const auto square = transposed([&](int l) { return at(k, l); });
        for (int l = 0; l < kLanes; ++l) simd::store(to + (k + l) * stride, square.packet[l]);
      }
    } else if (j + kLanes <= block.cols) {
      for (; k < block.rows; ++k) simd::store(to + k * stride, simd::load_any(at(k, 0)));
    }
    for (; k < block.rows; ++k) {
      for (int l = 0; l < kLanes; ++l) to[k * stride + l] = *at(k, l);
    }
  }
}

// Marks the numbers that are not background, beside what is marked.
void mark_foreground(const real* numbers, Index size, real background, std::uint8_t* found) {
  for (Index i = 0; i < size; ++i) found[i] |= numbers[i] != background;
}

// Eight bytes, each 0 or 1, as eight bits: the factor has a bit for each, which shifts it to its place in the highest
// byte.
std::uint64_t bits_of_bytes(const std::uint8_t* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word * 0x0102040810204080 >> 56;
}

// Sets the bits of all tiles of `block` of A, from top to bottom. A is read in the order in which it lies in memory.
void find_foreground(const Factor& a, const Block& block, Bits* bits) {
  std::uint8_t found[std::max(kDepth, kHeight)];
  const Index tiles = (block.rows + kSparseRows - 1) / kSparseRows, words = (block.cols + kWord - 1) / kWord;
  if (a.col_stride == 1) {
    for (Index t = 0; t < tiles; ++t) {
      std::fill_n(found, words * kWord, std::uint8_t{0});
      for (Index i = t * kSparseRows; i < std::min((t + 1) * kSparseRows, block.rows); ++i) {
        mark_foreground(a.at(block.row + i, block.col), block.cols, *a.background, found);
      }
      for (Index w = 0; w < words; ++w) {
        bits[t][w] = 0;
        for (int k = 0; k < kWord; k += 8) bits[t][w] |= bits_of_bytes(found + w * kWord + k) << k;
      }
    }
  } else {
    for (Index t = 0; t < tiles; ++t) std::fill_n(bits[t], words, std::uint64_t{0});
    for (Index k = 0; k < block.cols; ++k) {
      std::fill_n(found, tiles * kSparseRows, std::uint8_t{0});
      mark_foreground(a.at(block.row, block.col + k), block.rows, *a.background, found);
      for (Index t = 0; t < tiles; ++t) {
        std::conditional_t<kSparseRows == 2, std::uint16_t, std::uint32_t> rows;
        static_assert(sizeof(rows) == kSparseRows);
        std::memcpy(&rows, found + t * kSparseRows, kSparseRows);
        bits[t][k / kWord] |= std::uint64_t{rows != 0} << k % kWord;
      }
    }
  }
}

// R rows and P packets at `c` = or += rows of A, which begin at `a_rows`, times the panel; if kBackground, without
// the k whose bit is 0.
template <int R, int P, bool kBackground>
void compute_tile(const Factor& a, const real* a_rows, const Bits& foreground, const Panel& panel, real* c,
                  Index c_stride, bool add) {
  Packet sum[R * P];
  // (Loops over registers are unrolled early; if not, the compiler would leave the sums in memory.)
#pragma GCC unroll 24
  for (int i = 0; i < R * P; ++i) {
    sum[i] = kBackground ? simd::load(panel.start + i % P * kLanes) : simd::filled_with(0);
    simd::prefetch(c + i / P * c_stride + i % P * kLanes);
  }
  const auto multiply_add = [&](Index k) {
#pragma GCC unroll 24
    for (int i = 0; i < R * P; ++i) {
      Packet a_ik = simd::filled_with(a_rows[i / P * a.row_stride + k * a.col_stride]);
      if constexpr (kBackground) a_ik = simd::subtract(a_ik, simd::load(panel.background));
      sum[i] = simd::multiply_add(a_ik, simd::load_any(panel.rows + k * panel.stride + i % P * kLanes), sum[i]);
    }
  };
  if constexpr (kBackground) {
    for (Index k = 0; k < panel.depth; k += kWord) {
      for (std::uint64_t bits = foreground[k / kWord]; bits != 0; bits &= bits - 1) {
        multiply_add(k + std::countr_zero(bits));
      }
    }
  } else {
    for (Index k = 0; k < panel.depth; ++k) multiply_add(k);
  }
#pragma GCC unroll 24
  for (int i = 0; i < R * P; ++i) {
    real* entries = c + i / P * c_stride + i % P * kLanes;
    simd::store_any(entries, add ? simd::add(simd::load_any(entries), sum[i]) : sum[i]);
  }
}

// `block` of C = or += `rows`, which are `stride` numbers apart.
void copy_rows(const real* rows, Index stride, const Result& c, const Block& block) {
  // As many whole squares as there are, if they must be transposed; one by one what remains.
  const bool transpose = c.row_stride == 1;
  const Index high = transpose ? block.rows / kLanes * kLanes : 0, wide = transpose ? block.cols / kLanes * kLanes : 0;
  for (Index i = 0; i < high; i += kLanes) {
    for (Index j = 0; j < wide; j += kLanes) {
      const auto square = transposed([&](int l) { return rows + (i + l) * stride + j; });
      const auto to = [&](int l) { return c.at(block.row + i, block.col + j + l); };
      if (c.add) {  // (Asked in every turn of one loop, g++ 14.2 vectorizes that and forgets to add.)
        for (int l = 0; l < kLanes; ++l) {
          simd::store_any(to(l), simd::add(simd::load_any(to(l)), square.packet[l]));
        }
      } else {
        for (int l = 0; l < kLanes; ++l) simd::store_any(to(l), square.packet[l]);
      }
    }
  }
  for (Index i = 0; i < block.rows; ++i) {
    for (Index j = i < high ? wide : 0; j < block.cols; ++j) {
      real& to = *c.at(block.row + i, block.col + j);
      to = c.add ? to + rows[i * stride + j] : rows[i * stride + j];
    }
  }
}

// `block` of C = or += its rows of A, from column k on, times the panel.
template <int P, bool kBackground>
void multiply_panel(const Factor& a, Index k, const Bits* foreground, const Panel& panel, const Result& c,
                    const Block& block) {
  alignas(64) real beside[kStrip * P * kLanes];
  const bool fits = c.col_stride == 1 && block.cols == P * kLanes;
  const Index stride = fits ? c.row_stride : P * kLanes;
  for (Index top = 0; top < block.rows; top += kStrip) {
    const Block strip{block.row + top, block.col, std::min(kStrip, block.rows - top), block.cols};
    real* to = fits ? c.at(strip.row, strip.col) : beside;
    for (Index i = 0; i < strip.rows;) {
      constexpr int R = kBackground ? kSparseRows : kRows;
      const bool whole = i + R <= strip.rows;
      const auto compute = whole ? compute_tile<R, P, kBackground> : compute_tile<1, P, kBackground>;
      compute(a, a.at(strip.row + i, k), foreground[(top + i) / R], panel, to + i * stride, stride, c.add && fits);
      i += whole ? R : 1;
    }
    if (!fits) copy_rows(beside, stride, c, strip);
  }
}

// The start of a row of tiles: what a row of nothing but background gives. (It is never -0, to which the zeros that are
// left out would make a difference.)
template <int P>
void set_start(real background, Panel& panel) {
  std::fill_n(panel.background, kLanes, background);
  Factor row(View(panel.background, 1, 1));
  row.row_stride = row.col_stride = 0;  // the same number for every k
  compute_tile<1, P, false>(row, row.data, {}, panel, panel.start, P * kLanes, false);
}

// The same for any number of packets, which must be known to compile a tile.
template <int P = kPackets>
void multiply_any_panel(const Factor& a, Index k, const Bits* foreground, Panel& panel, const Result& c,
                        const Block& block) {
  if (panel.packets == P) {
    if (a.background) set_start<P>(*a.background, panel);
    const auto multiply = a.background ? multiply_panel<P, true> : multiply_panel<P, false>;
    multiply(a, k, foreground, panel, c, block);
  } else if constexpr (P > 1) {
    multiply_any_panel<P - 1>(a, k, foreground, panel, c, block);
  }
}

void multiply_block(const Factor& a, const Factor& b, const Result& first, const Block& block) {
  Panel panel;  // on the stack, where a thread needs half a megabyte for it
  Bits foreground[kHeight / kSparseRows];
  for (Index i = 0; i < block.rows; i += kHeight) {
    const Index row = block.row + i, rows = std::min(kHeight, block.rows - i);
    Result c = first;
    for (Index k = 0; k < a.cols; k += kDepth) {
      const Index depth = std::min(kDepth, a.cols - k);
      if (a.background) find_foreground(a, {row, k, rows, depth}, foreground);
      for (Index j = 0; j < block.cols; j += kPackets * kLanes) {
        const Index col = block.col + j, cols = std::min<Index>(kPackets * kLanes, block.cols - j);
        set_panel(b, {k, col, depth, cols}, rows, panel);
        multiply_any_panel(a, k, foreground, panel, c, {row, col, rows, cols});
      }
      c.add = true;
    }
  }
}

bool overlap(const Factor& f, const MatrixMap& c) {
  return std::less<>()(f.data, c.data() + c.size()) && std::less<>()(c.data(), f.data + f.rows * f.cols);
}

}  // namespace

Factor Factor::transpose() const {
  Factor t = *this;
  std::swap(t.rows, t.cols);
  std::swap(t.row_stride, t.col_stride);
  return t;
}

void write(Target target, Workers& workers, const Product& product) {
  const MatrixMap& c = target.to;
  const Shape a_shape{product.a.rows, product.a.cols}, b_shape{product.b.rows, product.b.cols};
  if (product.a.cols != product.b.rows || product.a.rows != c.rows() || product.b.cols != c.cols()) {
    throw Error("{}: expected factors whose product is {}, found {} and {}", target.op, Shape{c.rows(), c.cols()},
                a_shape, b_shape);
  }
  if (overlap(product.a, c) || overlap(product.b, c)) {
    throw Error("{}: a product {} {} cannot be written over one of its factors", target.op, a_shape, b_shape);
  }
  if (product.a.cols == 0) {  // sums of nothing, whose factors have no numbers to point to
    if (!target.add) MatrixMap(c).setZero();
    return;
  }
  // Tiles leave out A's background only. If it is B that has one, C' = B' A'.
  const bool transpose = product.b.background && product.a.rows >= kWorthTransposing;
  Factor a = transpose ? product.b.transpose() : product.a;
  const Factor b = transpose ? product.a.transpose() : product.b;
  const Result to{target.to.data(), transpose ? 1 : c.cols(), transpose ? c.cols() : 1, target.add};
  if (b.cols < kWorthLooking) a.background.reset();

  const double work = 2.0 * static_cast<double>(c.size() * a.cols);
  // By columns each thread copies only its part of B, by rows all of it; a batch of many rows does not mind.
  if (b.cols > a.rows) {
    workers.split(b.cols, kLanes, work, [&](Index begin, Index size) {
      multiply_block(a, b, to, {0, begin, a.rows, size});
    });
  } else {
    workers.split(a.rows, kRows, work, [&](Index begin, Index size) {
      multiply_block(a, b, to, {begin, 0, size, b.cols});
    });
  }
}

}  // namespace TARE_NAMESPACE
