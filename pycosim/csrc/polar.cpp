#include "polar.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "clones.hpp"

// Vectors for logarithms where it is known how far the C library's may be off.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__)
#include <immintrin.h>
#define PYCOSIM_POLAR_VECTORS 1
#endif

namespace pycosim::polar {
namespace {

constexpr std::size_t kBatch = 256;

double number(const std::uint32_t* words) {
    const auto high = static_cast<std::int32_t>(words[0] >> 5), low = static_cast<std::int32_t>(words[1] >> 6);
    return (static_cast<double>(high) * 0x1p26 + static_cast<double>(low)) * 0x1p-53;  // all exact
}

template <class X, class Y>
std::size_t within(std::size_t n, double* x, double* y, double* square, X&& first, Y&& second) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const double a = 2.0 * first(i) - 1.0, b = 2.0 * second(i) - 1.0;
        const double r2 = a * a + b * b;
        x[found] = a;
        y[found] = b;
        square[found] = r2;
        found += (r2 < 1.0) & (r2 != 0.0);
    }
    return found;
}

std::size_t within_plainly(const std::uint32_t* words, std::size_t n, double* x, double* y, double* square) {
    return within(n, x, y, square, [=](std::size_t i) { return number(words + 4 * i); },
                  [=](std::size_t i) { return number(words + 4 * i + 2); });
}

void logarithms_plainly(const double* numbers, std::size_t n, double* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] = std::log(numbers[i]);
}

PYCOSIM_SIMD_CLONES
void scaled(const double* x, const double* y, const double* square, const double* logarithm, std::size_t n, double mu,
            double sigma, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double factor = __builtin_sqrt(-2.0 * logarithm[i] / square[i]);
        out[2 * i] = mu + sigma * (factor * y[i]);
        out[2 * i + 1] = mu + sigma * (factor * x[i]);
    }
}

using Within = std::size_t(const std::uint32_t*, std::size_t, double*, double*, double*);
using Logarithms = void(const double*, std::size_t, double*);

#ifdef PYCOSIM_POLAR_VECTORS
#define PYCOSIM_AVX512 __attribute__((target("avx512f,avx512dq,popcnt")))

constexpr std::size_t kLanes = 8;
typedef std::uint64_t Wide8 __attribute__((vector_size(64)));

PYCOSIM_AVX512 std::size_t within_avx512(const std::uint32_t* words, std::size_t n, double* x, double* y, double* square) {
    const __m512i evens = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), odds = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    const __m512d one = _mm512_set1_pd(1.0), unit = _mm512_set1_pd(0x1p-52);
    // 53 bits k become 2 k 2^-53 - 1: all exact
    const auto side = [&](__m512i pairs) __attribute__((target("avx512f,avx512dq,popcnt"), always_inline)) {
        const auto both = reinterpret_cast<Wide8>(pairs);
        const Wide8 bits = ((both & 0xffffffff) >> 5 << 26) + (both >> 38);
        return _mm512_fmsub_pd(_mm512_cvtepi64_pd(reinterpret_cast<__m512i>(bits)), unit, one);
    };
    std::size_t found = 0;
    for (std::size_t i = 0; i < n; i += kLanes) {
        const std::size_t n_here = std::min(kLanes, n - i);
        const unsigned numbers = (1U << 2 * n_here) - 1;
        const __m512i here = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(numbers), words + 4 * i);
        const __m512i behind = _mm512_maskz_loadu_epi64(static_cast<__mmask8>(numbers >> kLanes), words + 4 * i + 2 * kLanes);
        const __m512d a = side(_mm512_permutex2var_epi64(here, evens, behind));
        const __m512d b = side(_mm512_permutex2var_epi64(here, odds, behind));  // those that are not there: -1, -1
        const __m512d r2 = _mm512_add_pd(_mm512_mul_pd(a, a), _mm512_mul_pd(b, b));
        const __mmask8 is_within = _mm512_cmp_pd_mask(r2, one, _CMP_LT_OQ) & _mm512_cmp_pd_mask(r2, _mm512_setzero_pd(), _CMP_NEQ_OQ);
        _mm512_storeu_pd(x + found, _mm512_maskz_compress_pd(is_within, a));
        _mm512_storeu_pd(y + found, _mm512_maskz_compress_pd(is_within, b));
        _mm512_storeu_pd(square + found, _mm512_maskz_compress_pd(is_within, r2));
        found += static_cast<std::size_t>(__builtin_popcount(is_within));
    }
    return found;
}

