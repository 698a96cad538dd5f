"""How values that are missing in a description could be written."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from pycosim.hwmodels.description import field_kinds
from pycosim.hwmodels.quantities import Constant, Count, Energy, Power, Shape, Size, Time, TimeTable

__all__ = ["example_of"]

_EXAMPLES: dict[Any, str] = {
    Count: "1",
    Size: "1",
    Time: '"10 ns"',
    Energy: '"10 pJ"',
    Power: '"10 mW"',
    Shape: '"8x4"',
    TimeTable: '{ 1 = "10 ns" }',
}


def example_of(place: tuple[str, ...]) -> str:
    """Return how a value that is missing in a description could be written."""
    name = place[-1]
    if len(place) == 1:
        return f"a section [{name}]"
    if len(place) > 2:
        of_parent = field_kinds().get(".".join(place[:2]))
        if name == "value" and of_parent in _EXAMPLES:
            return f"value = {_EXAMPLES[of_parent]}"
        part = Constant.model_fields.get(name)
        return f"{name} = ..." + _choices(part.annotation if part is not None else None)
    kind = field_kinds().get(".".join(place))
    if kind in _EXAMPLES:
        return f'{name} = {{ value = {_EXAMPLES[kind]}, source = "...", confidence = "assumed" }}'
    if get_origin(kind) is dict:
        return f'{name} = {{ name = "..." }}'
    return f'{name} = "..."' + _choices(kind)


def _choices(kind: Any) -> str:
    return f" (one of {', '.join(get_args(kind))})" if get_origin(kind) is Literal else ""
