/// Long columns of numbers: on large pages where the system has them, and not filled before they are written.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pycosim {

/// Memory of 2 MiB and more begins at a large page. A page is given to a process when it is first written, which
/// costs as much for a small one as drawing a hundred synapses.
template <class T>
struct ColumnAllocator {
    using value_type = T;
    static constexpr std::size_t kLargePage = std::size_t{1} << 21, kLarge = kLargePage;

    ColumnAllocator() = default;
    template <class U>
    ColumnAllocator(const ColumnAllocator<U>&) {}

    T* allocate(std::size_t n) {
        const std::size_t n_bytes = n * sizeof(T);
        if (n_bytes < kLarge) return static_cast<T*>(::operator new(n_bytes));
        void* const memory = ::operator new(n_bytes, std::align_val_t{kLargePage});
#if defined(__linux__) && defined(MADV_HUGEPAGE)
        // a wish: without it only slower; what is left at the end does not take a whole one
        madvise(memory, n_bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
        return static_cast<T*>(memory);
    }

    void deallocate(T* memory, std::size_t n) {
        if (n * sizeof(T) < kLarge) ::operator delete(memory);
        else ::operator delete(memory, std::align_val_t{kLargePage});
    }

    /// Elements that are given no value have none.
    template <class U>
    void construct(U* place) {
        static_assert(std::is_trivially_default_constructible_v<U>);
        ::new (static_cast<void*>(place)) U;
    }
    template <class U, class... Arguments>
    void construct(U* place, Arguments&&... arguments) {
        ::new (static_cast<void*>(place)) U(std::forward<Arguments>(arguments)...);
    }

    friend bool operator==(const ColumnAllocator&, const ColumnAllocator&) { return true; }
};

template <class T>
using LongColumn = std::vector<T, ColumnAllocator<T>>;

}  // namespace pycosim
