"""A line in the terminal while a program is generated and compiled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


@contextmanager
def announced(is_shown: bool) -> Iterator[Callable[[str], None]]:
    """Give a function that is told what is being done.

    It is logged and, if `is_shown` and standard error is a terminal, shown with the time since the beginning
    in a line that vanishes at the end.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not is_shown or not console.is_terminal:
        yield lambda what: logger.info("Brian2: %s", what)
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as line:
        task = line.add_task("Brian2", total=None)

        def tell(what: str) -> None:
            logger.info("Brian2: %s", what)
            line.update(task, description=f"Brian2: {what}", refresh=True)

        yield tell
