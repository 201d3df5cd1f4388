"""Sensors: how each is, how far to trust it and why, and its last seven days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from agroforest.core.account import Right
from agroforest.core.words import variable_words
from agroforest.nightly.water.status import SensorStatus
from agroforest.web.access import Visit, need
from agroforest.web.pages.layout import address, render, speech_of
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.pages.sensors_seen import WEEK, Curve, look, read_curves
from agroforest.web.site import Remembered, Site
from agroforest.web.views import Speech
from agroforest.web.words import WORDS

_PATH = "/sensors"
_PAGE = 50
_MOST_PAGES = 100_000
#: Seconds for which sensors are not judged again: it reads weeks of readings.
_FRESH_S = 60.0
#: Without a reading for longer a sensor is silent. Arbitrary: most send hourly.
_SILENT = timedelta(hours=24)
_HOUR_S = 3600
#: Size of a curve in its own units, and what is left free around it.
WIDTH, HEIGHT, _MARGIN = 160.0, 36.0, 3.0
#: A curve of more points is thinned. Arbitrary, one a unit.
_MOST_POINTS = 160
_ORDER = ("silent", "doubtful", "plain", "good")
_See = Annotated[Visit, Depends(need(Right.SEE_CASES))]


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorView:
    """A sensor in words.

    Attributes
    ----------
    id, name
        Which.
    state
        End of a key of the words, and for style sheets.
    trust, reason, battery, last, age, flags, parcels
        As shown; empty where there is nothing.
    is_low
        Whether its battery is.
    line
        Path of the curve; empty without one.
    alt
        What the curve shows, in words.
    newest
        Its last value.
    """

    id: str
    name: str
    state: str
    trust: str = ""
    reason: str = ""
    battery: str = ""
    is_low: bool = False
    last: str = ""
    age: str = ""
    flags: str = ""
    parcels: str = ""
    line: str = ""
    alt: str = ""
    newest: str = ""


def build_router(site: Site, nights: Nights) -> APIRouter:
    """Build the router of the sensors' page."""
    router = APIRouter(include_in_schema=False)
    seen = Remembered(lambda: look(site, nights), _FRESH_S)

    # Not asynchronous: judging would stop the loop.
    @router.get(_PATH)
    def show_sensors(request: Request, visit: _See, page: int = 0) -> HTMLResponse:
        """Show sensors, those that need somebody first."""
        speech, found = speech_of(visit), seen()
        ranked = sorted(
            found.sensors,
            key=lambda one: (_ORDER.index(find_state(one)), one.sensor.id),
        )
        page = min(max(page, 0), _MOST_PAGES)
        part = ranked[page * _PAGE : (page + 1) * _PAGE]
        more = len(ranked) > (page + 1) * _PAGE
        curves = read_curves(site, (one.sensor for one in part), site.now())
        return render(
            request,
            visit,
            "sensors.html",
            sensors=[view_sensor(o, curves, speech, visit) for o in part],
            count=speech.number(len(ranked)),
            problems=found.problems,
            silent_hours=int(_SILENT.total_seconds() // _HOUR_S),
            size=(int(WIDTH), int(HEIGHT)),
            next=address(_PATH, page=page + 1) if more else "",
            first=_PATH if page else "",
        )

    return router


def find_state(one: SensorStatus) -> str:
    """Find a sensor's state: silent, doubtful, good, or heard and not judged."""
    if one.last is None or one.moment - one.last > _SILENT:
        return "silent"
    if one.trust is None:
        return "plain"
    return "good" if one.trust >= 0.5 else "doubtful"


def view_sensor(
    one: SensorStatus, curves: Mapping[str, Curve], speech: Speech, visit: Visit
) -> SensorView:
    """Put a sensor into words."""
    words, sensor = speech.words, one.sensor
    name = sensor.name or sensor.id
    curve = curves.get(sensor.id)
    places = visit.site.bureau.places
    named = [words.pick(places.get(each, ("", ""))) or each for each in one.parcels]
    told = [
        f"{value:.3g} {unit}"
        for value, unit in ((one.battery_level, "%"), (one.battery, "V"))
        if value is not None
    ]
    state = find_state(one)
    # Of one that is silent it would be that of days ago.
    is_told = one.trust is not None and state != "silent"
    return SensorView(
        id=sensor.id,
        name=name,
        state=state,
        trust=speech.percent(one.trust) if is_told else "",
        reason=words.pick(one.reasons),
        battery=" · ".join(told),
        is_low=one.battery_low,
        last="" if one.last is None else speech.time(one.last),
        age="" if one.last is None else _say_age(one.last, speech),
        flags=("，" if words.language == "zh" else ", ").join(
            words("sensors.flag_of", name=_say_flag(flag, speech), count=count)
            for flag, count in one.flags.items()
        ),
        parcels=", ".join(named),
        line="" if curve is None else draw_curve(curve, speech.now),
        alt="" if curve is None else _say_curve(name, curve, speech),
        newest="" if curve is None else _say_newest(curve, speech),
    )


def draw_curve(curve: Curve, until: datetime) -> str:
    """Draw a week as an SVG path; a gap of half a day parts it."""
    step = max(1, -(-len(curve.points) // _MOST_POINTS))
    # The newest is always drawn.
    points = curve.points[::-1][::step][::-1]
    values = [value for _, value in points]
    low, high = min(values), max(values)
    span = high - low or 1.0
    since = until - WEEK
    parts: list[str] = []
    before: datetime | None = None
    for time, value in points:
        x = (time - since) / WEEK * (WIDTH - 2 * _MARGIN) + _MARGIN
        share = (value - low) / span if high > low else 0.5
        y = HEIGHT - _MARGIN - share * (HEIGHT - 2 * _MARGIN)
        is_apart = before is None or time - before > _SILENT / 2
        # A point alone is drawn too: a line to where it is.
        at = f"{x:.1f} {y:.1f}"
        parts.append(f"M{at}L{at}" if is_apart else f"L{at}")
        before = time
    return "".join(parts)


def _say_newest(curve: Curve, speech: Speech) -> str:
    both, unit = variable_words(curve.variable)
    said = f"{speech.words.pick(both)} {curve.points[-1][1]:.3g} {unit}"
    if curve.depth_m:
        cm = f"{100 * curve.depth_m:.0f}"
        said += f" · {speech.words('sensors.depth', cm=cm)}"
    return said


def _say_curve(name: str, curve: Curve, speech: Speech) -> str:
    both, unit = variable_words(curve.variable)
    values = [value for _, value in curve.points]
    return speech.words(
        "sensors.week_alt",
        name=name,
        what=speech.words.pick(both),
        low=f"{min(values):.3g} {unit}",
        high=f"{max(values):.3g} {unit}",
    )


def _say_age(last: datetime, speech: Speech) -> str:
    hours = int((speech.now - last).total_seconds() // _HOUR_S)
    if hours < 1:
        return speech.words("sensors.now")
    if hours < 48:
        return speech.words("sensors.ago", hours=hours)
    return speech.age(last.astimezone(speech.zone).date())


def _say_flag(flag: str, speech: Speech) -> str:
    key = f"flag.{flag}"
    return speech.words(key) if key in WORDS else flag
