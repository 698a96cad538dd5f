/// Candidates in cells one after the other, at the cost of the candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pycosim {

/// Cells begin to before end, each of which is a candidate with probability 1 - exp(-hazard). Whole numbers.
struct Piece {
    double begin, end, hazard, most;
};

/// Pieces first_piece to before end_of_pieces, and where the numbers for them are.
struct Unit {
    std::uint32_t row;
    std::size_t first_piece, end_of_pieces, first_number, end_of_numbers;
    double hazard;          ///< of all its cells
    std::int64_t n_found;  ///< candidates; -1 if there are more than numbers for them
};

/// A cell, and the piece it is in.
struct Crossing {
    std::int32_t cell, piece;
};

/// Finds the candidates of units: cell by cell the hazards add up, and where a sum of exponentially distributed numbers
/// is crossed is a candidate. So it is one with its probability, whatever the others are. `found` has the same places as
/// the numbers.
void find_crossings(std::span<const Piece> pieces, std::span<Unit> units, const double* numbers, Crossing* found);

}  // namespace pycosim
