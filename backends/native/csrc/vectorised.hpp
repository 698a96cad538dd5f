// What lets the compiler turn a plain loop over neurons into vector instructions, with the same result on all.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "../../../pycosim/csrc/exponential.hpp"

#if defined(__GNUC__)
#define PYCOSIM_ALWAYS_INLINE [[gnu::always_inline]] inline
#define PYCOSIM_LAMBDA_INLINE __attribute__((always_inline))
#else
#define PYCOSIM_ALWAYS_INLINE inline
#define PYCOSIM_LAMBDA_INLINE
#endif

// The iterations of the loop that follows do not depend on each other: its arrays do not overlap.
#if defined(__clang__)
#define PYCOSIM_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
// It is said, not demanded: clang warns of loops that it leaves as they are.
#pragma clang diagnostic ignored "-Wpass-failed"
#elif defined(__GNUC__)
#define PYCOSIM_INDEPENDENT _Pragma("GCC ivdep")
#else
#define PYCOSIM_INDEPENDENT
#endif

// A function is compiled once for each instruction set, and the machine's best is chosen when the module is loaded.
// Thread sanitizer cannot run the resolver of that choice, and musl has none; with the other checks, one copy
// compiles in a third of the time.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define PYCOSIM_HAS_INSTRUCTION_SETS
#define PYCOSIM_EVERY_INSTRUCTION_SET __attribute__((target_clones("default", "avx2", "avx512f")))
// Of a function of which there is another one for some set.
#define PYCOSIM_BASE_INSTRUCTION_SET __attribute__((target("default")))
#else
#define PYCOSIM_EVERY_INSTRUCTION_SET
#define PYCOSIM_BASE_INSTRUCTION_SET
#endif

namespace pycosim::native {

// a b + c, rounded once: an instruction of processors with AVX2 or AVX-512 and of 64-bit ARM, elsewhere a call that takes
// several nanoseconds, with the same result.
PYCOSIM_ALWAYS_INLINE double fused(double a, double b, double c) { return std::fma(a, b, c); }

// Defines a function of the signature `result name(parameters)` with fused() in it; `arguments` are the names of the
// parameters. The copy for the machine is chosen by hand: compilers that choose have no set with fused operations without
// AVX-512 (GCC 11), or do not choose everywhere (above).
#if defined(__x86_64__) && defined(__GNUC__)
inline const bool has_fused_instructions = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");

#define PYCOSIM_FUSED_FUNCTION(result, name, parameters, arguments, ...)                         \
    PYCOSIM_AVX512_COPY(result, name##_avx512, parameters, __VA_ARGS__)                          \
    __attribute__((target("avx2,fma"))) result name##_avx2 parameters { return __VA_ARGS__; }    \
    result name##_plain parameters { return __VA_ARGS__; }                                       \
    result name parameters {                                                                     \
        PYCOSIM_CHOOSE_AVX512_COPY(name##_avx512, arguments)                                     \
        return has_fused_instructions ? name##_avx2 arguments : name##_plain arguments;          \
    }
#else
#define PYCOSIM_FUSED_FUNCTION(result, name, parameters, arguments, ...) \
    result name parameters { return __VA_ARGS__; }
#endif

#if defined(PYCOSIM_HAS_INSTRUCTION_SETS)
inline const bool has_avx512 = __builtin_cpu_supports("avx512f");

#define PYCOSIM_AVX512_COPY(result, name, parameters, ...) \
    __attribute__((target("avx512f"))) result name parameters { return __VA_ARGS__; }
#define PYCOSIM_CHOOSE_AVX512_COPY(name, arguments) \
    if (has_avx512) return name arguments;
#else
#define PYCOSIM_AVX512_COPY(result, name, parameters, ...)
#define PYCOSIM_CHOOSE_AVX512_COPY(name, arguments)
#endif

// e^x as in pycosim/csrc/exponential.hpp.
PYCOSIM_ALWAYS_INLINE double exponential(double x) { return pycosim::Exponential::of(x); }

// The same where each waits for its result: the polynomial as a tree, with other last bits and an error of at most 1.06
// units (measured as above).
PYCOSIM_ALWAYS_INLINE double parallel_exponential(double x) {
    constexpr double log2_e = 0x1.71547652b82fep+0;
    constexpr double ln2_high = 0x1.62e42feep-1;
    constexpr double ln2_low = 0x1.a39ef35793c76p-33;
    constexpr double round_to_integer = 0x1.8p+52;
    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    const double shifted = x * log2_e + round_to_integer;
    const double n = shifted - round_to_integer;
    const double r = (x - n * ln2_high) - n * ln2_low;
    const double r2 = r * r, r4 = r2 * r2;
    const double low = (0x1.0000000000001p-1 + r * 0x1.5555555555556p-3) +
                       r2 * (0x1.5555555553d63p-5 + r * 0x1.11111111109b3p-7);
    const double middle = (0x1.6c16c1788bd90p-10 + r * 0x1.a01a01a7c41d5p-13) +
                          r2 * (0x1.a019b90d2ae7ap-16 + r * 0x1.71de0dae63bb3p-19);
    const double high = 0x1.289185613a3d6p-22 + r * 0x1.af38a9b0ec855p-26;
    const double power = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)));
    return std::bit_cast<double>(std::bit_cast<std::uint64_t>(power) +
                                 (std::bit_cast<std::uint64_t>(shifted) << 52));
}

}  // namespace pycosim::native
