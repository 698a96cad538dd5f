// Gap junctions: neurons that see each other's membranes; pycosim/network/junctions.py has the equations.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "aligned.hpp"

namespace pycosim::native {

// All junctions of the network as rows of the neurons that have some, which are given by ascending global numbers. A
// neuron's junctions inject `offset_na` and the membranes of its partners times conductances; 1 nA adds
// `drive_per_na` to the constant "drive".
struct JunctionColumns {
    std::span<const std::int64_t> neurons;
    std::span<const double> drive_per_na, offset_na, extrapolation;
    std::span<const std::int64_t> indptr, partners;
    std::span<const double> conductances;
};

// The membranes of these neurons after a step, and how far they moved in it (0 for those that were reset).
struct Membranes {
    std::vector<double> v, moved;
};

// Two alternate, so that those of a step can be read while those of the next one are written.
struct MembraneBoard {
    std::array<Membranes, 2> sides;

    Membranes& after(std::int64_t step) { return sides[static_cast<std::size_t>(step & 1)]; }
};

// The junctions of the neurons of one slice.
class SliceJunctions {
  public:
    SliceJunctions() = default;
    SliceJunctions(const JunctionColumns& columns, std::uint32_t first_neuron, std::uint32_t size);

    bool empty() const { return neurons_.empty(); }
    // Shows the present membranes `v` to all.
    void show(const Column& v, Membranes& now) const {
        for (const Neuron& neuron : neurons_) now.v[neuron.place] = v[neuron.index];
    }
    // Adds the current of a step to the constant `drive` of the slice.
    void add_to(Column& drive, const Membranes& before);
    // Takes it away again, and shows the membranes `v` to all; `reset` are the indices of those just reset.
    void finish(Column& drive, const Column& v, std::span<const std::uint32_t> reset, const Membranes& before,
                Membranes& after);

  private:
    struct Neuron {
        std::uint32_t index;     // in the slice
        std::size_t place, end;  // among all neurons with junctions; of its row in `partners_`
        double drive_per_na, offset_na, extrapolation, own_drive;
    };

    std::vector<Neuron> neurons_;
    std::vector<std::size_t> partners_;
    std::vector<double> conductances_;
};

}  // namespace pycosim::native
