/// Pseudo-random permutations, one for each target: which of its sources are chosen is known without the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "columns.hpp"
#include "philox.hpp"

namespace pycosim {

/// For each target of a list a permutation of the sources 0 .. n - 1, from words of a generator.
///
/// A source is written as l * width + r and goes through rounds that add to l a hash of r and to r a hash of l (a Feistel
/// network with two moduli: Black & Rogaway 2002, CT-RSA, section 7); what falls on places behind the last source goes on
/// until it does not. Words are of 16 bits, of which vectors hold most. With 4 rounds pairs of sources that share r are not
/// independent, with 6 they are (200,000 permutations of 1,024); 8 are used. Two sources that share r still do after two
/// rounds with a probability of one in the values of r: of fewer than 1,024 there are 16 rounds, of fewer than 36, 40.
class Permutations {
public:
    /// `n_sources` up to kMostSources.
    Permutations(Key key, std::size_t n_sources, std::span<const std::int32_t> targets);

    static constexpr std::size_t kMostSources = std::size_t{1} << 28;
    static constexpr std::size_t kMostTogether = 1024;

    std::size_t n_bytes() const { return keys_.size() * keys_[0].size() * sizeof(keys_[0][0]); }

    /// The place of a source in the permutation of one target of the list.
    std::uint32_t place(std::uint32_t source, std::size_t target) const;

    /// Writes the places of a source in the permutations of targets `first`, first + 1, ... of the list, at most of
    /// kMostTogether.
    void places(std::uint32_t source, std::size_t first, std::span<std::uint32_t> out) const;

    /// Writes the sources at a place in the permutations of targets `first`, first + 1, ...; the same.
    void sources_at(std::uint32_t place, std::size_t first, std::span<std::uint32_t> out) const;

    /// Writes the sources at the places `first`, first + 1, ... of the permutation of a target.
    void sources(std::size_t target, std::uint32_t first, std::span<std::uint32_t> out) const;

private:
    using Word = std::uint16_t;
    static constexpr std::size_t kKeys = 4;
    enum class Direction { to_places, to_sources };

    bool has_more_places() const { return std::uint32_t{height_} * width_ > n_sources_; }
    std::array<Word, kKeys> keys_of(std::size_t target) const;
    std::uint32_t moved(Direction direction, std::uint32_t from, std::size_t target) const;
    void move(Direction direction, std::uint32_t from, std::size_t first, std::span<std::uint32_t> out) const;

    std::uint32_t n_sources_;
    int rounds_;
    Word height_, width_;  // l and r are less; their product is hardly more than n_sources_
    std::array<std::vector<Word>, kKeys> keys_;
};

/// Writes those of `places` that are less than their limit, as `first` and how many come before; returns how many they are.
/// There are 16 places more.
std::size_t below_limits(std::span<const std::uint32_t> places, const std::uint32_t* limits, std::int32_t first,
                         std::int32_t* out);

}  // namespace pycosim
