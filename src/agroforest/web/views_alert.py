"""One case in words: its facts, what happened, what can be done, where it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, floor, log10, radians

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Change
from agroforest.core.review import NIGHT, Act, Case, FieldCheck, Step
from agroforest.publish.place import coarsen, norm_outline
from agroforest.web.views import Speech

#: Drawing of an outline, in its own units; the page scales it.
_WIDTH, _HEIGHT, _MARGIN = 480.0, 320.0, 44.0
_METRES_A_DEGREE = 111_320.0
_MIDDLE = np.array([_WIDTH / 2, _HEIGHT / 2])
_NORTH_UP = np.array([1.0, -1.0])
#: Shortest side of what is drawn, metres: a pixel alone would fill the picture.
_LEAST_M = 60.0
#: Points of a drawing; finer outlines are thinned to a tenth of its units.
_FINE = 0.1
#: Zoom of the map around a case, and around cells of the public grid.
_NEAR, _FAR = 15, 13


@dataclass(frozen=True, kw_only=True, slots=True)
class StepView:
    """A step in words.

    Attributes
    ----------
    time, who, what
        When, whose, and which act.
    machine
        Name of the time for machines.
    details
        Reason, and what else is to be said of it.
    note
        In their words.
    kind
        The act, for style sheets.
    """

    time: str
    who: str
    what: str
    machine: str
    details: str
    note: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A drawing of where a case is.

    Attributes
    ----------
    width, height
        Of the drawing.
    path
        As SVG writes it, even-odd.
    bar
        Length of the scale bar.
    scale
        What it stands for, ``200 m``.
    center
        Latitude and longitude, as people read them.
    view
        Zoom, latitude and longitude, as the map's address has them.
    is_coarse
        Whether the reader's role is shown cells of the public grid only.
    """

    width: float
    height: float
    path: str
    bar: float
    scale: str
    center: str
    view: str
    is_coarse: bool


def view_step(step: Step, speech: Speech, name_of: Callable[[str], str]) -> StepView:
    """Put a step into words.

    Parameters
    ----------
    step
        As recorded.
    speech
        Of the reader.
    name_of
        What an account is called.
    """
    words = speech.words
    details = [] if step.reason is None else [words.name(step.reason)]
    change, area = step.data.get("change"), step.data.get("area_ha")
    if step.act in {Act.OPEN, Act.SEE} and change in set(Change):
        details.append(words(f"change.{change}"))
        if isinstance(area, int | float):
            details.append(speech.area(area))
    after = step.data.get("after")
    if step.act == Act.ASSIGN and isinstance(after, Mapping):
        to = str(after.get("assignee") or "")
        details.append(
            words("step.to", who=name_of(to)) if to else words("step.nobody")
        )
    return StepView(
        time=speech.time(step.time),
        machine=step.time.isoformat(timespec="seconds"),
        who=words("step.by_night") if step.by == NIGHT else name_of(step.by),
        what=words.name(step.act),
        details=" · ".join(details),
        note=step.note,
        kind=str(step.act),
    )


def view_facts(
    case: Case,
    speech: Speech,
    name_of: Callable[[str], str],
    places: Mapping[str, tuple[str, str]],
) -> list[tuple[str, str]]:
    """List names and values of a case's facts, in the order of reading.

    Parameters
    ----------
    case
        Of which.
    speech
        Of the reader.
    name_of
        What an account is called.
    places
        Chinese and English name of parcels and compartments, by id.
    """
    words = speech.words
    facts = [
        ("alert.hazard", words.name(case.hazard)),
        ("alert.area", speech.area(case.area_ha)),
        ("alert.probability", _probability(case, speech)),
        ("alert.county", words.pick(case.county[1:]) or words("alert.unknown")),
        ("alert.first", _day(speech, case.first_night)),
        ("alert.last_clear", _day(speech, case.evidence)),
        ("alert.places", _places(case, speech, places)),
        ("alert.assignee", name_of(case.assignee) if case.assignee else ""),
        ("alert.verdict", _verdict(case, speech, name_of)),
        ("alert.reason", words.name(case.reason) if case.reason else ""),
        ("alert.due", _due(case, speech)),
        ("alert.check", _check(case.check, speech, name_of)),
        ("alert.sampling", words.name(case.sampling) if case.sampling else ""),
        ("alert.pipeline", case.pipeline),
    ]
    return [(words(key), value) for key, value in facts if value]


