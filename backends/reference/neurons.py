"""The update of each neuron model over one step, in the notation of `pycosim.network.models`.

An `integrate` function takes the state variables `s` from one step to the next, in place. It has the
constants `c` of the model, and the sums of the weights that arrive at the end of the step: `e` for the
excitatory, `i` for the inhibitory receptor. All of them are arrays over the neurons, or numbers. `held` says
which neurons are refractory; those that go on with adaptation meanwhile need it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pycosim.backends.reference import composed, nonlinear
from pycosim.network import Population, model_named
from pycosim.network.individual import individual_parameters
from pycosim.network.junctions import CoupledMembranes
from pycosim.network.models import Coefficients
from pycosim.network.noise import escape_noise, noise_key
from pycosim.network.own_update import Draws

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
States = dict[str, Float]


def curr_delta(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """A spike moves the membrane itself."""
    s["v"] = c["v_rest"] + c["drive"] + (s["v"] - c["v_rest"]) * c["decay_m"] + e + i


def curr_exp(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """Currents decay exponentially."""
    s["v"] = (
        c["v_rest"]
        + c["drive"]
        + (s["v"] - c["v_rest"]) * c["decay_m"]
        + s["i_e"] * c["v_per_i_e"]
        + s["i_i"] * c["v_per_i_i"]
    )
    s["i_e"] = s["i_e"] * c["decay_e"] + e
    s["i_i"] = s["i_i"] * c["decay_i"] + i


def curr_alpha(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """Currents rise at a rate that decays exponentially."""
    s["v"] = (
        c["v_rest"]
        + c["drive"]
        + (s["v"] - c["v_rest"]) * c["decay_m"]
        + s["i_e"] * c["v_per_i_e"]
        + s["di_e"] * c["v_per_di_e"]
        + s["i_i"] * c["v_per_i_i"]
        + s["di_i"] * c["v_per_di_i"]
    )
    s["i_e"] = (s["i_e"] + s["di_e"] * c["rise_e"]) * c["decay_e"]
    s["i_i"] = (s["i_i"] + s["di_i"] * c["rise_i"]) * c["decay_i"]
    s["di_e"] = s["di_e"] * c["decay_e"] + e
    s["di_i"] = s["di_i"] * c["decay_i"] + i


def _conductance_membrane(v: Float, c: Coefficients, g_e: Float, g_i: Float) -> Float:
    """Return the membrane after one step with the mean conductances of the step."""
    g_total = c["g_leak"] + g_e + g_i
    v_inf = (c["drive"] + g_e * c["e_rev_e"] + g_i * c["e_rev_i"]) / g_total
    return v_inf + (v - v_inf) * np.exp(-g_total * c["dt_over_cm"])


def cond_exp(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """Conductances decay exponentially."""
    mean_e = s["g_e"] * c["mean_e"]
    mean_i = s["g_i"] * c["mean_i"]
    s["v"] = _conductance_membrane(s["v"], c, mean_e, mean_i)
    s["g_e"] = s["g_e"] * c["decay_e"] + e
    s["g_i"] = s["g_i"] * c["decay_i"] + i


def cond_alpha(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """Conductances rise at a rate that decays exponentially."""
    mean_e = s["g_e"] * c["mean_e"] + s["dg_e"] * c["mean_rise_e"]
    mean_i = s["g_i"] * c["mean_i"] + s["dg_i"] * c["mean_rise_i"]
    s["v"] = _conductance_membrane(s["v"], c, mean_e, mean_i)
    s["g_e"] = (s["g_e"] + s["dg_e"] * c["rise_e"]) * c["decay_e"]
    s["g_i"] = (s["g_i"] + s["dg_i"] * c["rise_i"]) * c["decay_i"]
    s["dg_e"] = s["dg_e"] * c["decay_e"] + e
    s["dg_i"] = s["dg_i"] * c["decay_i"] + i


def cond_exp_gsfa_grr(s: States, c: Coefficients, e: Float, i: Float, held: Bool) -> None:
    """Two more conductances, which the neuron's own spikes increase."""
    mean_e = s["g_e"] * c["mean_e"]
    mean_i = s["g_i"] * c["mean_i"]
    mean_s = s["g_s"] * c["mean_s"]
    mean_r = s["g_r"] * c["mean_r"]
    g_total = c["g_leak"] + mean_e + mean_i + mean_s + mean_r
    inward = c["drive"] + mean_e * c["e_rev_e"] + mean_i * c["e_rev_i"]
    v_inf = (inward + mean_s * c["e_rev_s"] + mean_r * c["e_rev_r"]) / g_total
    s["v"] = v_inf + (s["v"] - v_inf) * np.exp(-g_total * c["dt_over_cm"])
    s["g_e"] = s["g_e"] * c["decay_e"] + e
    s["g_i"] = s["g_i"] * c["decay_i"] + i
    s["g_s"] = s["g_s"] * c["decay_s"]
    s["g_r"] = s["g_r"] * c["decay_r"]


