"""Bars for a person at a terminal; silence for everybody else."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Bar:
    """One line on standard error that is drawn only on a terminal."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def begin(self, label: str, total: int) -> None:
        """Start a piece of work of `total` steps; the one before it is over."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(label, total=total)

    def advance(self) -> None:
        """Finish one step."""
        if self._task is not None:
            self._progress.advance(self._task)

    def reached(self, done: int, total: int, label: str) -> None:
        """Say how far a library function has come."""
        if self._task is None:
            self.begin(label, total)
        if self._task is not None:
            self._progress.update(
                self._task, completed=done, total=total, description=label
            )
