/// Normal numbers of a stream: the same on every machine, as only operations that are rounded exactly are used.
#pragma once

#include <cstdint>
#include <span>

#include "philox.hpp"

namespace pycosim {

/// Writes the standard normal numbers `first`, `first` + 1, ... of a stream.
void fill_normal(Key key, std::uint64_t first, std::span<double> numbers);

}  // namespace pycosim
