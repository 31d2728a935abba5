// Counts what a test program takes from the heap. Every allocation ends in one of the C library's functions, Eigen's
// too, so this replaces them: to be included by one file of a program that wants nothing else of them.
#pragma once

#include "tests/core/sanitizers.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace tare::testing {
inline std::atomic<long> allocations{0};
inline std::atomic<std::size_t> largest_allocation{0};

inline void note_allocation(std::size_t size) {
  ++allocations;
  std::size_t largest = largest_allocation;
  while (size > largest && !largest_allocation.compare_exchange_weak(largest, size)) {
  }
}
}  // namespace tare::testing

#ifdef TARE_SANITIZED
// The sanitizers have replaced them already, and call this.
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t size) {
  tare::testing::note_allocation(size);
}
#else
// glibc's own, under the names that remain when the usual ones are replaced.
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier, misc-definitions-in-headers)
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) {
  tare::testing::note_allocation(size);
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  tare::testing::note_allocation(count * size);
  return __libc_calloc(count, size);
}
void* realloc(void* p, std::size_t size) {
  tare::testing::note_allocation(size);
  return __libc_realloc(p, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  tare::testing::note_allocation(size);
  return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
int posix_memalign(void** p, std::size_t alignment, std::size_t size) {
  *p = memalign(alignment, size);
  return *p == nullptr ? ENOMEM : 0;
}
// NOLINTEND(bugprone-reserved-identifier, misc-definitions-in-headers)
}
#endif
