"""Values of synapses that are not kept, as far as they have to be checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """The smallest and the largest of `n` values that are not kept."""

    smallest: float
    largest: float
    n: int
    is_negated: bool = False

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.float64]:
        """Return the two, the smaller one first."""
        return np.array([self.smallest, self.largest], dtype)

    def __neg__(self) -> Limits:
        """Return the limits of the negative values."""
        return Limits(-self.largest, -self.smallest, self.n, not self.is_negated)
