"""Synapses that change while a network runs: the exact rules on the grid of steps.

Spike-timing-dependent plasticity
---------------------------------
The delay D of a synapse, in steps, has a dendritic part ``d = floor(fraction * D + 1/2)`` and an axonal part
``D - d``. A presynaptic spike of step s reaches the synapse at step ``s + D - d``, and acts on the neuron at
step ``s + D`` with the weight that it found there. A postsynaptic spike of step t reaches the synapse at step
``t + d``.

Every spike is paired with all earlier ones of the other side (all-to-all) through two traces, which start at
0, decay with `tau_pre` and `tau_post`, and grow by 1 with every spike of their side that reaches the synapse.
With the coefficients that `Plasticity.coefficients` names,

- a postsynaptic spike sets ``w = bounded(w + post_gain * pre_trace * up(w))``;
- a presynaptic spike sets ``w = bounded(w + pre_gain * post_trace * up(w)
  - (pre_loss * post_trace + constant_loss) * down(w))``, and only then is w transmitted.

`SpikePairRule` (A_plus, A_minus, tau_plus, tau_minus) has ``post_gain = A_plus``, ``pre_loss = A_minus``.
`Vogels2011Rule` (tau, eta, rho) has both gains ``eta / |w_max|`` and the constant loss
``2 rho tau eta / |w_max|`` (Vogels et al. 2011, Science 334:1569, rho in Hz); with the additive weight
dependence the weight therefore changes by at most eta for a pair of spikes.

==============================================  ===========================  ============================
weight dependence                               up(w)                        down(w)
==============================================  ===========================  ============================
AdditiveWeightDependence                        w_max                        w_max
MultiplicativeWeightDependence                  w_max - w                    w - w_min
AdditivePotentiationMultiplicativeDepression    w_max                        w - w_min
GutigWeightDependence, R = w_max - w_min        R ((w_max - w)/R)^mu_plus    R ((w - w_min)/R)^mu_minus
==============================================  ===========================  ============================

`bounded` puts w between w_min and w_max. Negative weights have a negative w_max, which they are potentiated
towards. With ``w_min = 0`` all of this is what NEST's ``stdp_synapse`` computes.

Coincidences follow NEST: spikes of both sides that reach a synapse at the same step are not paired with each
other, and the postsynaptic spike comes first. Only where d is 0 it comes second: the neuron fires at the end
of the step, when the presynaptic spike has already acted. A spike whose partners are all still to come
changes nothing, not even a weight that is out of bounds.

Other rules of both sides' spikes
---------------------------------
`SpikeNearestPairRule` (A_plus, A_minus, tau_plus, tau_minus) pairs neighbours only, as sPyNNaker's rule of
that name: a presynaptic spike with the latest postsynaptic one, and a postsynaptic spike with the latest
presynaptic one, unless another postsynaptic spike came after that. (Traces are set to 1 instead of growing by
1, and a postsynaptic spike sets the presynaptic trace to 0.)

`PfisterSpikeTriplet` (A_plus, A_minus, A3_plus, A3_minus, tau_plus, tau_minus, tau_x, tau_y; Pfister &
Gerstner 2006, J Neurosci 26:9673, all-to-all) has two slower traces besides, of presynaptic spikes with
`tau_x` and of postsynaptic ones with `tau_y`. With these as they are before the spikes of the step,

- a postsynaptic spike sets ``w = bounded(w + pre_trace * (A_plus + A3_plus * slow_post_trace) * up(w))``;
- a presynaptic spike sets ``w = bounded(w - post_trace * (A_minus + A3_minus * slow_pre_trace) * down(w))``.

`DopaminePairRule` (the pair rule's parameters, tau_c, tau_d, d_base; Izhikevich 2007, Cereb Cortex 17:2443).
The pair rule changes the eligibility c of a synapse instead of its weight, by A_plus and A_minus times a
trace and ``up(w) / |w_max|`` or ``down(w) / |w_max|``, and, with time in ms,

    c' = -c / tau_c,   d' = -(d - d_base) / tau_d,   w' = c d,   w = bounded(w) wherever c is not 0.

d is the dopamine at the neuron. It is `d_base` when the synapse is made. A spike that acts through a
projection whose rule is `Dopamine` changes it by the weight of the synapse: upwards if the projection's
receptor is "reward", downwards if it is "punishment". Such projections do nothing else. CARLsim's DA_MOD is
the same in steps of its update interval, with ``baseDP`` for d_base and ``tauDP`` for tau_d.

`HomeostaticPairRule` (the pair rule's parameters, base_rate R, homeo_scale, tau_rate T, update_interval;
Carlson et al. 2013, Proc IJCNN, in the form that CARLsim has). The pair rule's changes add up in c. At the
end of every step whose number is a multiple of `update_interval`,

    w = bounded(w + (homeo_scale (1 - r / R) w update_interval / (1 s) + c) K),   c = 0,
    K = (R / Hz) / (T / s) / (1 + 50 |1 - r / R|),

where r is the mean rate of the neuron: R when the synapse is made, it decays with T and grows by 1 / T with
every spike of the neuron.

`IntegerPairRule` (the pair rule's parameters, impulse, w_step), with the additive weight dependence, is the
pair rule of chips that learn with whole numbers. Traces are 0 to 127 and grow by `impulse`, cut at 127. In
each step a trace becomes ``rounded(trace * exp(-dt / tau))``; a postsynaptic spike sets
``w = bounded(w + w_step * rounded(A_plus * pre_trace))``, a presynaptic one
``w = bounded(w - w_step * rounded(A_minus * post_trace))``. `rounded` takes the next whole number below or
above, the nearer the likelier. A draw depends on the network's seed, the projection, the synapse and the
step.

Short-term plasticity
---------------------
`TsodyksMarkram` (U, tau_rec, tau_facil; Tsodyks, Uziel & Markram 2000, J Neurosci 20:RC50). Of a synapse's
resources the fraction y is active, z inactive and x = 1 - y - z recovered; between spikes
``y' = -y / tau_psc``, ``z' = y / tau_psc - z / tau_rec``, ``u' = -u / tau_facil``. A presynaptic spike first
sets ``u = u + U (1 - u)`` (U itself where tau_facil is 0), then moves ``u x`` from x to y, and transmits
``weight u x``. At step 0, y = z = 0, and u has its initial value. `tau_psc` is the time constant of the
receptor that the synapse ends on, 0 where it has none.

`Quantal` (U, n, tau_rec, tau_facil; Fuhrmann et al. 2002, J Neurophysiol 87:140) has n release sites, of
which a (unless given: all) are available at step 0. At a presynaptic spike u is as above, each empty site has
become available with probability ``1 - exp(-interval / tau_rec)``, then each available site releases with
probability u and is empty; ``weight * released / n`` is transmitted. `StochasticTsodyksMarkram` (U, tau_rec,
tau_facil) has one site, `SimpleStochastic` (p) one that is always available, with u = p. Draws are
counter-based: they depend on the network's seed, the projection, the synapse and its number of spikes so far.

A spike uses the state at its emission; as only intervals between spikes matter, the delay changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Column = float | NDArray[np.float64]

WEIGHT_DEPENDENCES: dict[str, tuple[str, ...]] = {
    "AdditiveWeightDependence": ("w_min", "w_max"),
    "MultiplicativeWeightDependence": ("w_min", "w_max"),
    "AdditivePotentiationMultiplicativeDepression": ("w_min", "w_max"),
    "GutigWeightDependence": ("w_min", "w_max", "mu_plus", "mu_minus"),
}
"""Parameters of each weight dependence."""

TIMING_RULES: dict[str, tuple[str, ...]] = {
    "SpikePairRule": ("tau_plus", "tau_minus", "A_plus", "A_minus"),
    "Vogels2011Rule": ("tau", "eta", "rho"),
    "SpikeNearestPairRule": ("tau_plus", "tau_minus", "A_plus", "A_minus"),
    "PfisterSpikeTriplet": (
        *("tau_plus", "tau_minus", "tau_x", "tau_y", "A_plus", "A_minus", "A3_plus", "A3_minus"),
    ),
    "DopaminePairRule": ("tau_plus", "tau_minus", "A_plus", "A_minus", "tau_c", "tau_d", "d_base"),
    "HomeostaticPairRule": (
        *("tau_plus", "tau_minus", "A_plus", "A_minus"),
        *("base_rate", "homeo_scale", "tau_rate", "update_interval"),
    ),
    "IntegerPairRule": ("tau_plus", "tau_minus", "A_plus", "A_minus", "impulse", "w_step"),
}
"""Parameters of each rule that depends on spikes of both sides."""

ALL_TO_ALL_RULES = ("SpikePairRule", "Vogels2011Rule")
"""Timing rules that consist of the first section's two updates of the weight and nothing else."""

