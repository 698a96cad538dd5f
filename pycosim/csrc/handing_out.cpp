#include "handing_out.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "clones.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

namespace pycosim {
namespace calls {
namespace {

using CopyChecked = void(const double*, std::size_t, Clipping, double*, std::uint32_t, std::vector<std::uint32_t>&);

void copy_checked_plainly(const double* numbers, std::size_t n, Clipping limits, double* out, std::uint32_t first,
                          std::vector<std::uint32_t>& wrong) {
    for (std::size_t i = 0; i < n; ++i) {
        out[i] = numbers[i];
        if (!limits.leaves(numbers[i])) wrong.push_back(first + static_cast<std::uint32_t>(i));
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx512f"))) void copy_checked_avx512(const double* numbers, std::size_t n, Clipping limits,
                                                            double* out, std::uint32_t first,
                                                            std::vector<std::uint32_t>& wrong) {
    constexpr std::size_t kLanes = 8, kTogether = 2 * kLanes;
    const __m512d low = _mm512_set1_pd(limits.low), high = _mm512_set1_pd(limits.high);
    const auto out_of_limits = [&](__m512d values) __attribute__((target("avx512f"), always_inline)) {
        return static_cast<unsigned>(_mm512_cmp_pd_mask(values, low, _CMP_LT_OQ)) |
               static_cast<unsigned>(_mm512_cmp_pd_mask(values, high, _CMP_GT_OQ));
    };
    std::size_t i = 0;
    for (; i + kTogether <= n; i += kTogether) {
        const __m512d here = _mm512_loadu_pd(numbers + i), behind = _mm512_loadu_pd(numbers + i + kLanes);
        _mm512_storeu_pd(out + i, here);
        _mm512_storeu_pd(out + i + kLanes, behind);
        for (unsigned bits = out_of_limits(here) | out_of_limits(behind) << kLanes; bits; bits &= bits - 1)
            wrong.push_back(first + static_cast<std::uint32_t>(i) + static_cast<std::uint32_t>(__builtin_ctz(bits)));
    }
    copy_checked_plainly(numbers + i, n - i, limits, out + i, first + static_cast<std::uint32_t>(i), wrong);
}

CopyChecked* best() { return __builtin_cpu_supports("avx512f") ? copy_checked_avx512 : copy_checked_plainly; }
#else
CopyChecked* best() { return copy_checked_plainly; }
#endif

}  // namespace

void copy_checked(const double* numbers, std::size_t n, Clipping limits, double* out, std::uint32_t first,
                  std::vector<std::uint32_t>& wrong) {
    static CopyChecked* const copy = best();
    copy(numbers, n, limits, out, first, wrong);
}

}  // namespace calls

namespace {

using Numbers = NumbersByCall<MersenneTwister>;

// What numbers become: themselves.
struct Kept {
    using Value = double;
    const double* operator()(std::span<const double> numbers) { return numbers.data(); }
};

// What numbers become: delays in steps.
struct Rounded {
    using Value = std::int32_t;
    DelayRounder& rounder;
    LongColumn<std::int32_t> steps{};
    const std::int32_t* operator()(std::span<const double> numbers) {
        if (steps.size() < numbers.size()) steps.resize(numbers.size());
        rounder.round(numbers, steps.data());
        return steps.data();
    }
};

// How many numbers each target gets.
struct Counts {
    LongColumn<std::uint32_t> here;
    std::span<const std::int64_t> in_all;  // empty: the same

    std::int32_t n_targets() const { return static_cast<std::int32_t>(here.size()); }

    // Draws those of a target that go elsewhere.
    void pass_over(Numbers& numbers, std::size_t target) const {
        if (!in_all.empty() && here[target] == 0) numbers.pass_over(static_cast<std::size_t>(in_all[target]));
    }

    std::size_t n_numbers() const {
        if (in_all.empty()) return std::reduce(here.begin(), here.end(), std::size_t{0});
        if (in_all.size() != here.size()) throw std::invalid_argument("each target needs its number of synapses");
        std::size_t n = 0;
        for (std::size_t target = 0; target < here.size(); ++target) {
            if (in_all[target] < 0 || (here[target] > 0 && here[target] != in_all[target]))
                throw std::invalid_argument("a target has other synapses elsewhere");
            n += static_cast<std::size_t>(in_all[target]);
        }
        return n;
    }
};

// A stretch of targets whose numbers are drawn before they are handed out: they stay in the cache.
template <class Become>
class Stretch {
    using Value = typename Become::Value;

public:
    Stretch(Numbers& numbers, Become& become, std::size_t most) : numbers_(numbers), become_(become), most_(most) {}