INTEGRATE = {
    "IF_curr_delta": curr_delta,
    "IF_curr_exp": curr_exp,
    "IF_curr_alpha": curr_alpha,
    "IF_cond_exp": cond_exp,
    "IF_cond_alpha": cond_alpha,
    "IF_cond_exp_gsfa_grr": cond_exp_gsfa_grr,
    "IF_facets_hardware1": cond_exp,
    "EIF_cond_exp_isfa_ista": nonlinear.eif_cond_exp,
    "EIF_cond_alpha_isfa_ista": nonlinear.eif_cond_alpha,
    "HH_cond_exp": nonlinear.hh_cond_exp,
    "Izhikevich": nonlinear.izhikevich,
}


class Neurons:
    """The neurons of one population.

    Parameters
    ----------
    population : Population
    dt_ms : float
    seed : int
        Of neurons that fire at random.
    """

    def __init__(self, population: Population, dt_ms: float, seed: int):
        self._population, self._dt_ms, self._seed, self._key = population, dt_ms, seed, noise_key(seed)
        self._model = model_named(population.model)
        self.states = {name: population.initial_column(name).copy() for name in self._model.states}
        self._refractory_steps_left = np.zeros(population.size)
        self.read_parameters()

    def read_parameters(self, coupled: CoupledMembranes | None = None) -> None:
        """Compute the constants of one step from the parameters, or take those of coupled neurons."""
        population, model = self._population, self._model
        own = coupled.coefficients if coupled else None
        parameters = individual_parameters(model.own, population.parameters, self._seed, population.neurons)
        self._coefficients = own or model.coefficients(parameters, self._dt_ms)

    def advance(
        self, step: int, arrivals: dict[str, Float], current_na: Float | None = None
    ) -> NDArray[np.int64]:
        """Advance to `step` and return the indices of the neurons that fire.

        Parameters
        ----------
        step : int
        arrivals : dict of str to (size,) float64 ndarray
            By receptor: sums of the weights that arrive at the end of the step.
        current_na : (size,) float64 ndarray, optional
            Injected current during the step.
        """
        s, c, model = self.states, self._coefficients, self._model
        if current_na is not None:
            c = c | {"drive": c["drive"] + c["drive_per_na"] * current_na}
        inputs = [arrivals[receptor] for receptor in model.receptors]
        if model.own:
            draws = Draws(self._key, np.asarray(self._population.neurons), step)
            return np.flatnonzero(model.own.step(s, c, inputs, draws))
        if not model.resets:
            return np.flatnonzero(self._integrate(s, c, inputs, np.zeros(s["v"].shape, bool)))
        refractory = self._refractory_steps_left > 0
        self._integrate(s, c, inputs, refractory)
        s["v"] = np.where(refractory, c["v_reset"], s["v"])
        fired = ~refractory & self._is_above(step, s, c)
        s["v"] = np.where(fired, c["v_reset"], s["v"])
        for state, jump in model.spike_jumps.items():
            s[state] = np.where(fired, s[state] + c[jump], s[state])
        if model.composition:
            composed.add_up(model.composition, s, c)
        self._refractory_steps_left = np.where(
            fired, c["refractory_steps"], np.maximum(self._refractory_steps_left - 1, 0)
        )
        return np.flatnonzero(fired)

    def payload(self, index: int) -> float:
        """Return what a spike of a neuron carries at the present step."""
        own = self._model.own
        return float(self.states[own.payload][index]) if own and own.payload else 1.0

    def _integrate(self, s: States, c: Coefficients, inputs: list[Float], held: Bool) -> Bool | None:
        """Return which neurons fire, if they are of a model that is not reset."""
        if self._model.composition:
            return composed.integrate(self._model.composition, s, c, inputs, held)
        return INTEGRATE[self._model.name](s, c, *inputs, held)

    def _is_above(self, step: int, s: States, c: Coefficients) -> Bool:
        """Return which neurons would fire were they not refractory."""
        if not self._model.is_stochastic:
            return s["v"] >= c["v_thresh"]
        noise = escape_noise(self._key, self._population.neurons, step)
        return composed.escapes(self._model.composition, s, c, noise)
