// Read before everything else: x86's SSE2, made of vectors that clang compiles to WebAssembly's SIMD, so that Eigen
// finds registers to use. SIMDe's own WebAssembly has one type for all registers, which Eigen tells apart.
#pragma once

#define SIMDE_ENABLE_NATIVE_ALIASES
#define SIMDE_WASM_SIMD128_NO_NATIVE
#include <simde/x86/sse2.h>

#define __SSE__ 1
#define __SSE2__ 1
