#include "traffic.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace pycosim::timing {

void serve(Column place, Column arrival, Column service, std::span<Int> free, Ints& done) {
    const std::size_t n = place.size();
    done.resize(n);
    const auto work_on = [&](std::size_t job) {
        Int& until = free[static_cast<std::size_t>(place[job])];
        done[job] = until = std::max(arrival[job], until) + service[job];
    };
    if (std::is_sorted(arrival.begin(), arrival.end())) {
        for (std::size_t job = 0; job < n; ++job) work_on(job);
        return;
    }
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return arrival[a] < arrival[b]; });
    for (const std::size_t job : order) work_on(job);
}

void Traffic::use(const Tables& t, Fabric& fabric) {
    tables_ = t;
    fabric_ = &fabric;
    messages_.clear();
    for (std::size_t i = 0; i < t.destination.size(); ++i) {
        const auto axon = static_cast<std::int32_t>(t.first_axon_of_mapping + t.message_axon[i]);
        const auto destination = static_cast<std::int32_t>(t.destination[i]);
        const bool to_relays = t.to_relays[i] != 0;
        const auto place = to_relays ? destination : static_cast<std::int32_t>(t.place_of_core[t.core[axon]]);
        const std::int32_t synapses = to_relays ? 0 : t.synapses[axon];
        const bool joins = t.joins[i] != 0;
        messages_.push_back({destination, axon, static_cast<std::int32_t>(t.n_axons[i]), place, synapses, to_relays, joins});
    }
    any_join_ = std::any_of(t.joins.begin(), t.joins.end(), [](std::uint8_t joins) { return joins != 0; });
}

void Traffic::move_places(Column new_place) {
    for (Carried& message : carried_) {
        message.place = static_cast<std::int32_t>(new_place[message.place]);
    }
}

// Asks for memory that is read soon: the tables of all messages are larger than caches, and spikes come from anywhere.
template <class T>
static void fetch_ahead(const T* first, Int n) {
#ifdef __GNUC__
    constexpr std::uintptr_t kLine = 64;
    const auto last = reinterpret_cast<std::uintptr_t>(first + n);
    for (auto line = reinterpret_cast<std::uintptr_t>(first) & ~(kLine - 1); line < last; line += kLine) {
        __builtin_prefetch(reinterpret_cast<const void*>(line));
    }
#endif
}

// Lists all that fires in the order in which places come to it, and adds the packets of neurons to the log.
void Traffic::gather(Int step, Column fired, Column relays) {
    const Tables& t = tables_;
    const auto earlier = [](const Firing& a, const Firing& b) {
        return std::tie(a.place, a.order) < std::tie(b.place, b.order);
    };
    firings_.clear();
    for (const Int neuron : fired) {
        const Int n = t.first_message[neuron + 1] - t.first_message[neuron];
        firings_.push_back({t.place_of_neuron[neuron], t.order_of_neuron[neuron], neuron, 0, n});
        fetch_ahead(messages_.data() + t.first_message[neuron], n);
    }
    if (!std::is_sorted(firings_.begin(), firings_.end(), earlier)) {
        std::stable_sort(firings_.begin(), firings_.end(), earlier);
    }
    Int n_rows = 0;
    for (Firing& firing : firings_) {
        firing.row = n_rows;
        n_rows += t.first_axon[firing.neuron + 1] - t.first_axon[firing.neuron];
    }
    const Int first_row = log.append(step, n_rows);
    for (Firing& firing : firings_) {
        const Int axon = t.first_axon[firing.neuron];
        firing.row += first_row;
        log.set_axons(firing.row, axon, t.first_axon[firing.neuron + 1] - axon);
    }
    if (relays.empty()) return;
    for (const Int row : relays) {
        const std::int32_t axon = log.axon[row];
        firings_.push_back({t.place_of_core[t.relay_core[axon]], t.relay_place[axon], kRelay, row, 1});
    }
    std::stable_sort(firings_.begin(), firings_.end(), earlier);
}

// A place updates its units in order; after an update that makes a unit fire, the spike and its messages take their
// time before the next update. Synaptic events of the same pass are spread evenly over it.
const Ints& Traffic::send(Int step, Column fired, const Pass& pass, Column relays) {
    const Tables& t = tables_;
    gather(step, fired, relays);
    own_.clear();
    of_relays_.clear();
    work_.resize(t.units.size());
    for (std::size_t p = 0; p < work_.size(); ++p) work_[p] = t.idle[p] + pass.events_ps[p];
    const Int host = n_places() - 1;
    Int place = -1, spent = 0;  // on the spikes and messages of this place
    for (const Firing& firing : firings_) {
        if (firing.place != place) place = firing.place, spent = 0;
        const Int passed = firing.order + 1;
        const Int events = pass.events_ps[place] * passed / std::max(t.units[place], Int{1});
        spent += t.spike[place];
        const Int fire = pass.begin_ps[place] + t.update[place] * passed + events + spent;
        const Int sending = t.send[place] * write(firing, pass, fire);
        spent += sending;
        work_[place] += t.spike[place] + sending;
        t.spikes[place] += 1;
        encoded += firing.n_messages > 0 && place < host;
    }
    hand_over(own_);
    hand_over(of_relays_);
    return work_;
}

