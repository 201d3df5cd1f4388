"""Who is told what a night is at."""

from typing import Protocol


class Progress(Protocol):
    """Told what is going on: a bar on a terminal, nothing elsewhere."""

    def begin(self, label: str, total: int) -> None:
        """Start a piece of work of `total` steps."""

    def advance(self) -> None:
        """Finish one step."""


class Silence:
    """Progress that nobody watches."""

    def begin(self, label: str, total: int) -> None:
        """Say nothing."""

    def advance(self) -> None:
        """Say nothing."""
