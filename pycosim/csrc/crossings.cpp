#include "crossings.hpp"

#include <algorithm>
#include <cmath>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

using FindCrossings = void(std::span<const Piece>, std::span<Unit>, const double*, Crossing*);

void find_in_unit(std::span<const Piece> pieces, Unit& unit, const double* numbers, Crossing* found) {
    std::size_t piece = unit.first_piece;
    double next = pieces[piece].begin;
    for (std::size_t k = unit.first_number; k < unit.end_of_numbers; ++k) {
        double left = numbers[k];
        for (double sum; !(left < (sum = (pieces[piece].end - next) * pieces[piece].hazard));) {
            left -= sum;
            if (++piece == unit.end_of_pieces) {
                unit.n_found = static_cast<std::int64_t>(k - unit.first_number);
                return;
            }
            next = pieces[piece].begin;
        }
        next = std::min(next + std::trunc(left / pieces[piece].hazard), pieces[piece].end - 1);
        found[k] = {static_cast<std::int32_t>(next), static_cast<std::int32_t>(piece)};
        ++next;
    }
    unit.n_found = -1;
}

void find_one_by_one(std::span<const Piece> pieces, std::span<Unit> units, const double* numbers, Crossing* found) {
    for (Unit& unit : units) {
        unit.n_found = 0;
        if (numbers[unit.first_number] < unit.hazard) find_in_unit(pieces, unit, numbers, found);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#define PYCOSIM_AVX512_INLINE __attribute__((target("avx512f"), always_inline))

/// Eight units side by side, of which each is at a candidate or at the end of a piece: which of these is hardly ever
/// predicted. A unit that is done makes room for the next one.
struct EightUnits {
    static constexpr int kLanes = 8;

    std::span<const Piece> pieces;
    std::span<Unit> units;
    const double* numbers;
    std::size_t n_begun = 0;
    std::size_t which[kLanes];
    unsigned live = 0;
    __m512d left, next, end, hazard;
    __m512i piece, end_of_pieces, number, end_of_numbers;

    /// Puts the next units that have a candidate into these lanes, or none.
    PYCOSIM_AVX512_INLINE void begin(unsigned lanes) {
        live &= ~lanes;
        for (; lanes; lanes &= lanes - 1) {
            while (n_begun < units.size() && !(numbers[units[n_begun].first_number] < units[n_begun].hazard)) units[n_begun++].n_found = 0;
            if (n_begun == units.size()) return;
            const int lane = __builtin_ctz(lanes);
            const auto mask = static_cast<__mmask8>(1u << lane);
            const auto put = [&](__m512i& values, std::size_t value) PYCOSIM_AVX512_INLINE {
                values = _mm512_mask_set1_epi64(values, mask, static_cast<long long>(value));
            };
            const Unit& unit = units[n_begun];
            put(piece, unit.first_piece), put(end_of_pieces, unit.end_of_pieces);
            put(number, unit.first_number), put(end_of_numbers, unit.end_of_numbers);
            left = _mm512_mask_mov_pd(left, mask, _mm512_set1_pd(numbers[unit.first_number]));
            which[lane] = n_begun++;
            live |= mask;
        }
    }

    /// Notes how many candidates the units of these lanes have.
    PYCOSIM_AVX512_INLINE void note(unsigned lanes, bool is_short) {
        for (; lanes; lanes &= lanes - 1) {
            const int lane = __builtin_ctz(lanes);
            Unit& unit = units[which[lane]];
            unit.n_found = is_short ? -1 : static_cast<std::int64_t>(number[lane]) - static_cast<std::int64_t>(unit.first_number);
        }
    }

    /// Goes to the beginning of these lanes' pieces.
    PYCOSIM_AVX512_INLINE void enter(unsigned lanes) {
        const auto mask = static_cast<__mmask8>(lanes);
        const __m512i places = _mm512_maskz_slli_epi64(0xff, piece, 2);  // a piece has four numbers
        const double* const first = &pieces[0].begin;
        next = _mm512_mask_i64gather_pd(next, mask, places, first, 8);
        end = _mm512_mask_i64gather_pd(end, mask, places, first + 1, 8);
        hazard = _mm512_mask_i64gather_pd(hazard, mask, places, first + 2, 8);
    }
};

__attribute__((target("avx512f"))) void find_side_by_side(std::span<const Piece> pieces, std::span<Unit> units,
                                                          const double* numbers, Crossing* found) {
    static_assert(sizeof(Piece) == 4 * sizeof(double) && sizeof(Crossing) == sizeof(long long));
    const __m512d zero = _mm512_setzero_pd();
    const __m512i none = _mm512_setzero_si512(), one = _mm512_set1_epi64(1);
    EightUnits at{pieces, units, numbers, 0, {}, 0, zero, zero, zero, zero, none, none, none, none};
    at.begin(0xff);
    at.enter(at.live);
    while (at.live) {
        // "maskz" and "mask": GCC 12 warns of its own header otherwise
        const __m512d sum = (at.end - at.next) * at.hazard;
        const auto is_candidate = static_cast<__mmask8>(at.live & _mm512_cmp_pd_mask(at.left, sum, _CMP_LT_OQ));
        const auto is_end = static_cast<__mmask8>(at.live & ~is_candidate);
        const __m512d quotient = _mm512_maskz_div_pd(is_candidate, at.left, at.hazard);
        const __m512d steps = _mm512_maskz_roundscale_pd(is_candidate, quotient, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
        const __m512d cell = _mm512_maskz_min_pd(0xff, at.next + steps, at.end - 1.0);
        const __m512i cells = _mm512_maskz_cvtepi32_epi64(0xff, _mm512_maskz_cvttpd_epi32(is_candidate, cell));
        const __m512i crossings = cells | _mm512_maskz_slli_epi64(0xff, at.piece, 32);
        _mm512_mask_i64scatter_epi64(found, is_candidate, at.number, crossings, sizeof(Crossing));
        at.next = _mm512_mask_add_pd(at.next, is_candidate, cell, _mm512_set1_pd(1.0));
        at.number = _mm512_mask_add_epi64(at.number, is_candidate, at.number, one);
        const auto is_short = static_cast<__mmask8>(is_candidate & _mm512_cmpeq_epi64_mask(at.number, at.end_of_numbers));
        at.left = _mm512_mask_sub_pd(at.left, is_end, at.left, sum);
        const auto goes_on = static_cast<__mmask8>(is_candidate & ~is_short);
        at.left = _mm512_mask_i64gather_pd(at.left, goes_on, at.number, numbers, 8);
        at.piece = _mm512_mask_add_epi64(at.piece, is_end, at.piece, one);
        const unsigned is_done = is_end & _mm512_cmpeq_epi64_mask(at.piece, at.end_of_pieces);
        unsigned entering = is_end;
        if (is_done | is_short) {
            at.note(is_done, false), at.note(is_short, true);
            at.begin(is_done | is_short);
            entering = (is_end | is_short) & at.live;
        }
        at.enter(entering);
    }
    for (; at.n_begun < units.size(); ++at.n_begun) units[at.n_begun].n_found = 0;
}

FindCrossings* best() { return __builtin_cpu_supports("avx512f") ? find_side_by_side : find_one_by_one; }
#else
FindCrossings* best() { return find_one_by_one; }
#endif

}  // namespace

void find_crossings(std::span<const Piece> pieces, std::span<Unit> units, const double* numbers, Crossing* found) {
    static FindCrossings* const find = best();
    find(pieces, units, numbers, found);
}

}  // namespace pycosim
