"""Inter-spike intervals, and how far a target distorts them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pycosim.results import PacketTable

Int = NDArray[np.int64]
PS_PER_US = 1_000_000


@dataclass(frozen=True)
class IsiDistortion:
    """Distortion of inter-spike intervals, in the unit that the function which made it names.

    Attributes
    ----------
    mean : float
        Mean absolute distortion of each stream, then the mean over streams; nan where no stream has
        an interval to compare.
    signed_mean : float
        The same with signs. Early and late spikes cancel in it, so it tells only whether a target
        stretches or shortens intervals as a whole; never judge a target by it.
    streams : (n_streams,) int64 ndarray
        Neurons, or sources of packets, that had an interval to compare.
    per_stream : (n_streams,) float64 ndarray
        Mean absolute distortion of each.
    """

    mean: float = float("nan")
    signed_mean: float = float("nan")
    streams: Int = field(default_factory=lambda: np.empty(0, np.int64))
    per_stream: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def interspike_intervals(steps: Int, neurons: Int) -> tuple[Int, Int, Int]:
    """Return all inter-spike intervals, ordered by neuron and time.

    Parameters
    ----------
    steps, neurons : (n_spikes,) int64 ndarray
        Spikes in any order.

    Returns
    -------
    neurons, intervals, ranks : (n_intervals,) int64 ndarray
        Neuron, length in steps, and number of the interval in its neuron's train, from 0.
    """
    order = np.lexsort((steps, neurons))
    steps, neurons = steps[order], neurons[order]
    inside = neurons[1:] == neurons[:-1]
    owners, intervals = neurons[1:][inside], np.diff(steps)[inside]
    return owners, intervals, _rank_in_run(owners)


def _rank_in_run(values: Int) -> Int:
    """Return each element's position in its run of equal values, (n,) int64."""
    index = np.arange(len(values))
    starts = np.r_[True, values[1:] != values[:-1]][: len(values)]
    return index - np.maximum.accumulate(np.where(starts, index, 0))


def isi_distortion(reference: tuple[Int, Int], target: tuple[Int, Int], *, dt_ms: float) -> IsiDistortion:
    r"""Return the distortion of the neurons' inter-spike intervals, in ms.

    With :math:`I_{n,k}` the k-th interval of neuron n, and :math:`m_n` the smaller of the numbers of
    intervals that n has in the two runs,

    .. math:: D_n = \frac{1}{m_n} \sum_{k=1}^{m_n} |I^{target}_{n,k} - I^{reference}_{n,k}|,
              \qquad D = \frac{1}{N} \sum_n D_n

    over the N neurons with :math:`m_n \ge 1`.

    The measure is that of PyCARL (Balaji et al., IJCNN 2020) and SpiNeMap (Balaji et al., IEEE TVLSI
    2020), with two changes. It is absolute, because signed values cancel; and it is taken for each neuron,
    not for each pair of cores, because a spike says something to the neuron that receives it from one
    sender. Intervals correspond by their number, so a lost spike also moves all later intervals of its
    neuron; `match_spikes` counts lost spikes as such.

    Parameters
    ----------
    reference, target : tuple of two (n,) int64 ndarray
        Steps and neurons of the spikes of each run.
    dt_ms : float
        Length of a step of both.
    """
    reference_neurons, reference_intervals, reference_ranks = interspike_intervals(*reference)
    target_neurons, target_intervals, target_ranks = interspike_intervals(*target)
    stride = 1 + max(reference_ranks.max(initial=0), target_ranks.max(initial=0))
    _, in_reference, in_target = np.intersect1d(
        reference_neurons * stride + reference_ranks,
        target_neurons * stride + target_ranks,
        assume_unique=True,
        return_indices=True,
    )
    change = (target_intervals[in_target] - reference_intervals[in_reference]) * dt_ms
    return _over_streams(reference_neurons[in_reference], change, np.array([], np.int64))


def packet_isi_distortion(packets: PacketTable) -> IsiDistortion:
    r"""Return the distortion that the chip's communication adds to intervals, in us.

    For the packets i of one source that reached one core, in order of emission, with emission time
    :math:`e_i` and arrival time :math:`a_i`,

    .. math:: D_s = \frac{1}{n_s - 1} \sum_{i=2}^{n_s} |(a_i - a_{i-1}) - (e_i - e_{i-1})|

    and then the mean over all streams s = (source, core) with at least two packets that arrived. The
    definition follows SpiNeMap's (receive gap minus generation gap), for each sending neuron instead of
    each pair of tiles, absolute instead of signed. The streams of the result are the sources.
    """
    arrived = packets.arrived
    source, core = packets.source[arrived], packets.core[arrived]
    emission, arrival = packets.emission_ps[arrived], packets.arrival_ps[arrived]
    order = np.lexsort((arrival, emission, source, core))
    source, core, emission, arrival = source[order], core[order], emission[order], arrival[order]
    inside = (source[1:] == source[:-1]) & (core[1:] == core[:-1])
    change = (np.diff(arrival) - np.diff(emission))[inside] / PS_PER_US
    return _over_streams(source[1:][inside], change, core[1:][inside])


def _over_streams(owners: Int, change: NDArray[np.float64], second: Int) -> IsiDistortion:
    """Average within each run of equal owner (and `second`, where it is not empty), then over runs."""
    if not len(owners):
        return IsiDistortion()
    new = owners[1:] != owners[:-1]
    if len(second):
        new |= second[1:] != second[:-1]
    starts = np.flatnonzero(np.r_[True, new])
    lengths = np.diff(np.r_[starts, len(owners)])
    per_stream = np.add.reduceat(np.abs(change), starts) / lengths
    signed = np.add.reduceat(change, starts) / lengths
    return IsiDistortion(float(per_stream.mean()), float(signed.mean()), owners[starts], per_stream)
