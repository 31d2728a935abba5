# Compiles for WebAssembly with Debian's clang:   cmake --preset playground, from this folder's parent.
# TARE_CLANG is the version whose clang, lld, libc++ and compiler-rt are used.
set(CMAKE_SYSTEM_NAME Generic)  # CMake knows no WASI
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TARE_CLANG)
set(CMAKE_CXX_COMPILER clang++-${TARE_CLANG})
set(CMAKE_CXX_COMPILER_TARGET wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # a program would need main()
set(CMAKE_CXX_FLAGS_INIT -Wno-deprecated)  # newer clangs would rather say wasm32-wasip1, which Debian does not