// Dates the packets of a firing, and writes its messages. Returns how often the place sends: messages that go together
// are sent once.
Int Traffic::write(const Firing& firing, const Pass& pass, Int fire) {
    const Tables& t = tables_;
    Int leave = fire;
    if (firing.neuron == kRelay) {
        leave += t.send[firing.place];
        const Int to = place_of(firing.row);
        const Int service = service_ps(to, t.synapses[log.axon[firing.row]]);
        of_relays_.add(leave, firing.place, to, {firing.row, 1, static_cast<std::int32_t>(to), service, false});
        t.messages_out[firing.place] += 1;
        return 1;
    }
    const Int first_axon = t.first_axon[firing.neuron];
    const Int n_axons = t.first_axon[firing.neuron + 1] - first_axon;
    const bool at_start = pass.fire_at_start || firing.place == n_places() - 1;
    std::fill_n(log.emission_ps.data() + firing.row, n_axons, at_start ? pass.step_ps : fire);
    const Int row_of_axon_0 = firing.row - first_axon;
    const Message* message = messages_.data() + t.first_message[firing.neuron];
    Int n_sent = 0;
    for (const Message* const end = message + firing.n_messages; message < end; ++message) {
        if (!message->joins) leave += t.send[firing.place], ++n_sent;
        if (any_join_) own_.joins.push_back(message->joins);
        const Int row = row_of_axon_0 + message->axon;
        std::fill_n(log.injection_ps.data() + row, message->n_axons, leave);
        const Int service = service_ps(message->place, message->synapses);
        own_.add(leave, firing.place, message->destination,
                 {row, message->n_axons, message->place, service, message->to_relays});
    }
    t.messages_out[firing.place] += n_sent;
    return n_sent;
}

// Gives messages to the network-on-chip, and remembers what they carry.
void Traffic::hand_over(Letters& letters) {
    if (letters.leave_ps.empty()) return;
    fabric_->send(letters.leave_ps, letters.source, letters.destination, letters.joins, numbers_);
    const auto [lowest, highest] = std::minmax_element(numbers_.begin(), numbers_.end());
    const bool are_first = n_under_way_ == 0;
    n_under_way_ += static_cast<Int>(numbers_.size());
    if (are_first) {
        carried_.clear();
        first_carried_ = *lowest;
        const auto apart = [](Int a, Int b) { return b != a + 1; };
        if (std::adjacent_find(numbers_.begin(), numbers_.end(), apart) == numbers_.end()) {
            carried_.swap(letters.carried);
            return;
        }
    }
    const auto end = static_cast<std::size_t>(*highest - first_carried_) + 1;
    if (end > carried_.size()) carried_.resize(end);
    for (std::size_t i = 0; i < numbers_.size(); ++i) carried_[numbers_[i] - first_carried_] = letters.carried[i];
}

Arrivals& Traffic::receive(const Messages& arrived) {
    const Tables& t = tables_;
    Arrivals& a = arrivals_;
    for (Ints* column : {&a.rows, &a.relayed, &a.n_relayed, &place_, &arrival_, &service_}) column->clear();
    a.work_ps.assign(t.units.size(), 0);
    const auto job = [&](Int place, Int time, Int service) {
        place_.push_back(place), arrival_.push_back(time), service_.push_back(service);
        a.work_ps[place] += service;
        t.messages_in[place] += 1;
    };
    bool any_relays = false;
    for (std::size_t i = 0; i < arrived.numbers.size(); ++i) {
        const Carried& message = carried(arrived.numbers[i]);
        any_relays = any_relays || message.to_relays;
        if (message.to_relays) continue;
        a.rows.push_back(message.first_row);
        job(message.place, arrived.times_ps[i], message.service_ps);
        for (Int row = message.first_row + 1; row < message.first_row + message.n_rows; ++row) {
            const Int place = place_of(row);
            a.rows.push_back(row);
            job(place, arrived.times_ps[i], service_ps(place, t.synapses[log.axon[row]]));
        }
    }
    for (std::size_t i = 0; any_relays && i < arrived.numbers.size(); ++i) {
        const Carried& message = carried(arrived.numbers[i]);
        if (!message.to_relays) continue;
        a.relayed.push_back(message.first_row);
        a.n_relayed.push_back(message.n_rows);
        job(message.place, arrived.times_ps[i], message.service_ps);
    }
    n_under_way_ -= static_cast<Int>(arrived.numbers.size());
    serve(place_, arrival_, service_, t.receiver_free, done_);
    for (std::size_t i = 0; i < a.rows.size(); ++i) log.arrival_ps[a.rows[i]] = done_[i];
    a.last_ps = done_.empty() ? 0 : *std::max_element(done_.begin(), done_.end());
    a.relayed_ps.assign(done_.begin() + static_cast<std::ptrdiff_t>(a.rows.size()), done_.end());
    done_.resize(a.rows.size());
    a.done_ps.swap(done_);
    return a;
}

}  // namespace pycosim::timing
