"""What was found against what was planted: pure, from records to records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import fmean, median

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.alert import Alert
from agroforest.core.grid import WGS84, reproject
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.testing.events import EventKind, Planted

#: Objects follow pixel edges of 10 m; a neighbouring pixel still counts as a touch.
TOUCH_M = 10.0
#: Light drought: soil moisture at or below 60 % of field capacity (the
#: Chinese grades of relative soil moisture, GB/T 32136, to be verified).
DROUGHT_SHARE = 0.60
_ON_THE_CANOPY = (EventKind.DIEBACK, EventKind.CLEAR_CUT)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventScore:
    """How well one event was found.

    Attributes
    ----------
    event
        What was planted.
    alerts
        Ids of the alerts that touch it and were raised after it began.
    hazards
        What those alerts warn of, sorted.
    first_night
        Night of the first of them.
    delay_days
        From the start of the event to that night.
    wait_days
        From the first day on which a delivered scene showed the place clear.
    clear_looks
        Clear days up to that night; up to the last night if not found.
    recall
        Share of the event's area inside the alerts, 0..1.
    iou
        Common area of event and alerts by their joint area, 0..1.
    """

    event: Planted
    alerts: tuple[str, ...]
    hazards: tuple[str, ...]
    first_night: date | None
    delay_days: int | None
    wait_days: int | None
    clear_looks: int
    recall: float
    iou: float

    @property
    def found(self) -> bool:
        """At least one alert touches it."""
        return bool(self.alerts)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantedFault:
    """Something wrong with one series of one sensor.

    Attributes
    ----------
    sensor, variable, depth_m
        The series.
    flag
        What a check should say of it.
    first, last
        Times of the first and last wrong reading; for a gap, both are the first
        reading after the silence.
    times
        Times of the wrong readings.
    """

    sensor: str
    variable: Variable
    depth_m: float | None
    flag: Quality
    times: tuple[datetime, ...] = field(repr=False)

    @property
    def first(self) -> datetime:
        """Time of the first wrong reading."""
        return min(self.times)

    def series(self) -> tuple[str, Variable, float | None]:
        """Key of the series."""
        return self.sensor, self.variable, self.depth_m


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultScore:
    """How well one fault of a sensor was found.

    Attributes
    ----------
    fault
        What was planted.
    present
        Wrong readings that are in the database.
    flagged
        Of them, how many carry the right flag.
    noticed
        Of them, how many carry any flag.
    """

    fault: PlantedFault
    present: int
    flagged: int
    noticed: int

    @property
    def found(self) -> bool:
        """At least half of it is flagged, and something at all."""
        return self.flagged > 0 and 2 * self.flagged >= self.present


@dataclass(frozen=True, kw_only=True, slots=True)
class DroughtScore:
    """Whether the drought is to be seen.

    Attributes
    ----------
    event
        What was planted.
    soil_first
        First day on which the soil is at or below `DROUGHT_SHARE` of field
        capacity, median of the probes.
    soil_lowest
        Lowest daily share of field capacity from the start on; ``None`` without
        readings.
    ndmi_fall
        Fall of the mean NDMI of the fields, from the month before to its lowest
        during the drought; ``None`` without maps.
    """

    event: Planted
    soil_first: date | None
    soil_lowest: float | None
    ndmi_fall: float | None

    @property
    def found(self) -> bool:
        """The soil says so."""
        return self.soil_first is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """Everything the demonstration prints.

    Attributes
    ----------
    events
        Canopy events, as planted.
    false_alerts
        Ids of alerts that touch no canopy event, or were raised before it began.
    watched_ha
        Hectares of forest that were watched.
    faults
        Faults of sensors.
    false_flags, good_readings
        Readings without fault that carry a flag, and how many there are in all.
    drought
        The drought, if one was planted.
    """

    events: tuple[EventScore, ...]
    false_alerts: tuple[str, ...]
    watched_ha: float
    faults: tuple[FaultScore, ...] = ()
    false_flags: int = 0
    good_readings: int = 0
    drought: DroughtScore | None = None

    @property
    def false_per_100_ha(self) -> float:
        """False alerts by area watched."""
        return 100.0 * len(self.false_alerts) / self.watched_ha

    @property
    def recall(self) -> float:
        """Share of the canopy events that were found; 0 if none was planted."""
        found = [e.found for e in self.events]
        return sum(found) / len(found) if found else 0.0


def score_world(
    *,
    planted: Sequence[Planted],
    faults: Sequence[PlantedFault],
    alerts: Sequence[Alert],
    readings: Sequence[Reading],
    watched_ha: float,
    crs: str,
    field_capacity: float,
    ndmi: Mapping[date, float] | None = None,
) -> Score:
    """Score everything at once; see the functions below for the parameters."""
    score = score_alerts(planted, alerts, watched_ha=watched_ha, crs=crs)
    found, false_flags, good = score_faults(faults, readings)
    droughts = [p for p in planted if p.kind == EventKind.DROUGHT]
    return replace(
        score,
        faults=found,
        false_flags=false_flags,
        good_readings=good,
        drought=score_drought(
            droughts[0], readings, field_capacity=field_capacity, ndmi=ndmi
        )
        if droughts
        else None,
    )


def score_alerts(
    planted: Sequence[Planted], alerts: Sequence[Alert], *, watched_ha: float, crs: str
) -> Score:
    """Compare alerts with what was planted.

    Parameters
    ----------
    planted
        Events; only those on the canopy can explain an alert.
    alerts
        All alerts of the pipeline, whatever their status.
    watched_ha
        Hectares of forest that were watched.
    crs
        Metric CRS of ``Planted.ground``.

    Returns
    -------
    Score
        Without sensors; `score_readings` adds them.
    """
    canopy = [p for p in planted if p.kind in _ON_THE_CANOPY]
    shapes = {a.id: reproject(a.geometry, WGS84, crs) for a in alerts}
    last_night = max((a.last_night for a in alerts), default=date.max)
    touching = {
        event.id: [
            a
            for a in alerts
            if a.first_night >= event.start
            and shapes[a.id].dwithin(event.ground, TOUCH_M)
        ]
        for event in canopy
    }
    explained = {a.id for found in touching.values() for a in found}
    return Score(
        events=tuple(
            _score_event(event, touching[event.id], shapes, last_night)
            for event in canopy
        ),
        false_alerts=tuple(sorted(a.id for a in alerts if a.id not in explained)),
        watched_ha=watched_ha,
    )


def _score_event(
    event: Planted,
    alerts: Sequence[Alert],
    shapes: Mapping[str, BaseGeometry],
    last_night: date,
) -> EventScore:
    first = min((a.first_night for a in alerts), default=None)
    seen = shapely.union_all([shapes[a.id] for a in alerts])
    common = seen.intersection(event.ground).area
    joint = seen.union(event.ground).area
    first_clear = event.clear_days[0] if event.clear_days else None
    until = first or last_night
    return EventScore(
        event=event,
        alerts=tuple(sorted(a.id for a in alerts)),
        hazards=tuple(sorted({str(a.hazard) for a in alerts})),
        first_night=first,
        delay_days=(first - event.start).days if first else None,
        wait_days=(first - first_clear).days if first and first_clear else None,
        clear_looks=sum(day <= until for day in event.clear_days),
        recall=common / event.ground.area if event.ground.area else 0.0,
        iou=common / joint if joint else 0.0,
    )


def score_faults(
    faults: Sequence[PlantedFault], readings: Sequence[Reading]
) -> tuple[tuple[FaultScore, ...], int, int]:
    """Compare quality flags with the faults that were planted.

    Parameters
    ----------
    faults
        What is wrong.
    readings
        All readings, with their flags.

    Returns
    -------
    scores
        One for each fault.
    false_flags
        Flagged readings that no fault explains. A reading next to a wrong one
        is neither right nor wrong and is left out.
    good_readings
        Readings without fault.
    """
    by_series: dict[tuple[str, Variable, float | None], list[Reading]] = {}
    for reading in readings:
        key = (reading.sensor, reading.variable, reading.depth_m)
        by_series.setdefault(key, []).append(reading)
    scores = []
    for fault in faults:
        wrong = set(fault.times)
        own = [r for r in by_series.get(fault.series(), []) if r.time in wrong]
        scores.append(
            FaultScore(
                fault=fault,
                present=len(own),
                flagged=sum(bool(r.quality & fault.flag) for r in own),
                noticed=sum(r.quality != Quality.GOOD for r in own),
            )
        )
    good = [
        reading
        for key, series in by_series.items()
        for reading in _faultless(series, [f for f in faults if f.series() == key])
    ]
    return tuple(scores), sum(r.quality != Quality.GOOD for r in good), len(good)


def _faultless(
    series: Sequence[Reading], faults: Sequence[PlantedFault]
) -> list[Reading]:
    """Drop wrong readings and their direct neighbours in time."""
    ordered = sorted(series, key=lambda r: r.time)
    wrong = {time for fault in faults for time in fault.times}
    doubtful = set()
    for n, reading in enumerate(ordered):
        if reading.time in wrong:
            doubtful |= {n - 1, n, n + 1}
    return [r for n, r in enumerate(ordered) if n not in doubtful]


def score_drought(
    event: Planted,
    readings: Sequence[Reading],
    *,
    field_capacity: float,
    ndmi: Mapping[date, float] | None = None,
) -> DroughtScore:
    """Look for the drought in the soil and in the moisture of the fields.

    Parameters
    ----------
    event
        The drought.
    readings
        Soil moisture from the fields; only good ones of the upper 15 cm count.
    field_capacity
        Of that soil, m3/m3.
    ndmi
        Mean NDMI of the fields by day, where maps were made.
    """
    days: dict[date, list[float]] = {}
    for r in readings:
        upper = r.depth_m is not None and r.depth_m <= 0.15
        moisture = r.variable == Variable.SOIL_MOISTURE
        if upper and moisture and r.quality == Quality.GOOD and r.value is not None:
            days.setdefault(r.time.date(), []).append(r.value / field_capacity)
    daily = {day: median(values) for day, values in days.items() if day >= event.start}
    dry = [day for day, share in daily.items() if share <= DROUGHT_SHARE]
    return DroughtScore(
        event=event,
        soil_first=min(dry, default=None),
        soil_lowest=min(daily.values(), default=None),
        ndmi_fall=_fall(event, ndmi or {}),
    )


def _fall(event: Planted, ndmi: Mapping[date, float]) -> float | None:
    month = event.start - timedelta(30)
    end = event.end or date.max
    before = [v for day, v in ndmi.items() if month <= day <= event.start]
    during = [v for day, v in ndmi.items() if event.start < day <= end]
    return fmean(before) - min(during) if before and during else None
