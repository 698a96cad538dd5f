/// Long columns of numbers: on large pages where the system has them, and not filled before they are written.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "large_pages.hpp"

namespace pycosim {

/// Much memory begins at a large page.
template <class T>
struct ColumnAllocator {
    using value_type = T;
    ColumnAllocator() = default;
    template <class U>
    ColumnAllocator(const ColumnAllocator<U>&) {}

    T* allocate(std::size_t n) {
        const std::size_t n_bytes = n * sizeof(T);
        if (n_bytes < kLargeMemory) return static_cast<T*>(::operator new(n_bytes));
        void* const memory = ::operator new(n_bytes, std::align_val_t{kLargePage});
        wish_large_pages(memory, n_bytes);
        return static_cast<T*>(memory);
    }

    void deallocate(T* memory, std::size_t n) {
        if (n * sizeof(T) < kLargeMemory) ::operator delete(memory);
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
