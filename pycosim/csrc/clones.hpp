/// A function is compiled once for each instruction set, and the machine's best is chosen when the module is
/// loaded. Multiplication and addition are never fused, so that all copies give the same numbers.
#pragma once

// Thread sanitizer cannot run the resolver of that choice; musl has none.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__)
#define PYCOSIM_SEVERAL_INSTRUCTION_SETS
#define PYCOSIM_SIMD_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PYCOSIM_SIMD_CLONES
#endif
