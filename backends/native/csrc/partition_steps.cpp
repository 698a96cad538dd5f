// A partition's steps. What acts in a batch of steps is known before it begins, so that a few steps are done together:
// first the inputs of all of them are added up, then each block of neurons goes through all of them while it is in the
// nearest cache.
#include <algorithm>
#include <utility>

#include "partition.hpp"

namespace pycosim::native {
namespace {

constexpr std::size_t kBlockBytes = 24 << 10;  // of states and inputs: they stay in a first-level cache of 32 kB
constexpr double kLongestPeriod = 0x1p62;  // in steps

}  // namespace

// Plastic synapses and those that are rewired look at the postsynaptic spikes of the step before, junctions at the
// membranes of all neurons; payloads are states of the step.
std::int64_t Partition::steps_together() const {
    const bool has_junctions = std::ranges::any_of(slices, [](const Slice& s) { return !s.junctions.empty(); });
    return !plastic_.empty() || rewired || graded || has_junctions ? 1 : static_cast<std::int64_t>(kMostSteps);
}

void Partition::advance(std::int64_t first_step, std::int64_t n_steps, FiredNeurons& fired) {
    const std::int64_t most = steps_together();
    for (std::int64_t done = 0; done < n_steps; done += most) {
        advance_together(first_step + done, static_cast<std::size_t>(std::min(most, n_steps - done)), fired);
    }
}

void Partition::advance_together(std::int64_t first_step, std::size_t n_steps, FiredNeurons& fired) {
    for (Plastic& part : plastic_) part.store->begin_step(first_step);
    for (std::size_t i = 0; i < n_steps; ++i) deliver(first_step + static_cast<std::int64_t>(i), inputs_of(i));
    if (rewired) rewired->deliver(first_step, inputs_of(0));
    if (graded) graded->deliver(first_step, inputs_of(0), receptor_stride_);
    fired_.resize(kMostSteps * slices.size());
    for (std::vector<std::uint32_t>& list : fired_) list.clear();
    for (std::size_t slice = 0; slice < slices.size(); ++slice) advance(slice, first_step, n_steps);
    for (std::size_t i = 0; i < n_steps; ++i) {
        for (std::size_t s = 0; s < slices.size(); ++s) {
            Slice& slice = slices[s];
            const std::int64_t step = first_step + static_cast<std::int64_t>(i);
            for (const std::uint32_t index : fired_[i * slices.size() + s]) {
                fired.neurons.push_back(slice.first_neuron + index);
                if (graded) fired.payloads.push_back(slice.payload(index));
                if (!slice.spikes_recorded.empty() && slice.spikes_recorded[index]) {
                    slice.spikes.add(step, slice.first_index + index);
                }
                for (Plastic& part : plastic_) part.store->add_post_spike(slice.input_offset + index, step);
                if (rewired) rewired->add_post_spike(slice.input_offset + index, step);
            }
            fired.ends.push_back(fired.neurons.size());
        }
    }
}

void Slice::divide(std::size_t n_steps) {
    const std::size_t bytes = sizeof(double) * (states.size() + !refractory_steps_left.empty() +
                                                n_steps * receptors.size() + (equal_constants ? 0 : constants.size()));
    const auto in_cache = static_cast<std::uint32_t>(std::max<std::size_t>(kBlockBytes / bytes / 128, 1) * 128);
    if (!blocks.empty() && blocks.front().size == std::min(in_cache, size)) return;
    const std::vector<NeuronBlock> old = std::exchange(blocks, {});
    for (std::uint32_t begin = 0; begin < size; begin += in_cache) {
        blocks.push_back({begin, std::min(in_cache, size - begin), {}});
    }
    for (const NeuronBlock& block : old) {
        for (const HeldNeurons::Held& held : block.held) blocks[held.index / in_cache].held.add(held);
    }
}

// What is done with a whole slice in every step keeps its neurons together.
void Partition::advance(std::size_t number, std::int64_t first_step, std::size_t n_steps) {
    Slice& slice = slices[number];
    slice.divide(kMostSteps);
    prepare(slice, first_step, n_steps);
    const auto update_in = [&](NeuronBlock& block, std::size_t i) {
        update(slice, block, first_step + static_cast<std::int64_t>(i), i, fired_[i * slices.size() + number]);
    };
    if (!slice.is_looked_at()) {
        for (NeuronBlock& block : slice.blocks) {
            for (std::size_t i = 0; i < n_steps; ++i) update_in(block, i);
        }
        return;
    }
    for (std::size_t i = 0; i < n_steps; ++i) {
        const std::int64_t step = first_step + static_cast<std::int64_t>(i);
        if (!slice.junctions.empty()) slice.junctions.add_to(*drive_columns_[i], board->after(step - 1));
        for (NeuronBlock& block : slice.blocks) update_in(block, i);
        slice.end_step(step, fired_[i * slices.size() + number], *drive_columns_[i], board);
    }
}

// Where the columns of a slice are in some steps.
void Partition::prepare(Slice& slice, std::int64_t first_step, std::size_t n_steps) {
    state_columns_.clear();
    constant_columns_.clear();
    input_columns_.clear();
    drive_columns_.clear();
    for (Column& state : slice.states) state_columns_.push_back(state.data());
    for (std::size_t i = 0; i < n_steps; ++i) {
        for (const Column& constant : slice.constants) constant_columns_.push_back(constant.data());
        drive_columns_.push_back(&slice.constants[slice.drive]);
        if (!slice.injections.empty()) {
            drive_columns_[i] = &slice.injections.drive(*currents, first_step + static_cast<std::int64_t>(i));
            constant_columns_[i * slice.constants.size() + slice.drive] = drive_columns_[i]->data();
        }
        for (const std::uint32_t receptor : slice.receptors) {
            input_columns_.push_back(inputs_of(i) + std::size_t{receptor} * n_inputs_ + slice.input_offset);
        }
    }
}

void Partition::update(Slice& slice, NeuronBlock& block, std::int64_t step, std::size_t i_step,
                       std::vector<std::uint32_t>& fired) {
    const SliceColumns columns{std::size_t{block.begin},
                               std::size_t{block.begin} + block.size,
                               state_columns_.data(),
                               slice.refractory_steps_left.data(),
                               constant_columns_.data() + i_step * slice.constants.size(),
                               input_columns_.data() + i_step * slice.receptors.size(),
                               slice.model->composition,
                               step,
                               slice.first_neuron,
                               noise_key};
    const Update function = slice.equal_constants ? slice.model->update_equal : slice.model->update_distinct;
    const std::span<const std::uint32_t> now(scratch_.data(), function(columns, scratch_.data()));
    if (!now.empty()) fired.insert(fired.end(), now.begin(), now.end());
    if (slice.model->is_held) slice.hold(block, now, step);
}

// Those that fired are at the reset membrane already.
void Slice::hold(NeuronBlock& block, std::span<const std::uint32_t> fired, std::int64_t step) {
    Column& v = states[0];
    block.held.release(step, [&](std::uint32_t index) { v[index] = constant(Model::kVReset, index); });
    for (const std::uint32_t index : fired) {
        const double n_steps = constant(Model::kRefractorySteps, index);
        if (n_steps < 1.0) continue;
        v[index] = HeldNeurons::kMembrane;
        block.held.add({step + static_cast<std::int64_t>(std::min(n_steps, kLongestPeriod)), index});
    }
}

void Slice::show_held() {
    for (const NeuronBlock& block : blocks) {
        for (const auto& held : block.held) states[0][held.index] = constant(Model::kVReset, held.index);
    }
}

void Slice::hide_held() {
    for (const NeuronBlock& block : blocks) {
        for (const auto& held : block.held) states[0][held.index] = HeldNeurons::kMembrane;
    }
}

void Slice::end_step(std::int64_t step, std::span<const std::uint32_t> fired, Column& with_currents,
                     MembraneBoard* board) {
    show_held();
    if (!junctions.empty()) {
        junctions.finish(with_currents, states[0], model->resets ? fired : fired.first(0), board->after(step - 1),
                         board->after(step));
    }
    for (const SignalColumns& columns : signals) {
        double* const row = columns.signal->row(step);
        if (!row) continue;
        const Column& state = states[static_cast<std::size_t>(columns.signal->state())];
        for (std::size_t k = 0; k < columns.indices.size(); ++k) row[columns.first + k] = state[columns.indices[k]];
    }
    hide_held();
}

}  // namespace pycosim::native
