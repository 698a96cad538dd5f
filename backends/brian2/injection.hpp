// What electrodes inject: a table that is a file, with a row for each step of the run and a column for each
// set of currents that flow into the same neurons.

#pragma once

#include <cstdint>
#include <vector>

namespace pycosim {

struct Injection {
    std::vector<double> table;
    int64_t first_step = 0, n_columns = 1;
};
inline Injection injection;

}  // namespace pycosim
