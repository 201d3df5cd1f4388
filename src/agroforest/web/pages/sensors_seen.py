"""How sensors are, as the desk knows it: judged now, and by the newest night."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from agroforest.core.config import Watched
from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.nightly.water.status import SensorStatus, find_status
from agroforest.web.pages.runs_nights import Nights
from agroforest.web.site import Site

#: How far back a curve goes.
WEEK = timedelta(days=7)
#: Days whose flags are counted.
_DAYS = 7
#: What a curve shows, the first that a sensor has.
_SHOWN = (
    *(Variable.SOIL_MOISTURE, Variable.SOIL_TEMPERATURE, Variable.AIR_TEMPERATURE),
    *(Variable.RELATIVE_HUMIDITY, Variable.PRECIPITATION, Variable.SOIL_CONDUCTIVITY),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """Sensors as they are.

    Attributes
    ----------
    sensors
        By id.
    problems
        Pipeline, and why its settings could not be used.
    """

    sensors: tuple[SensorStatus, ...] = field(repr=False)
    problems: tuple[tuple[str, str], ...] = ()


def look(site: Site, nights: Nights) -> Seen:
    """Judge every sensor of the store now, as the nights' settings say.

    Satellites are not asked again: where a night has judged a probe, its trust and
    reason are those that advice was given by.
    """
    moment = site.now()
    watching = [
        pipeline
        for _, pipeline in sorted(site.bureau.pipelines.items())
        if pipeline.watches(Watched.WATER)
    ]
    found: dict[str, SensorStatus] = {}
    problems = []
    for pipeline in watching:
        try:
            judged = find_status(
                site.store, moment=moment, days=_DAYS, pipeline=pipeline
            )
        except AgroforestError as error:
            problems.append((pipeline.name, error.problem))
            continue
        for one in judged:
            if one.sensor.id not in found or one.parcels:
                found[one.sensor.id] = one
    if not found:
        found = {
            one.sensor.id: one
            for one in find_status(site.store, moment=moment, days=_DAYS)
        }
    said = _read_trust(nights)
    return Seen(
        sensors=tuple(
            replace(one, trust=said[name][0], reasons=said[name][1])
            if name in said
            else one
            for name, one in sorted(found.items())
        ),
        problems=tuple(problems),
    )


def _read_trust(nights: Nights) -> dict[str, tuple[float, tuple[str, str]]]:
    """Read what the newest nights trusted of each probe, and why."""
    found: dict[str, tuple[float, tuple[str, str]]] = {}
    for pipeline in nights.pipelines:
        try:
            document = nights.read_water(pipeline)
        except DataError:
            continue  # the parcels' page says so
        for parcel in () if document is None else document["parcels"]:
            for probe in parcel.get("sensors") or ():
                if probe.get("trust") is not None:
                    reasons = (probe.get("zh") or "", probe.get("en") or "")
                    found[str(probe["id"])] = (float(probe["trust"]), reasons)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A week of one series.

    Attributes
    ----------
    variable, depth_m
        Which.
    points
        Time and value of good readings, in order of time.
    """

    variable: Variable
    depth_m: float | None
    points: tuple[tuple[datetime, float], ...] = field(repr=False)


def read_curves(
    site: Site, sensors: Iterable[Sensor], until: datetime
) -> Mapping[str, Curve]:
    """Read a week of what each sensor tells first, mostly moisture near the surface."""
    ids = [sensor.id for sensor in sensors]
    known = site.store.readings(ids, until - WEEK, until, variables=_SHOWN)
    series: dict[str, dict[tuple[int, float], list[Reading]]] = {}
    for one in known:
        if one.value is None or one.quality & ~Quality.GAP:
            continue
        key = (_SHOWN.index(one.variable), one.depth_m or 0.0)
        series.setdefault(one.sensor, {}).setdefault(key, []).append(one)
    return {name: _build(own[min(own)]) for name, own in series.items()}


def _build(readings: Sequence[Reading]) -> Curve:
    return Curve(
        variable=readings[0].variable,
        depth_m=readings[0].depth_m,
        points=tuple((r.time, r.value) for r in readings if r.value is not None),
    )