    // Draws from target `first` on; returns the one after the last.
    std::int32_t draw(std::int32_t first, const Counts& counts) {
        next_.clear();
        n_ = 0;
        std::int32_t target = first;
        for (; target < counts.n_targets(); ++target) {
            const std::size_t count = counts.here[static_cast<std::size_t>(target)];
            if (target > first && n_ + count > most_) break;
            add(count);
            counts.pass_over(numbers_, static_cast<std::size_t>(target));
        }
        values_ = become_({drawn_.data(), n_});
        return target;
    }

    // For each target, where its next value is.
    std::span<std::uint32_t> next() { return next_; }
    const Value* values() const { return values_; }

private:
    void add(std::size_t count) {
        // Targets with a power of two of synapses would share a few sets of the cache.
        const std::size_t gap = count >= 64 ? 8 : 0;
        if (drawn_.size() < n_ + count + gap) drawn_.resize(n_ + count + gap + most_);
        next_.push_back(static_cast<std::uint32_t>(n_));
        numbers_.call(std::span(drawn_).subspan(n_, count));
        std::fill_n(drawn_.begin() + static_cast<std::ptrdiff_t>(n_ + count), gap, count > 0 ? drawn_[n_] : 0.0);
        n_ += count + gap;
    }

    Numbers& numbers_;
    Become& become_;
    std::size_t most_;
    const Value* values_ = nullptr;
    std::size_t n_ = 0;
    LongColumn<double> drawn_;
    LongColumn<std::uint32_t> next_;
};

// Rows of synapses that are walked along from one stretch of targets to the next.
class Walk {
public:
    explicit Walk(const Synapses& synapses) : synapses_(synapses), cursor_(synapses.indptr.begin(), synapses.indptr.end() - 1) {}

    // Gives the synapses on targets from `first` on, as many as there are in `next`, their values.
    template <class Value>
    void hand_out(std::int32_t first, std::span<std::uint32_t> next, const Value* drawn, Value* values) {
        constexpr std::size_t kAsk = 4;  // rows ahead, for about as many synapses as the row before has
        std::int64_t n_before = 1;
        const std::int32_t* const targets = synapses_.targets.data();
        std::uint32_t* const place = next.data();
        const auto n_targets = static_cast<std::uint32_t>(next.size());
        for (std::size_t row = 0; row < cursor_.size(); ++row) {
            std::int64_t i = cursor_[row];
            const std::int64_t begin = i, end = synapses_.indptr[row + 1];
#if defined(__GNUC__)
            if (row + kAsk < cursor_.size()) {
                const std::int64_t coming = cursor_[row + kAsk];
                for (std::int64_t k = 0; k < n_before; k += 64 / sizeof(Value)) __builtin_prefetch(values + coming + k, 1);
                for (std::int64_t k = 0; k < n_before; k += 16) __builtin_prefetch(targets + coming + k);
            }
#endif
            for (; i < end; ++i) {
                const auto target = static_cast<std::uint32_t>(targets[i] - first);
                if (target >= n_targets) break;
                values[i] = drawn[place[target]++];
            }
            cursor_[row] = i;
            n_before = i - begin;
        }
    }

