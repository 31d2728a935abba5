// Whether a test is compiled for the address or the thread sanitizer: g++ says so in macros, clang as features.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TARE_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TARE_SANITIZED
#endif
