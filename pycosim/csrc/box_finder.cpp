#include "box_finder.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace {

// From this probability on a number for each pair is cheaper than gaps between candidates.
constexpr double kDense = 0.25;
// So many candidates more are cheaper than to look at the two parts of a box.
constexpr double kInVain = 1.5;
// Boxes above sections in which fewer candidates are expected have counters of their own.
constexpr double kFew = 0.02;

// So many boxes, or sources, are looked at side by side.
constexpr std::size_t kLanes = 8;

bool is_leaf(const PlaceNode& node, std::int32_t number) { return node.after == number + 1; }

}  // namespace

BoxFinder::BoxFinder(const PlaceTree& tree, const BoundTable& table, std::vector<std::uint8_t> wanted,
                     std::size_t n_together)
    : tree_(tree),
      table_(table),
      falls_(std::is_sorted(table.most.rbegin(), table.most.rend())),
      wanted_(std::move(wanted)),
      dense_(n_together * n_nodes()),
      sparse_(dense_.size()) {
    if (falls_) return;
    const auto most = table.most;
    largest_.emplace_back(most.size());
    for (std::size_t e = 0; e < most.size(); ++e) largest_[0][e] = static_cast<std::int32_t>(e);
    for (std::size_t width = 2; width <= most.size(); width *= 2) {
        const auto& half = largest_.back();
        std::vector<std::int32_t> whole(most.size() - width + 1);
        for (std::size_t e = 0; e < whole.size(); ++e) {
            const std::int32_t a = half[e], b = half[e + width / 2];
            whole[e] = most[static_cast<std::size_t>(a)] >= most[static_cast<std::size_t>(b)] ? a : b;
        }
        largest_.push_back(std::move(whole));
    }
}

/// Returns the entry with the largest bound of those from `first` to `last`, both included.
std::size_t BoxFinder::largest(std::size_t first, std::size_t last) const {
    if (falls_) return first;
    const auto power = static_cast<std::size_t>(std::bit_width(last - first + 1) - 1);
    const auto a = static_cast<std::size_t>(largest_[power][first]);
    const auto b = static_cast<std::size_t>(largest_[power][last + 1 - (std::size_t{1} << power)]);
    return table_.most[a] >= table_.most[b] ? a : b;
}

bool BoxFinder::is_whole(const PlaceNode& node, std::int32_t number, double most, const SquareLimits& limits) const {
    if (node.section < 0) return most * node.size() <= kFew;
    if (is_leaf(node, number)) return true;
    const double typical = table_.most[static_cast<std::size_t>(table_.entry((limits.least + limits.largest) / 2))];
    return most >= kDense ? typical >= kDense : (most - typical) * node.size() <= kInVain;
}

#if defined(__x86_64__) && defined(__GNUC__)
#define PYCOSIM_AVX512 __attribute__((target("avx512f")))
#define PYCOSIM_AVX512_INLINE __attribute__((target("avx512f"), always_inline))

