#include "core/product.h"

#include <algorithm>

// C is computed in tiles, whose entries stay in registers while k runs over all of A's columns and B's rows:
//
//                                             +---------+      for each k: every entry of a column of A (8 of them)
//                                           k | panel   |      times every register of the panel's row (3 of them)
//                   k                         |  of B   |      added to the tile's registers (8 x 3)
//             +-----------+                   +---------+
//      8 rows |    A      |           8 rows  | tile    |      24 multiply-adds for 11 loads, so the loads can keep up
//             +-----------+                   +---------+
//
// All tiles in the same columns of C read the same panel. It is a copy in the order in which it is read, and a transposed
// B is turned over on the way. A is read where it is.

namespace TARE_NAMESPACE {
namespace {

// g++ warns that a packet as a template argument loses its attributes, but this is how PacketBlock is meant to be used.
#pragma GCC diagnostic ignored "-Wignored-attributes"

// Eigen's names for what a processor does to a register full of numbers, a packet, at once.
namespace simd = Eigen::internal;
using Packet = simd::packet_traits<real>::type;
constexpr int kLanes = simd::packet_traits<real>::size;

// Tile, row of the panel and entry of A must fit the registers, of which processors have 16 or 32.
constexpr int kRows = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS >= 32 ? 8 : 4;
constexpr int kPackets = 3;
constexpr Index kDepth = 1024;  // of a panel: 200 kB, which the second cache holds beside some of A

// Part of a matrix.
struct Block {
  Index row, col, rows, cols;
};

// Copies `block` of B, each row as so many whole packets. Lanes beyond the block repeat its last column, and are dropped later.
void copy_panel(const Factor& b, const Block& block, int packets, real* panel) {
  const Index stride = packets * kLanes;
  for (Index j = 0; j < stride; j += kLanes) {
    const auto at = [&](Index k, Index l) { return b.at(block.row + k, block.col + std::min(j + l, block.cols - 1)); };
    Index k = 0;
    if (b.row_stride == 1) {
      for (; k + kLanes <= block.rows; k += kLanes) {
        simd::PacketBlock<Packet, kLanes> square;
        for (int l = 0; l < kLanes; ++l) square.packet[l] = simd::ploadu<Packet>(at(k, l));
        simd::ptranspose(square);
        for (int l = 0; l < kLanes; ++l) simd::pstore(panel + (k + l) * stride + j, square.packet[l]);
      }
    } else if (j + kLanes <= block.cols) {
      for (; k < block.rows; ++k) simd::pstore(panel + k * stride + j, simd::ploadu<Packet>(at(k, 0)));
    }
    for (; k < block.rows; ++k) {
      for (int l = 0; l < kLanes; ++l) panel[k * stride + j + l] = *at(k, l);
    }
  }
}

// The tile of C at `c`, of R rows and P packets or, with less in the last, `cols` columns, = or += rows of A times the panel.
template <int R, int P>
void compute_tile(const Factor& a, const real* a_rows, const real* panel, Index depth, real* c, Index c_stride,
                  Index cols, bool add) {
  Packet sum[R * P];
  // (Loops over registers are unrolled early; if not, the compiler would leave the sums in memory.)
#pragma GCC unroll 24
  for (int i = 0; i < R * P; ++i) {
    sum[i] = simd::pset1<Packet>(0);
    simd::prefetch(c + i / P * c_stride + i % P * kLanes);
  }
  for (Index k = 0; k < depth; ++k) {
#pragma GCC unroll 24
    for (int i = 0; i < R * P; ++i) {
      const Packet a_ik = simd::pset1<Packet>(a_rows[i / P * a.row_stride + k * a.col_stride]);
      sum[i] = simd::pmadd(a_ik, simd::pload<Packet>(panel + (k * P + i % P) * kLanes), sum[i]);
    }
  }
  // Columns that C does not have are computed beside it.
  const bool whole = cols == P * kLanes;
  alignas(64) real beside[R * P * kLanes];
  real* to = whole ? c : beside;
  const Index stride = whole ? c_stride : P * kLanes;
#pragma GCC unroll 24
  for (int i = 0; i < R * P; ++i) {
    real* entries = to + i / P * stride + i % P * kLanes;
    simd::pstoreu(entries, add && whole ? simd::padd(simd::ploadu<Packet>(entries), sum[i]) : sum[i]);
  }
  if (whole) return;
  for (int r = 0; r < R; ++r) {
    for (Index j = 0; j < cols; ++j) {
      const real s = beside[r * stride + j];
      c[r * c_stride + j] = add ? c[r * c_stride + j] + s : s;
    }
  }
}

template <int P>
void multiply_panel(const Factor& a, Index k0, const real* panel, Index depth, MatrixMap& c, const Block& block,
                    bool add) {
  const auto tile = [&](auto compute, Index i) {
    compute(a, a.at(i, k0), panel, depth, &c(i, block.col), c.cols(), block.cols, add);
  };
  const Index high = block.rows / kRows * kRows;
  for (Index i = 0; i < high; i += kRows) tile(compute_tile<kRows, P>, block.row + i);
  for (Index i = high; i < block.rows; ++i) tile(compute_tile<1, P>, block.row + i);
}

void multiply_block(const Factor& a, const Factor& b, MatrixMap& c, const Block& block, bool add) {
  alignas(64) real panel[kDepth * kPackets * kLanes];
  Index k = 0;
  do {
    const Index depth = std::min(kDepth, a.cols - k);
    for (Index j = 0; j < block.cols; j += kPackets * kLanes) {
      const Block columns{block.row, block.col + j, block.rows, std::min<Index>(kPackets * kLanes, block.cols - j)};
      const int packets = static_cast<int>((columns.cols + kLanes - 1) / kLanes);
      copy_panel(b, {k, columns.col, depth, columns.cols}, packets, panel);
      if (packets == 1) multiply_panel<1>(a, k, panel, depth, c, columns, add || k > 0);
      if (packets == 2) multiply_panel<2>(a, k, panel, depth, c, columns, add || k > 0);
      if (packets == 3) multiply_panel<3>(a, k, panel, depth, c, columns, add || k > 0);
    }
    k += depth;
  } while (k < a.cols);
}

}  // namespace

void multiply(const Factor& a, const Factor& b, MatrixMap c, bool add, Workers& workers) {
  const double work = 2.0 * static_cast<double>(c.size() * a.cols);
  // By columns each thread turns over only its part of B, by rows all of it; a batch of many rows does not mind.
  if (c.cols() > c.rows()) {
    workers.split(c.cols(), kLanes, work, [&](Index begin, Index size) {
      multiply_block(a, b, c, {0, begin, c.rows(), size}, add);
    });
  } else {
    workers.split(c.rows(), kRows, work, [&](Index begin, Index size) {
      multiply_block(a, b, c, {begin, 0, size, c.cols()}, add);
    });
  }
}

}  // namespace TARE_NAMESPACE
