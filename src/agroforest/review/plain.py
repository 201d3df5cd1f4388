"""Cases as plain values: what a step keeps to be understood, replayed and undone."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from agroforest.core.review import (
    Case,
    FieldCheck,
    Reason,
    Sampling,
    Stage,
    Verdict,
)
from agroforest.core.risk import Hazard

# The number and time of a step say two of these; outlines are the alert's.
_LEFT_OUT = frozenset({"version", "changed", "geometry"})
_NAMES = tuple(f.name for f in fields(Case) if f.name not in _LEFT_OUT)


def describe(case: Case) -> dict[str, Any]:
    """Describe a case in values that JSON holds; version and outline are left out."""
    return {name: _plain(getattr(case, name)) for name in _NAMES}


def diff(before: Case, after: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Find the fields that differ: as they were, and as they are."""
    old, new = describe(before), describe(after)
    changed = [name for name in _NAMES if old[name] != new[name]]
    return {n: old[n] for n in changed}, {n: new[n] for n in changed}


def read_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read fields of a case back from what `describe` or `diff` gave."""
    return {name: _READ.get(name, _same)(value) for name, value in values.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401  any field of a case
    if isinstance(value, FieldCheck):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(FieldCheck)}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, str) else value


def _same(value: Any) -> Any:  # noqa: ANN401  text and numbers
    return value


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


def _read_check(value: Mapping[str, Any]) -> FieldCheck:
    return FieldCheck(
        by=value["by"],
        ordered=datetime.fromisoformat(value["ordered"]),
        due=_optional(date.fromisoformat)(value["due"]),
        sample=value["sample"],
        done=_optional(datetime.fromisoformat)(value["done"]),
        found=value["found"],
    )


_READ: Mapping[str, Callable[[Any], Any]] = {
    "hazard": Hazard,
    "stage": Stage,
    "opened": datetime.fromisoformat,
    "first_night": date.fromisoformat,
    "evidence": date.fromisoformat,
    "county": tuple,
    "places": tuple,
    "verdict": _optional(Verdict),
    "reason": _optional(Reason),
    "check": _optional(_read_check),
    "sampling": _optional(Sampling),
    "due": _optional(datetime.fromisoformat),
}