namespace {

bool is_fast() { return __builtin_cpu_supports("avx512f"); }

// "maskz" and "mask" below: GCC 12 warns of its own header otherwise
PYCOSIM_AVX512_INLINE inline __m512d smaller(__m512d a, __m512d b) { return _mm512_maskz_min_pd(0xff, a, b); }
PYCOSIM_AVX512_INLINE inline __m512d larger(__m512d a, __m512d b) { return _mm512_maskz_max_pd(0xff, a, b); }
PYCOSIM_AVX512_INLINE inline __m512d around(__m512d size, __m512d period) {
    const __m512d least = smaller(size, period - size);
    return larger(least, -least);
}

/// As square_limits, of 8 points, or of 8 boxes.
template <std::size_t n_axes, bool is_periodic>
PYCOSIM_AVX512_INLINE inline void limits_of_8(const __m512d (&at)[n_axes], const __m512d (&low)[n_axes],
                                              const __m512d (&high)[n_axes], const std::array<double, 3>& periods,
                                              __m512d& least, __m512d& largest) {
    const __m512d zero = _mm512_setzero_pd();
    least = largest = zero;
    for (std::size_t axis = 0; axis < n_axes; ++axis) {
        const __m512d from_low = at[axis] - low[axis], from_high = at[axis] - high[axis];
        __m512d near = larger(larger(-from_low, from_high), zero), far = larger(from_low, -from_high);
        if constexpr (is_periodic) {
            const __m512d period = _mm512_set1_pd(periods[axis]), half = _mm512_set1_pd(periods[axis] / 2);
            const __m512d first = around(near, period), last = around(far, period);
            const auto between = [&](const __m512d& at) PYCOSIM_AVX512_INLINE {
                return static_cast<__mmask8>(_mm512_cmp_pd_mask(near, at, _CMP_LE_OQ) & _mm512_cmp_pd_mask(at, far, _CMP_LE_OQ));
            };
            const __mmask8 has_half = between(half), has_whole = between(period);
            near = _mm512_mask_mov_pd(smaller(first, last), has_whole, zero);
            far = larger(_mm512_mask_mov_pd(first, has_half, half), larger(first, last));
        }
        least += near * near;
        largest += far * far;
    }
}

PYCOSIM_AVX512_INLINE inline __m256i entries_of(__m512d squares, const BoundTable& table) {
    const __m512i upper = _mm512_maskz_srli_epi64(0xff, _mm512_castpd_si512(squares), kBoundShift);
    const __m256i from_base = _mm256_sub_epi32(_mm512_maskz_cvtepi64_epi32(0xff, upper), _mm256_set1_epi32(table.base));
    return _mm256_min_epi32(_mm256_max_epi32(from_base, _mm256_setzero_si256()), _mm256_set1_epi32(table.last()));
}

PYCOSIM_AVX512_INLINE inline __m512d bounds_at(__m256i entries, const BoundTable& table) {
    return _mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, entries, table.most.data(), 8);
}

PYCOSIM_AVX512_INLINE inline unsigned at_least(__m512d values, double limit) {
    return _mm512_cmp_pd_mask(values, _mm512_set1_pd(limit), _CMP_GE_OQ);
}

PYCOSIM_AVX512_INLINE inline unsigned at_most(__m512d values, double limit) {
    return _mm512_cmp_pd_mask(values, _mm512_set1_pd(limit), _CMP_LE_OQ);
}

/// A list of boxes for each of 8 sources.
struct Lists {
    Box* first;
    __m512i ends;

    PYCOSIM_AVX512_INLINE void add(unsigned which, const __m512i& boxes) {
        const auto mask = static_cast<__mmask8>(which);
        _mm512_mask_i64scatter_epi64(first, mask, ends, boxes, sizeof(Box));
        ends = _mm512_mask_add_epi64(ends, mask, ends, _mm512_set1_epi64(1));
    }
};

}  // namespace

