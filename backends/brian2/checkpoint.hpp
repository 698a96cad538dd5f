// Data in and out of a generated program: every array is a file, named "object.variable", of raw numbers.
//
// Brian2's own program starts at time 0 and ends with the run. With these functions it begins at any step
// with the state, and the spikes under way, that the run before left, and leaves its own.

#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "injection.hpp"
#include "poisson_source.hpp"

namespace pycosim {

[[noreturn]] inline void fail(const std::string& file, const char* what) {
    std::cerr << "pycosim: " << what << " " << file << std::endl;
    std::exit(3);
}

/// The contents of a file, as long as this exists.
class Contents {
public:
    explicit Contents(const std::string& name) {
        const std::string path = "data/" + name;
        const int file = open(path.c_str(), O_RDONLY);
        struct stat status;
        if (file < 0 || fstat(file, &status) != 0) fail(path, "cannot open");
        n_bytes_ = static_cast<size_t>(status.st_size);
        if (n_bytes_) start_ = mmap(nullptr, n_bytes_, PROT_READ, MAP_PRIVATE, file, 0);
        if (start_ == MAP_FAILED) fail(path, "cannot read");
        close(file);
    }
    ~Contents() {
        if (n_bytes_) munmap(start_, n_bytes_);
    }
    Contents(const Contents&) = delete;
    Contents& operator=(const Contents&) = delete;

    template <class T>
    const T* begin() const {
        return static_cast<const T*>(start_);
    }
    template <class T>
    const T* end() const {
        return begin<T>() + n_bytes_ / sizeof(T);
    }
    size_t n_bytes() const { return n_bytes_; }

private:
    void* start_ = nullptr;
    size_t n_bytes_ = 0;
};

template <class T>
std::vector<T> read(const std::string& name) {
    const Contents file(name);
    return {file.begin<T>(), file.end<T>()};
}

template <class T>
void write(const std::string& name, const T* values, size_t n) {
    const std::string path = "results/" + name;
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(n * sizeof(T)));
    file.close();
    if (!file) fail(path, "cannot write");
}

template <class T>
void load(const std::string& name, T* target, size_t n) {
    const std::vector<T> values = read<T>(name);
    if (values.size() != n) fail(name, "wrong number of values in");
    std::copy(values.begin(), values.end(), target);
}

template <class T>
void load(const std::string& name, std::vector<T>& target) {
    target = read<T>(name);
}

/// Both ends of synapses. Sources are a column, or how many synapses each of them has; targets have two bytes or four.
inline void load_ends(const std::string& name, std::vector<int32_t>& sources, std::vector<int32_t>& targets) {
    const Contents file(name + "._synaptic_post");
    if (access(("data/" + name + "._synaptic_rows").c_str(), F_OK) == 0) {
        const Contents rows(name + "._synaptic_rows");
        const int32_t* const begin = rows.begin<int32_t>();
        sources.reserve(static_cast<size_t>(std::accumulate(begin, rows.end<int32_t>(), int64_t{0})));
        for (const int32_t* row = begin; row != rows.end<int32_t>(); ++row)
            sources.insert(sources.end(), static_cast<size_t>(*row), static_cast<int32_t>(row - begin));
    } else {
        load(name + "._synaptic_pre", sources);
    }
    if (file.n_bytes() == sources.size() * sizeof(uint16_t))
        targets.assign(file.begin<uint16_t>(), file.end<uint16_t>());
    else
        targets.assign(file.begin<int32_t>(), file.end<int32_t>());
    if (targets.size() != sources.size()) fail(name, "wrong number of values in");
}

/// The currents of this run; its first step and the number of columns are in a file of their own.
inline void load_currents() {
    const std::vector<int64_t> shape = read<int64_t>("network.currents_shape");
    injection = {read<double>("network.currents"), shape[0], shape[1]};
}

/// Samples of a state monitor, row by row.
template <class Array>
void write_samples(const std::string& name, Array& samples) {
    std::vector<double> rows;
    rows.reserve(static_cast<size_t>(samples.n) * samples.m);
    const int n_rows = static_cast<int>(samples.n), n_columns = static_cast<int>(samples.m);
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_columns; j++) rows.push_back(samples(i, j));
    write(name, rows.data(), rows.size());
}

/// Times as whole steps.
inline void write_steps(const std::string& name, const std::vector<double>& times, double dt) {
    std::vector<int64_t> steps(times.size());
    std::transform(times.begin(), times.end(), steps.begin(),
                   [dt](double t) { return static_cast<int64_t>(t / dt + 0.5); });
    write(name, steps.data(), steps.size());
}

/// Let the first thread's queue have all synapses of a pathway.
template <class Delay>
void queue_by_one_thread(SynapticPathway& pathway, std::vector<Delay>& delays) {
    if (pathway.queue.size() == 1) return;
    for (size_t thread = 0; thread < pathway.queue.size(); thread++) {
        CSpikeQueue& queue = *pathway.queue[thread];
        const bool has_all = thread == 0;
        queue.openmp_padding = 0;
        queue.prepare(delays.data(), has_all ? static_cast<int>(delays.size()) : 1, pathway.sources.data(),
                      has_all ? static_cast<int>(pathway.sources.size()) : 0, queue.dt);
    }
}

