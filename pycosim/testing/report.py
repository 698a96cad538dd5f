"""Running named checks and reporting all that fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pycosim.errors import PycosimError


class ConformanceError(PycosimError, AssertionError):
    """One or more checks of the conformance suite failed.

    Attributes
    ----------
    failures : dict of str to str
        Name of each failed check, and how it failed.
    """

    def __init__(self, what: str, failures: dict[str, str], n_checks: int):
        self.failures = failures
        lines = "\n".join(f"  - {name}: {text}" for name, text in failures.items())
        super().__init__(f"{what} fails {len(failures)} of {n_checks} checks:\n{lines}")


def run_checks(what: str, checks: Mapping[str, Callable[[str], None]], name: str) -> list[str]:
    """Run every check on the target called `name`; return their names, or raise ConformanceError."""
    failures = {}
    for title, check in checks.items():
        try:
            check(name)
        except Exception as error:  # a check may fail in any way, and the others must still run
            failures[title] = f"{type(error).__name__}: {error}"
    if failures:
        raise ConformanceError(what, failures, len(checks))
    return list(checks)