// 1/c, and -log(1/c) in two parts, for numbers m from 1 + i/16 to 1 + (i + 1)/16. 1/c has so few bits that m/c - 1 is
// exact; the first part, and that of log 2, so few that their sums with whole multiples are.
alignas(64) constexpr std::array<double, 16> kInverse = {0.96875, 0.90625, 0.875,  0.8125,  0.78125, 0.75,   0.71875, 0.6875,
                                                         0.65625, 0.625,   0.59375, 0.59375, 0.5625,  0.53125, 0.53125, 0.5};
alignas(64) constexpr std::array<double, 16> kHigh = {
    0x1.0415d89e78000p-5, 0x1.9335e5d594000p-4, 0x1.1178e8227e000p-3, 0x1.a93ed3c8ae000p-3,
    0x1.f991c6cb3c000p-3, 0x1.269621134e000p-2, 0x1.522ae0738a000p-2, 0x1.7fafa3bd81000p-2,
    0x1.af5295248d000p-2, 0x1.e148a1a272000p-2, 0x1.0ae76e2d05800p-1, 0x1.0ae76e2d05800p-1,
    0x1.269621134d800p-1, 0x1.43d9ff2f92000p-1, 0x1.43d9ff2f92000p-1, 0x1.62e42fefa3800p-1};
alignas(64) constexpr std::array<double, 16> kLow = {
    -0x1.dddc7f461c516p-44, 0x1.3115c3abd47dap-45,  0x1.1ef78ce2d07f2p-45,  -0x1.8724350562169p-45,
    -0x1.90d04cd7cc834p-44, -0x1.1b61f10522625p-44, 0x1.ebe708164c759p-45,  0x1.46fb79bf6d4cbp-44,
    -0x1.17cc552774458p-45, 0x1.b36537e3375b2p-44,  -0x1.82de51de06076p-44, -0x1.82de51de06076p-44,
    0x1.c93c1df5bb3b6p-44,  0x1.e267b0b7efae1p-44,  0x1.e267b0b7efae1p-44,  0x1.ef35793c76730p-45};
constexpr double kLog2High = kHigh[15], kLog2Low = kLow[15];