/// Spikes under way: for each the number of steps until it acts, counted from the next step (0), and its synapse.
inline void load_pending(const std::string& name, SynapticPathway& pathway) {
    const std::vector<int32_t> ahead = read<int32_t>(name + ".pending_ahead");
    const std::vector<int32_t> synapses = read<int32_t>(name + ".pending_synapses");
    CSpikeQueue& queue = *pathway.queue[0];  // with several threads as well: queues are emptied in their order
    for (size_t i = 0; i < ahead.size(); i++) {
        queue.ensure_delay(ahead[i] + 1);
        queue.queue[(queue.offset + ahead[i] + 1) % queue.queue.size()].push_back(synapses[i]);
    }
}

inline void write_pending(const std::string& name, SynapticPathway& pathway) {
    size_t n_slots = 0;
    for (const CSpikeQueue* queue : pathway.queue) n_slots = std::max(n_slots, queue->queue.size());
    std::vector<int32_t> ahead, synapses;
    for (size_t i = 1; i < n_slots; i++) {
        for (const CSpikeQueue* queue : pathway.queue) {
            if (i >= queue->queue.size()) continue;
            const std::vector<int32_t>& slot = queue->queue[(queue->offset + i) % queue->queue.size()];
            ahead.insert(ahead.end(), slot.size(), static_cast<int32_t>(i - 1));
            synapses.insert(synapses.end(), slot.begin(), slot.end());
        }
    }
    write(name + ".pending_ahead", ahead.data(), ahead.size());
    write(name + ".pending_synapses", synapses.data(), synapses.size());
}

/// Let a clock tick next at the first multiple of its interval that is not before a step.
inline void set_clock(Clock& clock, double dt, int64_t interval, int64_t step) {
    clock.dt[0] = dt * static_cast<double>(interval);
    clock.timestep[0] = (step + interval - 1) / interval;
    clock.t[0] = static_cast<double>(clock.timestep[0]) * clock.dt[0];
}

/// A spike generator whose train is drawn while the program runs, some steps at a time.
struct DrawnTrain {
    std::string name;
    PoissonRates rates;
    std::vector<int32_t>*steps, *indices;
    int32_t* next;
    size_t capacity;
    decltype(&draw_poisson) draw;

    void refill(int64_t begin, int64_t end) {
        draw(rates, begin, end, *steps, *indices);
        *next = 0;
        size_t in_step = 0;
        for (size_t i = 0; i < steps->size(); i++) {
            in_step = i > 0 && (*steps)[i] == (*steps)[i - 1] ? in_step + 1 : 1;
            if (in_step > capacity) fail(name, "more spikes in a step than there is room for in");
        }
    }
};

inline std::vector<DrawnTrain> drawn_trains;

inline void add_drawn_train(const std::string& name, std::vector<int32_t>& steps, std::vector<int32_t>& indices,
                            int32_t* next, size_t capacity, decltype(&draw_poisson) draw) {
    const std::vector<int64_t> key = read<int64_t>(name + ".poisson_key");
    PoissonRates rates{read<double>(name + ".poisson_rates"), read<int64_t>(name + ".poisson_active"),
                       static_cast<uint64_t>(key[0]), static_cast<uint64_t>(key[1])};
    drawn_trains.push_back({name, std::move(rates), &steps, &indices, next, capacity, draw});
}

/// Number of steps whose drawn spikes stay in the cache.
inline int64_t steps_of_drawn_trains() {
    double largest = 0;
    for (const DrawnTrain& train : drawn_trains)
        largest = std::max(largest, std::accumulate(train.rates.per_step.begin(), train.rates.per_step.end(), 0.0));
    return std::clamp<int64_t>(static_cast<int64_t>(20000 / (largest + 1)) / 4 * 4, 4, 1000);
}

/// Run n steps from the step `first` on, and print now and then how many have been done.
inline void run(Network& network, double dt, int64_t first, int64_t n) {
    const int64_t piece = std::max<int64_t>(1, (n + 49) / 50);
    for (int64_t done = 0; done < n; done += piece) {
        const int64_t now = std::min(piece, n - done);
        const int64_t part = drawn_trains.empty() ? now : steps_of_drawn_trains();
        for (int64_t begin = first + done; begin < first + done + now; begin += part) {
            const int64_t end = std::min(begin + part, first + done + now);
            for (DrawnTrain& train : drawn_trains) train.refill(begin, end - 1);
            network.t = static_cast<double>(begin) * dt;
            network.run(static_cast<double>(end - begin) * dt, NULL, 10.0);
        }
        std::cout << "steps " << now << std::endl;
    }
}

}  // namespace pycosim