def draw_outline(geometry: BaseGeometry, *, exact: bool) -> Outline | None:
    """Draw an outline, north up, with a scale bar; ``None`` if there is none.

    Parameters
    ----------
    geometry
        WGS 84, longitude first.
    exact
        Whether the reader may see it as it is; else cells of the public grid that
        cover it are drawn.
    """
    outline = norm_outline(geometry, "outline of a case")
    if outline.is_empty:
        return None
    shown = outline if exact else coarsen(outline)
    west, south, east, north = shown.bounds
    middle = (south + north) / 2
    metres = np.array([_METRES_A_DEGREE * cos(radians(middle)), _METRES_A_DEGREE])
    wide = max((east - west) * metres[0], _LEAST_M)
    high = max((north - south) * metres[1], _LEAST_M)
    unit = min((_WIDTH - 2 * _MARGIN) / wide, (_HEIGHT - 2 * _MARGIN) / high)
    center = np.array([(west + east) / 2, middle])

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = (points - center) * metres * unit
        drawn: NDArray[np.float64] = _MIDDLE + offset * _NORTH_UP
        return drawn

    drawn = shapely.simplify(shapely.transform(shown, place), _FINE)
    bar_m = _round_length(_WIDTH / 4 / unit)
    return Outline(
        width=_WIDTH,
        height=_HEIGHT,
        path=_write_path(drawn),
        bar=bar_m * unit,
        scale=f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m",
        center=_write_center(center[1], center[0], digits=5 if exact else 2),
        view=f"{_NEAR if exact else _FAR}/{center[1]:.5f}/{center[0]:.5f}",
        is_coarse=not exact,
    )


def view_pairs(cases: Sequence[Case]) -> list[tuple[str, str]]:
    """List ids of cases, and what is shown of them."""
    return [(each.id, each.id[:8]) for each in cases]


def _write_path(outline: MultiPolygon) -> str:
    rings = [
        ring
        for polygon in shapely.get_parts(outline)
        for ring in (polygon.exterior, *polygon.interiors)
    ]
    return " ".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in list(ring.coords)[:-1]) + "Z"
        for ring in rings
    )


def _write_center(latitude: float, longitude: float, *, digits: int) -> str:
    north = "N" if latitude >= 0 else "S"
    east = "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.{digits}f}° {north}, {abs(longitude):.{digits}f}° {east}"


def _round_length(metres: float) -> float:
    """Largest of 1, 2 and 5 times a power of ten that is not longer."""
    power = 10.0 ** floor(log10(metres))
    return next(n * power for n in (5, 2, 1) if n * power <= metres)


def _probability(case: Case, speech: Speech) -> str:
    if case.probability is None:
        return speech.words("alert.probability_none")
    return speech.percent(case.probability)


def _places(case: Case, speech: Speech, places: Mapping[str, tuple[str, str]]) -> str:
    named = (speech.words.pick(places.get(p, (p, p))) for p in case.places)
    return " · ".join(named) or speech.words("alert.none")


def _day(speech: Speech, day: date) -> str:
    return f"{speech.day(day)} · {speech.age(day)}"


def _due(case: Case, speech: Speech) -> str:
    if case.due is None or not case.waiting:
        return ""
    return f"{speech.time(case.due)} · {speech.left(case.due)}"


def _verdict(case: Case, speech: Speech, name_of: Callable[[str], str]) -> str:
    if case.verdict is None:
        return ""
    verdict = speech.words.name(case.verdict)
    if not case.judged_by:
        return verdict
    return speech.words("alert.verdict_by", verdict=verdict, by=name_of(case.judged_by))


def _check(
    check: FieldCheck | None, speech: Speech, name_of: Callable[[str], str]
) -> str:
    if check is None:
        return ""
    words, by = speech.words, name_of(check.by)
    if check.done is not None:
        done = speech.time(check.done)
        return words("alert.check_done", by=by, done=done) + check.found
    text = words("alert.check_open", by=by, ordered=speech.time(check.ordered))
    if check.due is not None:
        text += words("alert.check_due", due=speech.day(check.due))
    return text + (words("alert.check_sample") if check.sample else "")