template <std::size_t n_axes, bool is_periodic>
PYCOSIM_AVX512 void BoxFinder::find_side_by_side(const PlaceColumns& places, std::span<const std::int32_t> which) {
    static_assert(kSources == kLanes && sizeof(Box) == 8);
    __m512d at[n_axes];
    for (std::size_t axis = 0; axis < n_axes; ++axis)
        for (std::size_t k = 0; k < kSources; ++k)
            at[axis][k] = places.pre[axis][static_cast<std::size_t>(which[std::min(k, which.size() - 1)])];
    const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7) * static_cast<long long>(n_nodes());
    Lists dense{dense_.data(), lanes}, sparse{sparse_.data(), lanes};
    // a source does not look at nodes before this one
    constexpr int never = std::numeric_limits<int>::max();
    const auto all = static_cast<__mmask16>((1u << which.size()) - 1);
    __m512i from = _mm512_mask_mov_epi32(_mm512_set1_epi32(never), all, _mm512_setzero_si512());
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(n_nodes());) {
        const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(i)];
        const bool is_above = node.section < 0;
        if ((is_above || node.section == i) && !wanted_[static_cast<std::size_t>(i)]) {
            i = node.after;
            continue;
        }
        __m512d low[n_axes], high[n_axes], least, largest;
        for (std::size_t axis = 0; axis < n_axes; ++axis)
            low[axis] = _mm512_set1_pd(node.low[axis]), high[axis] = _mm512_set1_pd(node.high[axis]);
        limits_of_8<n_axes, is_periodic>(at, low, high, places.period, least, largest);
        const __m256i entries = entries_of(least, table_);
        const __m512d most = bounds_at(entries, table_);
        const unsigned looking = _mm512_cmple_epi32_mask(from, _mm512_set1_epi32(i));
        const unsigned zero = at_most(most, 0.0), are_dense = at_least(most, kDense);
        unsigned whole = 0xff;
        if (is_above) {
            whole = at_most(most * node.size(), kFew);
        } else if (!is_leaf(node, i)) {
            const __m512d typical = bounds_at(entries_of((least + largest) * 0.5, table_), table_);
            const unsigned in_vain = at_most((most - typical) * node.size(), kInVain);
            whole = (are_dense & at_least(typical, kDense)) | (~are_dense & in_vain);
        }
        whole &= looking & ~zero;
        if (whole) {
            const __m512i upper = _mm512_maskz_slli_epi64(0xff, _mm512_maskz_cvtepi32_epi64(0xff, entries), 32);
            const __m512i boxes = upper | _mm512_set1_epi64(i);
            if (whole & are_dense) dense.add(whole & are_dense, boxes);
            if (whole & ~are_dense) sparse.add(whole & ~are_dense, boxes);
        }
        const unsigned done = looking & (zero | whole);
        from = _mm512_mask_mov_epi32(from, static_cast<__mmask16>(done), _mm512_set1_epi32(node.after));
        i = done == looking ? node.after : i + 1;
    }
    for (std::size_t k = 0; k < which.size(); ++k)
        counts_[k] = {static_cast<std::size_t>(dense.ends[k] - lanes[k]), static_cast<std::size_t>(sparse.ends[k] - lanes[k])};
}

/// Judges all boxes of a section, and then goes through those that are looked at; of bounds that fall with the distance.
template <std::size_t n_axes, bool is_periodic>
PYCOSIM_AVX512 void BoxFinder::find_in_section(const PlaceColumns& places, std::size_t source, std::int32_t section,
                                               std::size_t k) {
    const auto first = static_cast<std::size_t>(section);
    const std::size_t n = static_cast<std::size_t>(tree_.nodes()[first].after) - first;
    if (verdicts_.size() < n + kLanes) entries_.resize(n + kLanes), bounds_.resize(n + kLanes), verdicts_.resize(n + kLanes);
    const PlaceTree::NodeColumns& columns = tree_.node_columns();
    __m512d at[n_axes], low[n_axes], high[n_axes], least, largest;
    for (std::size_t axis = 0; axis < n_axes; ++axis) at[axis] = _mm512_set1_pd(places.pre[axis][source]);
    for (std::size_t i = 0; i < n; i += kLanes) {
        const auto there = static_cast<__mmask8>((1u << std::min(kLanes, n - i)) - 1);
        for (std::size_t axis = 0; axis < n_axes; ++axis) {
            low[axis] = _mm512_maskz_loadu_pd(there, columns.low[axis].data() + first + i);
            high[axis] = _mm512_maskz_loadu_pd(there, columns.high[axis].data() + first + i);
        }
        limits_of_8<n_axes, is_periodic>(at, low, high, places.period, least, largest);
        const __m256i entries = entries_of(least, table_);
        const __m512d most = bounds_at(entries, table_), size = _mm512_maskz_loadu_pd(there, columns.divided_size.data() + first + i);
        const __m512d typical = bounds_at(entries_of((least + largest) * 0.5, table_), table_);
        const unsigned are_dense = at_least(most, kDense), in_vain = at_most((most - typical) * size, kInVain);
        const unsigned are_leaves = _mm512_cmp_pd_mask(size, _mm512_setzero_pd(), _CMP_LT_OQ);
        const unsigned are_whole = are_leaves | (are_dense & at_least(typical, kDense)) | (~are_dense & in_vain);
        const unsigned zero = at_most(most, 0.0);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(entries_.data() + i), entries);
        _mm512_storeu_pd(bounds_.data() + i, most);
        for (std::size_t lane = 0; lane < kLanes; ++lane)
            verdicts_[i + lane] = zero >> lane & 1 ? nothing : are_whole >> lane & 1 ? whole : opened;
    }
    for (std::size_t i = 0; i < n;) {
        if (verdicts_[i] == opened) {
            ++i;
            continue;
        }
        if (verdicts_[i] == whole) add(k, {static_cast<std::int32_t>(first + i), entries_[i]}, bounds_[i]);
        i = static_cast<std::size_t>(tree_.nodes()[first + i].after) - first;
    }
}
#else
namespace {

bool is_fast() { return false; }

}  // namespace

