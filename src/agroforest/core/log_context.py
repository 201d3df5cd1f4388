"""What a log record is about: which run, night, tile, scene."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

#: Names of facts, in the order in which they are written.
FACTS = ("run", "pipeline", "night", "tile", "scene")

_FACTS: ContextVar[Mapping[str, str]] = ContextVar("agroforest_log", default={})  # noqa: B039  never changed


@contextmanager
def logged(**facts: object) -> Iterator[None]:
    """Let records of the block say what they are about.

    Parameters
    ----------
    **facts
        By name, see `FACTS`; ``None`` leaves out what was said before. Not for
        blocks that yield: whoever takes the values would log with these facts.

    Raises
    ------
    TypeError
        A name is none of `FACTS`.
    """
    odd = facts.keys() - set(FACTS)
    if odd:
        raise TypeError(f"no facts of a log record: {sorted(odd)}")
    merged: dict[str, object] = {**_FACTS.get(), **facts}
    kept = {name: str(v) for name, v in merged.items() if v is not None}
    token = _FACTS.set(kept)
    try:
        yield
    finally:
        _FACTS.reset(token)


def read_facts() -> dict[str, str]:
    """Read what records of this moment are about, in the order of `FACTS`."""
    known = _FACTS.get()
    return {name: known[name] for name in FACTS if name in known}


@dataclass(frozen=True)
class Carried(Generic[_Parameters, _Result]):
    """A function that logs in another process as it would have in this one."""

    function: Callable[_Parameters, _Result]
    facts: Mapping[str, str]

    def __call__(
        self, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> _Result:
        """Call it."""
        with logged(**self.facts):
            return self.function(*args, **kwargs)


def carry(
    function: Callable[_Parameters, _Result],
) -> Carried[_Parameters, _Result]:
    """Bind what records are about now to a function that runs elsewhere."""
    return Carried(function, read_facts())
