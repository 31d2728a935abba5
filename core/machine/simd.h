// Registers full of numbers: what a processor does to several numbers at once. The names are ours and what they do is
// Eigen's, from its part that promises nothing to the outside; so another Eigen, or another library of vectors, is a
// change in this file only.
#pragma once

#include <tare/core/machine/matrix.h>

// g++ warns that a packet as a template argument loses its attributes, but this is how PacketBlock is meant to be used.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"

namespace TARE_NAMESPACE::simd {

using Packet = Eigen::internal::packet_traits<real>::type;
/// How many numbers a register holds, and how many registers there are.
constexpr int kLanes = Eigen::internal::packet_traits<real>::size;
constexpr int kRegisters = EIGEN_ARCH_DEFAULT_NUMBER_OF_REGISTERS;

/// kLanes numbers from an address that is a multiple of their size, or from any.
inline Packet load(const real* from) { return Eigen::internal::pload<Packet>(from); }
inline Packet load_any(const real* from) { return Eigen::internal::ploadu<Packet>(from); }
inline void store(real* to, const Packet& x) { Eigen::internal::pstore(to, x); }
inline void store_any(real* to, const Packet& x) { Eigen::internal::pstoreu(to, x); }

inline Packet filled_with(real x) { return Eigen::internal::pset1<Packet>(x); }
inline Packet add(const Packet& x, const Packet& y) { return Eigen::internal::padd(x, y); }
inline Packet subtract(const Packet& x, const Packet& y) { return Eigen::internal::psub(x, y); }
/// x y + z, rounded once where the processor can.
inline Packet multiply_add(const Packet& x, const Packet& y, const Packet& z) {
  return Eigen::internal::pmadd(x, y, z);
}

/// Asks for what is at an address before it is needed.
inline void prefetch(const real* address) { Eigen::internal::prefetch(address); }

/// kLanes registers, transposed in place as the rows of a square.
using Square = Eigen::internal::PacketBlock<Packet, kLanes>;
inline void transpose(Square& rows) { Eigen::internal::ptranspose(rows); }

}  // namespace TARE_NAMESPACE::simd

#pragma GCC diagnostic pop