template <std::size_t n_axes, bool is_periodic>
void BoxFinder::find_in_section(const PlaceColumns&, std::size_t, std::int32_t, std::size_t) {}

template <std::size_t n_axes, bool is_periodic>
void BoxFinder::find_side_by_side(const PlaceColumns&, std::span<const std::int32_t>) {}
#endif

template <std::size_t n_axes, bool is_periodic>
void BoxFinder::find_one(const PlaceColumns& places, std::size_t source, std::size_t k) {
    std::array<double, n_axes> at;
    for (std::size_t axis = 0; axis < n_axes; ++axis) at[axis] = places.pre[axis][source];
    static const bool fast = is_fast();
    counts_[k] = {0, 0};
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(n_nodes());) {
        const PlaceNode& node = tree_.nodes()[static_cast<std::size_t>(i)];
        const SquareLimits limits = square_limits<n_axes, is_periodic>(at, places.period, node);
        const std::size_t entry = largest(static_cast<std::size_t>(table_.entry(limits.least)),
                                          static_cast<std::size_t>(table_.entry(limits.largest)));
        const double most = table_.most[entry];
        const bool is_apart = node.section < 0 || node.section == i;
        if (most == 0 || (is_apart && !wanted_[static_cast<std::size_t>(i)])) {
            i = node.after;
        } else if (is_whole(node, i, most, limits)) {
            add(k, {i, static_cast<std::int32_t>(entry)}, most);
            i = node.after;
        } else if (falls_ && fast && node.section == i) {
            find_in_section<n_axes, is_periodic>(places, source, i, k);
            i = node.after;
        } else {
            ++i;
        }
    }
}

void BoxFinder::add(std::size_t k, const Box& box, double most) {
    Counts& counts = counts_[k];
    if (most >= kDense) dense_[k * n_nodes() + counts.dense++] = box;
    else sparse_[k * n_nodes() + counts.sparse++] = box;
}

template <std::size_t n_axes, bool is_periodic>
void BoxFinder::find_of(const PlaceColumns& places, std::span<const std::int32_t> which) {
    static const bool fast = is_fast();
    if (falls_ && fast && which.size() > 1) return find_side_by_side<n_axes, is_periodic>(places, which);
    for (std::size_t k = 0; k < which.size(); ++k) find_one<n_axes, is_periodic>(places, static_cast<std::size_t>(which[k]), k);
}

void BoxFinder::find(const PlaceColumns& places, std::span<const std::int32_t> which) {
    bool is_periodic = false;
    for (std::size_t axis = 0; axis < places.n_axes; ++axis)
        is_periodic = is_periodic || places.period[axis] < std::numeric_limits<double>::infinity();
    const auto find = [&]<std::size_t n_axes>() {
        is_periodic ? find_of<n_axes, true>(places, which) : find_of<n_axes, false>(places, which);
    };
    if (places.n_axes == 1) find.operator()<1>();
    else if (places.n_axes == 2) find.operator()<2>();
    else find.operator()<3>();
}

}  // namespace pycosim
