"""sPyNNaker's structural plasticity: its rules, synapse types, and the projections that consist of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycosim.errors import InvalidInputError, NotSupportedError
from pycosim.frontend import simulator
from pycosim.frontend.dialects import negative_inhibition
from pycosim.frontend.plastic_synapses import STDPMechanism
from pycosim.frontend.projections import Projection, delay_steps
from pycosim.frontend.synapses import StaticSynapse
from pycosim.network import RewiredProjection


class _Rule:
    """A part of the mechanism: parameters with their values."""

    parameters: dict[str, float]


class RandomSelection(_Rule):
    """Partners are drawn from all presynaptic neurons."""

    def __init__(self) -> None:
        self.parameters = {"spike_buffer_size": 1}


class LastNeuronSelection(_Rule):
    """Partners are drawn from the presynaptic neurons that fired in the last step.

    Parameters
    ----------
    spike_buffer_size : int
        How many spikes of a step count.
    """

    def __init__(self, spike_buffer_size: int = 64):
        self.parameters = {"spike_buffer_size": spike_buffer_size}


class DistanceDependentFormation(_Rule):
    """Formation with a probability that falls with the distance on a periodic grid, as a Gaussian.

    Parameters
    ----------
    grid : (2,) sequence of int
        Size of the grid on which the neurons of a population lie.
    p_form_forward, sigma_form_forward : float
        Probability at distance 0, and spread, between different populations.
    p_form_lateral, sigma_form_lateral : float
        The same within one population.
    """

    def __init__(
        self,
        grid: Any = (16, 16),
        p_form_forward: float = 0.16,
        sigma_form_forward: float = 2.5,
        p_form_lateral: float = 1.0,
        sigma_form_lateral: float = 1.0,
    ):
        sizes = np.asarray(grid, np.float64)
        if sizes.shape != (2,):
            raise InvalidInputError(f"DistanceDependentFormation(grid={grid!r}): give two numbers.")
        self.grid = sizes.astype(int)
        self.forward = {"p_form": p_form_forward, "sigma_form": sigma_form_forward}
        self.lateral = {"p_form": p_form_lateral, "sigma_form": sigma_form_lateral}

    def between(self, pre: Any, post: Any) -> dict[str, float]:
        """Return the parameters for two populations."""
        sizes = {"grid_x": int(self.grid[0]), "grid_y": int(self.grid[1])}
        return sizes | (self.lateral if pre == post else self.forward)


class RandomByWeightElimination(_Rule):
    """Elimination with a probability that depends on whether the weight is below a threshold.

    Parameters
    ----------
    threshold : float
    prob_elim_depressed, prob_elim_potentiated : float
        Probabilities for weights below the threshold, and for others.
    """

    def __init__(
        self, threshold: float, prob_elim_depressed: float = 0.0245, prob_elim_potentiated: float = 1.36e-4
    ):
        self.parameters = {
            "threshold": threshold,
            "prob_elim_depressed": prob_elim_depressed,
            "prob_elim_potentiated": prob_elim_potentiated,
        }


class StructuralProjection(Projection):
    """Synapses that are formed and eliminated; `pycosim.network.rewiring` has the rules.

    What is read are the present synapses. Weights and delays can be set before the first run.
    """

    _kind = "rewired projection"

    @staticmethod
    def _described() -> list[Any]:
        return simulator.state.network.rewired

    def _expanded(self) -> RewiredProjection:
        mechanism = self.synapse_type
        simulator.state.require_one_process(type(mechanism).__name__)
        synapses = super()._expanded()
        return RewiredProjection(
            synapses.label,
            synapses.receptor,
            synapses.source_column(),
            synapses.targets,
            synapses.weights,
            synapses.delays,
            candidates=self.pre.all_cells.astype(np.int32),
            posts=self.post.all_cells.astype(np.int32),
            partner_selection=type(mechanism.partner_selection).__name__,
            parameters=mechanism.rewiring_parameters(self),
            seed=mechanism.seed,
            plasticity=synapses.plasticity,
        )

    def _present(self) -> dict[str, NDArray[Any]]:
        """Return the columns of the present synapses by PyNN's names."""
        state = simulator.state
        if state.knows(0) and self.number < state.n_known[3]:
            sources, targets, weights, delays = state.simulation.rewired_synapses(self.number)
        else:
            column = self.column
            sources, targets = column.sources, column.targets
            weights, delays = column.weight_column(), column.delay_column()
        return {
            "presynaptic_index": _places(self.pre, sources),
            "postsynaptic_index": _places(self.post, targets),
            "weight": weights,
            "delay": np.round(delays * state.dt, 9),
        }

    @property
    def pre_indices(self) -> NDArray[np.int64]:
        """Presynaptic indices of the present synapses."""
        return self._present()["presynaptic_index"]

    @pre_indices.setter
    def pre_indices(self, first: NDArray[np.int64]) -> None:
        """Leave those of the first synapses, which the description has, to it."""

    @property
    def post_indices(self) -> NDArray[np.int64]:
        """Postsynaptic indices of the present synapses."""
        return self._present()["postsynaptic_index"]

    @post_indices.setter
    def post_indices(self, first: NDArray[np.int64]) -> None:
        """Leave those of the first synapses, which the description has, to it."""

    def __len__(self) -> int:
        """Return the present number of synapses."""
        return len(self._present()["weight"])

    def attribute(self, name: str) -> NDArray[Any]:
        """Return one column of the present synapses, or a parameter of the rule, by sPyNNaker's name."""
        present = self._present()
        if name in present:
            return present[name]
        plasticity = self.column.plasticity
        known = dict(self.column.parameters)
        if plasticity is not None:
            known |= plasticity.parameters
            known["dendritic_delay_fraction"] = plasticity.dendritic_delay_fraction
        if name in known:
            return np.full(len(present["weight"]), known[name])
        raise AttributeError(
            f"Projection {self.label!r} has no attribute {name!r}; it has weight, delay, {', '.join(known)}."
        )

    def assign(self, **values: NDArray[np.float64] | float) -> None:
        """Put new weights or delays of the first synapses into the description."""
        simulator.state.require_not_running("Setting values of synapses with structural plasticity")
        other = sorted(set(values) - {"weight", "delay"})
        if other:
            raise NotSupportedError(
                f"Projection {self.label!r}: give {', '.join(other)} to the synapse type; only weight "
                "and delay of synapses with structural plasticity can be set later."
            )
        if "weight" in values:
            self.column.weights = negative_inhibition(self, values["weight"], self.receptor_type)
        if "delay" in values:
            self.column.delays = delay_steps(values["delay"], self.label)