    void require_end() const {
        if (!std::equal(cursor_.begin(), cursor_.end(), synapses_.indptr.begin() + 1))
            throw std::invalid_argument("the targets of a row must ascend");
    }

private:
    const Synapses& synapses_;
    LongColumn<std::int64_t> cursor_;
};

// Whether no value is less than the one before, nor, if that is `strict`, equal.
template <bool strict, class T>
[[gnu::always_inline]] inline bool rises(const T* values, std::size_t n) {
    constexpr std::size_t kPiece = 1024;
    for (std::size_t first = 1; first < n; first += kPiece) {
        const std::size_t end = std::min(first + kPiece, n);
        T n_not = 0;
        for (std::size_t i = first; i < end; ++i) n_not += strict ? values[i] <= values[i - 1] : values[i] < values[i - 1];
        if (n_not) return false;
    }
    return true;
}

PYCOSIM_SIMD_CLONES
bool are_offsets(const std::int64_t* values, std::size_t n) { return rises<false>(values, n); }

// Whether each target has one synapse at most, and they ascend: then they are in the order in which PyNN draws for them.
PYCOSIM_SIMD_CLONES
bool ascend(const std::int32_t* targets, std::size_t n) { return rises<true>(targets, n); }

// The offsets of rows must fit the targets.
void require_rows(const Synapses& synapses) {
    const auto& [indptr, targets, n_targets, drawn, in_all] = synapses;
    if (indptr.empty() || indptr.front() != 0 || indptr.back() != static_cast<std::int64_t>(targets.size()) ||
        !are_offsets(indptr.data(), indptr.size()))
        throw std::invalid_argument("the offsets of rows do not fit the number of entries");
    if (!drawn.empty() && drawn.size() != targets.size())
        throw std::invalid_argument("the order of synapses must have all of them");
    if (targets.size() > UINT32_MAX) throw std::length_error("more than 2^32 synapses");
}

// How many synapses each target has.
LongColumn<std::uint32_t> counts_of(const Synapses& synapses) {
    LongColumn<std::uint32_t> counts(static_cast<std::size_t>(synapses.n_targets), 0);
    std::uint32_t* const count = counts.data();
    for (const std::int32_t target : synapses.targets) {
        if (target < 0 || target >= synapses.n_targets) throw std::out_of_range("a target is outside their number");
        ++count[target];
    }
    return counts;
}

template <class Become>
void one_by_one(Numbers& numbers, Become& become, std::span<typename Become::Value> values) {
    std::array<double, 2048> drawn;
    for (std::size_t first = 0; first < values.size(); first += drawn.size()) {
        const auto piece = std::span(drawn).first(std::min(drawn.size(), values.size() - first));
        numbers.single_calls(piece);
        std::copy_n(become(piece), piece.size(), values.data() + first);
    }
}

template <class Become>
void in_given_order(Numbers& numbers, Become& become, const Counts& counts,
                    std::span<const std::uint32_t> order, typename Become::Value* values) {
    std::vector<double> drawn;
    std::size_t first = 0;
    const std::size_t n_targets = counts.here.size();
    for (std::size_t target = 0; target < n_targets;) {
        std::size_t n = 0;
        do {  // enough to be worth a loop
            const std::size_t count = counts.here[target];
            if (drawn.size() < n + count) drawn.resize(n + count);
            numbers.call(std::span(drawn).subspan(n, count));
            counts.pass_over(numbers, target++);
            n += count;
        } while (n < 1024 && target < n_targets);
        const auto* const drawn_values = become({drawn.data(), n});
        for (std::size_t i = 0; i < n; ++i) {
#if defined(__GNUC__)
            constexpr std::size_t kAsk = 48;
            if (first + i + kAsk < order.size()) __builtin_prefetch(values + order[first + i + kAsk], 1);
#endif
            const std::size_t place = order[first + i];
            if (place >= order.size()) throw std::out_of_range("the order has a synapse that is not there");
            values[place] = drawn_values[i];
        }
        first += n;
    }
}

template <class Become>
LongColumn<typename Become::Value> of_synapses(MersenneTwister& random, SpareNormal& spare,
                                               const DistributionOf& distribution, const Synapses& synapses,
                                               Become become) {
    using Value = typename Become::Value;
    require_rows(synapses);
    const auto targets = synapses.targets;
    LongColumn<Value> values(targets.size());
    const bool is_within = targets.empty() || (targets.front() >= 0 && targets.back() < synapses.n_targets);
    const bool are_all = synapses.drawn.empty() && synapses.in_all.empty();
    if (are_all && is_within && ascend(targets.data(), targets.size())) {
        Numbers numbers(random, spare, distribution, values.size());
        one_by_one(numbers, become, std::span(values));
        return values;
    }
    const Counts counts{counts_of(synapses), synapses.in_all};
    Numbers numbers(random, spare, distribution, counts.n_numbers());
    if (!synapses.drawn.empty()) {
        in_given_order(numbers, become, counts, synapses.drawn, values.data());
        return values;
    }
    // A megabyte, and a few for each row: coming back to a row has a cost.
    const std::size_t n_stretch = std::max<std::size_t>(1 << 17, 4 * synapses.indptr.size());
    Stretch<Become> stretch(numbers, become, n_stretch);
    const std::int32_t first_left = stretch.draw(0, counts);
    if (first_left == counts.n_targets()) {  // whole rows, one after the other
        std::uint32_t* const place = stretch.next().data();
        const std::int32_t* const target = targets.data();
        const Value *const drawn = stretch.values(), *const end = values.data() + values.size();
        Value* out = values.data();
        for (std::size_t i = 0; out != end; ++i) *out++ = drawn[place[target[i]]++];
        return values;
    }
    Walk walk(synapses);
    walk.hand_out(0, stretch.next(), stretch.values(), values.data());
    for (std::int32_t first = first_left; first < counts.n_targets();) {
        const std::int32_t last = stretch.draw(first, counts);
        walk.hand_out(first, stretch.next(), stretch.values(), values.data());
        first = last;
    }
    walk.require_end();
    return values;
}

}  // namespace

LongColumn<double> numbers_of_synapses(MersenneTwister& random, SpareNormal& spare, const DistributionOf& distribution,
                                       const Synapses& synapses) {
    return of_synapses(random, spare, distribution, synapses, Kept{});
}

DelaySteps delays_of_synapses(MersenneTwister& random, SpareNormal& spare, const DistributionOf& distribution,
                              const Synapses& synapses, double dt_ms) {
    DelayRounder rounder(dt_ms);
    LongColumn<std::int32_t> steps = of_synapses(random, spare, distribution, synapses, Rounded{rounder});
    return rounder.with(std::move(steps));
}

}  // namespace pycosim