// A logarithm in double-double arithmetic is off by less than 0.005 units in the last place. The C library's is off by
// 0.52 at most (glibc since 2.28; correctly rounded before): where no other number is as near as that, it is the
// nearest one. Returns which lanes are not so certain, and those above 1 - 1/128, where the result has fewer bits.
__attribute__((target("avx512f,avx512dq,popcnt"), always_inline)) inline __mmask8 logarithm(__m512d numbers, __m512d& out) {
    const auto piece = reinterpret_cast<__m512i>(reinterpret_cast<Wide8>(numbers) >> 48);  // its last four bits count
    const __m512d k = _mm512_maskz_getexp_pd(0xff, numbers), m = _mm512_maskz_getmant_pd(0xff, numbers, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
    const auto of_piece = [&](const std::array<double, 16>& table) __attribute__((target("avx512f,avx512dq,popcnt"), always_inline)) {
        return _mm512_permutex2var_pd(_mm512_load_pd(table.data()), piece, _mm512_load_pd(table.data() + kLanes));
    };
    const auto constant = [&](double value) __attribute__((target("avx512f,avx512dq,popcnt"), always_inline)) { return _mm512_set1_pd(value); };
    const __m512d r = _mm512_fmsub_pd(m, of_piece(kInverse), constant(1.0));
    const __m512d high = _mm512_fmadd_pd(k, constant(kLog2High), of_piece(kHigh));
    const __m512d low = _mm512_fmadd_pd(k, constant(kLog2Low), of_piece(kLow));
    // high + r - r r / 2, and what each of these operations leaves
    const __m512d q = _mm512_mul_pd(r, r), half = constant(0.5), first = _mm512_add_pd(high, r);
    const __m512d left_of_q = _mm512_fmsub_pd(r, r, q), left = _mm512_sub_pd(r, _mm512_sub_pd(first, high));
    const __m512d second = _mm512_fnmadd_pd(half, q, first);
    const __m512d left_of_second = _mm512_fnmadd_pd(half, q, _mm512_sub_pd(first, second));
    // (log(1 + r) - r + r r / 2) / r^3, by even and odd powers
    __m512d even = constant(1.0 / 11), odd = constant(-1.0 / 12);
    even = _mm512_fmadd_pd(even, q, constant(1.0 / 9));
    odd = _mm512_fmadd_pd(odd, q, constant(-1.0 / 10));
    even = _mm512_fmadd_pd(even, q, constant(1.0 / 7));
    odd = _mm512_fmadd_pd(odd, q, constant(-1.0 / 8));
    even = _mm512_fmadd_pd(even, q, constant(1.0 / 5));
    odd = _mm512_fmadd_pd(odd, q, constant(-1.0 / 6));
    even = _mm512_fmadd_pd(even, q, constant(1.0 / 3));
    odd = _mm512_fmadd_pd(odd, q, constant(-1.0 / 4));
    const __m512d series = _mm512_fmadd_pd(odd, r, even);
    const __m512d small = _mm512_add_pd(_mm512_add_pd(left, left_of_second), _mm512_fnmadd_pd(half, left_of_q, low));
    const __m512d rest = _mm512_fmadd_pd(_mm512_mul_pd(q, r), series, small);
    out = _mm512_add_pd(second, rest);
    const __m512d off = _mm512_sub_pd(rest, _mm512_sub_pd(out, second));
    const __m512d moved = _mm512_fmadd_pd(off, constant(0.5 / 0.474), out);
    return _mm512_cmp_pd_mask(moved, out, _CMP_NEQ_UQ) | _mm512_cmp_pd_mask(numbers, constant(1 - 1.0 / 128), _CMP_GT_OQ);
}

PYCOSIM_AVX512 void logarithms_avx512(const double* numbers, std::size_t n, double* out) {
    std::array<std::uint32_t, kBatch + 2 * kLanes> places;  // of the doubtful ones
    for (std::size_t first = 0; first < n; first += kBatch) {
        const std::size_t last = std::min(n, first + kBatch);
        std::size_t n_doubtful = 0;
        __m512i lanes = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)),
                                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0));
        for (std::size_t i = first; i < last; i += kLanes) {
            const auto here = static_cast<__mmask8>((1U << std::min(kLanes, last - i)) - 1);
            __m512d logarithms;
            const unsigned doubtful = logarithm(_mm512_mask_loadu_pd(_mm512_set1_pd(0.5), here, numbers + i), logarithms) & here;
            _mm512_mask_storeu_pd(out + i, here, logarithms);
            _mm512_storeu_si512(&places[n_doubtful], _mm512_maskz_compress_epi32(static_cast<__mmask16>(doubtful), lanes));
            n_doubtful += static_cast<std::size_t>(__builtin_popcount(doubtful));
            lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(kLanes));
        }
        for (std::size_t i = 0; i < n_doubtful; ++i) out[places[i]] = std::log(numbers[places[i]]);
    }
}

bool has_vectors() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("popcnt"); }
Within* best_within() { return has_vectors() ? within_avx512 : within_plainly; }
Logarithms* best_logarithms() { return has_vectors() ? logarithms_avx512 : logarithms_plainly; }
#else
Within* best_within() { return within_plainly; }
Logarithms* best_logarithms() { return logarithms_plainly; }
#endif

}  // namespace

std::size_t within_circle(const double* numbers, std::size_t n, double* x, double* y, double* square) {
    return within(n, x, y, square, [=](std::size_t i) { return numbers[2 * i]; },
                  [=](std::size_t i) { return numbers[2 * i + 1]; });
}

std::size_t within_circle(const std::uint32_t* words, std::size_t n, double* x, double* y, double* square) {
    static Within* const find = best_within();
    return find(words, n, x, y, square);
}

void logarithms(const double* numbers, std::size_t n, double* out) {
    static Logarithms* const make = best_logarithms();
    make(numbers, n, out);
}

void to_normals(const double* x, const double* y, const double* square, std::size_t n, double mu, double sigma,
                double* out) {
    std::array<double, kBatch> logarithm_of;
    for (std::size_t i = 0; i < n; i += kBatch) {
        const std::size_t n_here = std::min(kBatch, n - i);
        logarithms(square + i, n_here, logarithm_of.data());
        scaled(x + i, y + i, square + i, logarithm_of.data(), n_here, mu, sigma, out + 2 * i);
    }
}

}  // namespace pycosim::polar