SHORT_TERM_RULES: dict[str, tuple[str, ...]] = {
    "TsodyksMarkram": ("U", "tau_rec", "tau_facil"),
    "Quantal": ("U", "n", "tau_rec", "tau_facil"),
    "StochasticTsodyksMarkram": ("U", "tau_rec", "tau_facil"),
    "SimpleStochastic": ("p",),
}
"""Parameters of each rule that depends on presynaptic spikes only."""

DOPAMINE = "Dopamine"
"""The rule of synapses that release dopamine; their weights do not change."""

DOPAMINE_SIGN = {"reward": 1.0, "punishment": -1.0}
"""Receptors of such synapses, and what their weights are multiplied with."""

ALL_SITES = 2.0**31
"""Initial value of "a" that stands for all release sites."""

INTEGER_PAIR = "IntegerPairRule"
"""The rule with whole numbers."""

MAX_TRACE = 127.0
"""Its largest trace, 7 bits."""

SHARED = frozenset(
    "tau_plus tau_minus tau tau_x tau_y tau_c tau_d tau_rate update_interval".split(),
)
"""Parameters that all synapses of a projection share."""


@dataclass(frozen=True)
class Plasticity:
    """How the synapses of a projection change; the module's text has the equations.

    Attributes
    ----------
    rule : str
        A name of `TIMING_RULES` or `SHORT_TERM_RULES`, or `DOPAMINE`.
    weight_dependence : str
        A name of `WEIGHT_DEPENDENCES`, for timing rules.
    parameters : dict of str to float or (n_synapses,) float64 ndarray
        Those of the rule and of the weight dependence: ms, Hz, and the unit of the weights.
    initial : dict of str to float or (n_synapses,) float64 ndarray
        Initial values of state variables: "u" of short-term rules, "a" of the quantal one.
    dendritic_delay_fraction : float
        Share of the delay that a postsynaptic spike takes to the synapse, for timing rules.
    """

    rule: str
    weight_dependence: str = ""
    parameters: dict[str, Column] = field(default_factory=dict)
    initial: dict[str, Column] = field(default_factory=dict)
    dendritic_delay_fraction: float = 1.0

    @property
    def changes_weights(self) -> bool:
        """Whether the weight itself changes, and not only what is transmitted of it."""
        return self.rule in TIMING_RULES

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """The parameters that the rule and the weight dependence need."""
        own = TIMING_RULES.get(self.rule) or SHORT_TERM_RULES.get(self.rule, ())
        return own + WEIGHT_DEPENDENCES.get(self.weight_dependence, ())

    def dendritic_steps(self, delays: ArrayLike) -> NDArray[np.int32]:
        """Return the dendritic part of delays in steps."""
        return np.floor(self.dendritic_delay_fraction * np.asarray(delays) + 0.5).astype(np.int32)

    def update_steps(self, dt_ms: float) -> int:
        """Return the homeostatic rule's update interval in steps, at least one."""
        return max(1, round(float(self.parameters["update_interval"]) / dt_ms))

    def quantal_parameters(self) -> dict[str, Column]:
        """Return U, n, tau_rec and tau_facil of a stochastic rule; a tau_rec of 0 ms means at once."""
        if self.rule == "SimpleStochastic":
            return {"U": self.parameters["p"], "n": 1.0, "tau_rec": 0.0, "tau_facil": 0.0}
        return {"n": 1.0} | {name: self.parameters[name] for name in self.parameter_names}

    def coefficients(self) -> dict[str, Column]:
        """Return what a timing rule's equations above are written in, each a number or a column.

        "tau_pre" and "tau_post" are numbers, in ms. Rules besides the all-to-all ones also have their other
        parameters under their own names.
        """
        p = self.parameters
        bounds = {"w_min": p["w_min"], "w_max": p["w_max"]}
        powers = {"mu_plus": p.get("mu_plus", 0.0), "mu_minus": p.get("mu_minus", 0.0)}
        if self.rule != "Vogels2011Rule":
            taus = {"tau_pre": float(p["tau_plus"]), "tau_post": float(p["tau_minus"])}
            unit = np.abs(p["w_max"]) if self.rule == "DopaminePairRule" else 1.0
            gains = {
                "post_gain": p["A_plus"] / unit,
                "pre_gain": 0.0,
                "pre_loss": p["A_minus"] / unit,
                "constant_loss": 0.0,
            }
            own = {name: p[name] for name in TIMING_RULES[self.rule]}
            return own | taus | gains | bounds | powers
        tau = float(p["tau"])
        gain = np.asarray(p["eta"]) / np.abs(p["w_max"])
        loss = gain * (2e-3 * np.asarray(p["rho"]) * tau)
        gains = {"post_gain": gain, "pre_gain": gain, "pre_loss": 0.0, "constant_loss": loss}
        return {"tau_pre": tau, "tau_post": tau} | gains | bounds | powers
