"""The numbers of the cortical microcircuit of Potjans & Diesmann (2014, Cereb Cortex 24:785), tables 1, 4, 5.

At a scale below 1 there are fewer neurons with fewer synapses; weights grow by 1/sqrt(scale), and a constant
current replaces the mean input that is missing (van Albada et al. 2015, PLoS Comput Biol 11:e1004490).
"""

import numpy as np

SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])  # L2/3, L4, L5, L6; e and i each
EXTERNAL = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # in-degrees from outside
RATES_HZ = np.array([0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523])
PROBABILITIES = np.array(  # [target, source]
    [
        [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
        [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
        [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
        [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
        [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
        [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
        [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
        [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
    ]
)
BACKGROUND_HZ, WEIGHT_NA, G = 8.0, 0.08781, 4.0
TAU_SYN_S = 0.5e-3


def network(scale):
    """Return what all simulators need, by name; layers in the order of `SIZES`.

    sizes : (8,) int
    weights_na : (8, 8) [target, source]
        Their standard deviation is a tenth.
    n_synapses : (8, 8) [target, source]
    offsets_na : (8,)
    poisson_hz : (8,)
        Rate of the input of each neuron, with the weight ``external_na`` and a delay of 1.5 ms.
    """
    pairs = np.outer(SIZES, SIZES).astype(float)
    n_synapses = np.log1p(-PROBABILITIES) / np.log1p(-1 / pairs)  # with several between the same two neurons
    mean = np.where(np.arange(8) % 2, -G, 1.0) * WEIGHT_NA * np.ones((8, 8))
    mean[0, 2] *= 2  # L4e to L2/3e
    missing = (mean * n_synapses / SIZES[:, None]) @ RATES_HZ + WEIGHT_NA * EXTERNAL * BACKGROUND_HZ
    return {
        "sizes": np.round(SIZES * scale).astype(int),
        "weights_na": mean / np.sqrt(scale),
        "n_synapses": (n_synapses * scale**2).astype(int),
        "offsets_na": TAU_SYN_S * (1 - np.sqrt(scale)) * missing,
        "poisson_hz": BACKGROUND_HZ * EXTERNAL * scale,
        "external_na": WEIGHT_NA / np.sqrt(scale),
    }
