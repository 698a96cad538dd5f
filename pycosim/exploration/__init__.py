"""Design-space exploration: named choices in, a data frame with a Pareto front out."""

from pycosim.exploration.search import explore
from pycosim.exploration.space import Choice, as_choices
from pycosim.exploration.study import Exploration

__all__ = ["Choice", "Exploration", "as_choices", "explore"]
