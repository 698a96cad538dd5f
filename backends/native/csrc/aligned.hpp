// Arrays that begin on a cache line, and asking for one.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "../../../pycosim/csrc/columns.hpp"

namespace pycosim::native {

inline constexpr std::size_t kCacheLine = 64;

// Also past the end of an array. GCC takes functions that do nothing else for functions without an effect, and leaves their
// calls out; the empty statement is one that it has to keep.
inline void prefetch([[maybe_unused]] const void* address) {
#if defined(__GNUC__)
    __builtin_prefetch(address);
    asm volatile("");
#endif
}

// For the cache lines of `n` elements.
template <class T>
void prefetch_all(const T* first, std::size_t n) {
    for (const T* p = first; p < first + n; p += kCacheLine / sizeof(T)) prefetch(p);
}

template <class T>
struct AlignedAllocator {
    using value_type = T;
    using Long = pycosim::ColumnAllocator<T>;  // large pages
    AlignedAllocator() = default;
    template <class U>
    AlignedAllocator(const AlignedAllocator<U>&) {}
    T* allocate(std::size_t n) {
        if (n * sizeof(T) >= pycosim::kLargeMemory) return Long().allocate(n);
        return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(kCacheLine)));
    }
    void deallocate(T* p, std::size_t n) {
        if (n * sizeof(T) >= pycosim::kLargeMemory) return Long().deallocate(p, n);
        ::operator delete(p, std::align_val_t(kCacheLine));
    }
    template <class U>
    bool operator==(const AlignedAllocator<U>&) const {
        return true;
    }
};

using Column = std::vector<double, AlignedAllocator<double>>;

// The next multiple of the number of doubles in a cache line.
constexpr std::size_t padded(std::size_t n) { return (n + 7) / 8 * 8; }

}  // namespace pycosim::native