def _places(cells: Any, numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Return the indices among cells of neurons given by their global numbers."""
    all_cells = cells.all_cells.astype(np.int64)
    order = np.argsort(all_cells, kind="stable")
    return order[np.searchsorted(all_cells, numbers, sorter=order)] if len(numbers) else np.empty(0, np.int64)


class _Structural:
    """What both synapse types with structural plasticity have."""

    projection_class = StructuralProjection

    def _take(self, rules: tuple[Any, Any, Any], new: dict[str, Any], seed: int | None) -> None:
        known = {
            "partner_selection": (RandomSelection, LastNeuronSelection),
            "formation": (DistanceDependentFormation,),
            "elimination": (RandomByWeightElimination,),
        }
        for rule, (role, kinds) in zip(rules, known.items()):
            if type(rule) not in kinds:
                names = ", ".join(kind.__name__ for kind in kinds)
                raise NotSupportedError(f"{type(self).__name__}({role}={rule!r}): give one of {names}.")
        self.partner_selection, self.formation, self.elimination = rules
        self.seed, self._new = seed, new

    def rewiring_parameters(self, projection: Any) -> dict[str, float]:
        """Return the parameters of the description for one projection."""
        delays = np.broadcast_to(np.asarray(self._new["initial_delay"], np.float64), (2,))
        low, high = (int(delay_steps(float(delay), projection.label)) for delay in delays)
        weight = float(self._new["initial_weight"])
        if projection.receptor_type == "inhibitory" and not projection.post.conductance_based:
            weight = -abs(weight)
        return {
            "f_rew": float(self._new["f_rew"]),
            "s_max": float(self._new["s_max"]),
            "with_replacement": float(bool(self._new["with_replacement"])),
            "initial_weight": weight,
            "initial_delay_low": float(low),
            "initial_delay_high": float(high),
            **{name: float(value) for name, value in self.partner_selection.parameters.items()},
            **self.formation.between(projection.pre, projection.post),
            **self.elimination.parameters,
        }


class StructuralMechanismStatic(_Structural, StaticSynapse):
    """Synapses with constant weights that are formed and eliminated, see `pycosim.network.rewiring`.

    Parameters
    ----------
    partner_selection : RandomSelection or LastNeuronSelection
    formation : DistanceDependentFormation
    elimination : RandomByWeightElimination
    f_rew : float
        Attempts per second, of all neurons of the postsynaptic population together.
    initial_weight : float
        Weight of a new synapse.
    initial_delay : float or (float, float)
        Delay of a new synapse in ms, or the range that it is drawn from.
    s_max : int
        Slots for synapses of each postsynaptic neuron.
    with_replacement : bool
        Whether two neurons may be connected more than once.
    seed : int, optional
        Another one gives other draws.
    weight, delay
        Of the synapses that the connector makes.
    """

    def __init__(
        self,
        partner_selection: Any,
        formation: Any,
        elimination: Any,
        f_rew: float = 10**4,
        initial_weight: float = 0,
        initial_delay: Any = 1,
        s_max: int = 32,
        with_replacement: bool = True,
        seed: int | None = None,
        weight: Any = 0.0,
        delay: Any = None,
    ):
        slots = {"f_rew": f_rew, "s_max": s_max, "with_replacement": with_replacement}
        new = {"initial_weight": initial_weight, "initial_delay": initial_delay}
        self._take((partner_selection, formation, elimination), slots | new, seed)
        super().__init__(weight=weight, delay=delay)


class StructuralMechanismSTDP(_Structural, STDPMechanism):
    """Synapses with spike-timing-dependent plasticity that are formed and eliminated.

    Parameters
    ----------
    partner_selection, formation, elimination
        As of StructuralMechanismStatic, like all parameters not named here.
    timing_dependence, weight_dependence, voltage_dependence, dendritic_delay_fraction
        As of STDPMechanism; their parameters are numbers.
    backprop_delay : bool
        True: a postsynaptic spike reaches the synapse after the dendritic delay.
    """

    def __init__(
        self,
        partner_selection: Any,
        formation: Any,
        elimination: Any,
        timing_dependence: Any = None,
        weight_dependence: Any = None,
        voltage_dependence: Any = None,
        dendritic_delay_fraction: float = 1.0,
        f_rew: float = 10**4,
        initial_weight: float = 0,
        initial_delay: Any = 1,
        s_max: int = 32,
        with_replacement: bool = True,
        seed: int | None = None,
        weight: Any = 0.0,
        delay: Any = None,
        backprop_delay: bool = True,
    ):
        if not backprop_delay:
            raise NotSupportedError(
                "StructuralMechanismSTDP(backprop_delay=False) is not supported; dendritic_delay_fraction=0 "
                "lets postsynaptic spikes reach the synapse at once."
            )
        slots = {"f_rew": f_rew, "s_max": s_max, "with_replacement": with_replacement}
        new = {"initial_weight": initial_weight, "initial_delay": initial_delay}
        self._take((partner_selection, formation, elimination), slots | new, seed)
        parts = timing_dependence, weight_dependence, voltage_dependence
        super().__init__(*parts, dendritic_delay_fraction, weight, delay)


STRUCTURAL: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        RandomSelection,
        LastNeuronSelection,
        DistanceDependentFormation,
        RandomByWeightElimination,
        StructuralMechanismStatic,
        StructuralMechanismSTDP,
    )
}
"""sPyNNaker's parts of structural plasticity, by name."""
