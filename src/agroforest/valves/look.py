"""Looking around before a valve is opened: probes and gauges on record, a forecast."""

import csv
import math
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agroforest.core.errors import DataError
from agroforest.core.reading import Quality, Reading, Variable
from agroforest.sensors import flag
from agroforest.sensors.trust import LOOK_BACK_DAYS, assess
from agroforest.store import Store
from agroforest.valves.settings import ValveSettings, WeatherSection
from agroforest.valves.surroundings import SensorWord, Surroundings, WeatherWord

_COLUMNS = ("time", "rain_mm", "wind_ms")
_HOUR = timedelta(hours=1)
#: A day of hours, past and ahead, is 48 lines; a file of years is not meant. Arbitrary.
_MOST_LINES = 100_000
#: Flags of a number that is none of moist soil; water that arrives sets others.
_UNREAL = (
    Quality.RANGE
    | Quality.FLAT
    | Quality.MISSING
    | Quality.FROZEN
    | Quality.STALE
    | Quality.BATTERY
)


def look_around(
    store: Store, settings: ValveSettings, sensors: Collection[str], now: datetime
) -> Surroundings:
    """Find what probes, gauges and the forecast say.

    A weather file that is missing or damaged is no weather, which the interlock takes
    as a reason to stay closed where rain or wind count.

    Parameters
    ----------
    store
        For readings.
    settings
        For the weather.
    sensors
        Ids of probes that orders rest on.
    now
        The moment.
    """
    probes = {v.moisture_sensor for v in settings.valve.values()} - {""}
    return Surroundings(
        sensors={
            name: _find_word(store, name, now) for name in sorted({*sensors, *probes})
        },
        weather=_find_weather(store, settings.weather, now),
    )


def read_forecast(path: Path) -> list[tuple[datetime, float, float]]:
    """Read hours of rain and wind: time, millimetres in the hour before it, m/s.

    Raises
    ------
    DataError
        With the line at fault.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if rows.fieldnames is None or not set(_COLUMNS) <= set(rows.fieldnames):
                raise DataError(
                    path, "lacks a column", f"give {', '.join(_COLUMNS)} in its head"
                )
            return [_read_hour(path, line, row) for line, row in enumerate(rows, 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(path, f"cannot be read ({error})", "mend it") from error


def _read_hour(
    path: Path, line: int, row: dict[str, str]
) -> tuple[datetime, float, float]:
    where = f"{path}, line {line}"
    if line > _MOST_LINES:
        raise DataError(where, "is one too many", "give the days around today")
    try:
        time = datetime.fromisoformat(row["time"])
        rain, wind = float(row["rain_mm"]), float(row["wind_ms"])
        if time.utcoffset() is not None:
            time = time.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(where, f"cannot be read ({error})", "mend it") from error
    if time.utcoffset() is None:
        raise DataError(where, f"{row['time']} has no zone", "write +08:00 or Z")
    if not (math.isfinite(rain) and math.isfinite(wind) and min(rain, wind) >= 0):
        raise DataError(where, f"rain {rain}, wind {wind}", "give numbers from 0")
    return time, rain, wind


def _find_word(store: Store, name: str, now: datetime) -> SensorWord:
    start = now - timedelta(days=LOOK_BACK_DAYS)
    # What a listener stores is not judged yet.
    found = [
        r
        for r in flag(store.readings([name], start, now))
        if r.variable is Variable.SOIL_MOISTURE
        and (r.value is not None or r.quality & Quality.MISSING)
    ]
    if not found:
        return SensorWord(time=None)
    by_depth: dict[float | None, list[Reading]] = {}
    for each in found:
        by_depth.setdefault(each.depth_m, []).append(each)
    judged = [assess(series, now=now.timestamp()) for series in by_depth.values()]
    worst = min(judged, key=lambda trust: trust.score)
    newest = max(found, key=lambda r: r.time)
    return SensorWord(
        time=newest.time,
        trusted=worst.usable and newest.quality == Quality.GOOD,
        reason="; ".join(r.en for r in worst.reasons) or str(newest.quality.name),
        moisture=_find_moisture(by_depth),
    )


def _find_moisture(by_depth: dict[float | None, list[Reading]]) -> float | None:
    """Newest soil moisture of the shallowest probe, which gets wet first.

    Water makes it jump, so flags of a jump do not count here.
    """
    series = by_depth[min(by_depth, key=lambda d: math.inf if d is None else d)]
    good = [r for r in series if r.value is not None and not r.quality & _UNREAL]
    return max(good, key=lambda r: r.time).value if good else None


def _find_weather(
    store: Store, section: WeatherSection, now: datetime
) -> WeatherWord | None:
    measured = _find_gauged(store, section, now) if section.gauges else None
    if section.file is None:
        return WeatherWord(time=now, rain_measured_mm=measured)
    try:
        hours = read_forecast(section.file)
        made = datetime.fromtimestamp(section.file.stat().st_mtime, UTC)
    except (DataError, OSError):
        return WeatherWord(time=now, rain_measured_mm=measured)
    return build_weather(hours, section, now, made=made, gauged=measured)


def build_weather(
    hours: Sequence[tuple[datetime, float, float]],
    section: WeatherSection,
    now: datetime,
    *,
    made: datetime,
    gauged: float | None = None,
) -> WeatherWord:
    """Sum up hours around now; what they do not reach to is not known.

    Parameters
    ----------
    hours
        Time (end of the hour, UTC), rain in mm, wind in m/s.
    section
        Hours to sum over.
    now
        The moment.
    made
        When the forecast was made.
    gauged
        What gauges measured, mm; the larger of the two counts.
    """
    ahead = timedelta(hours=section.ahead_hours)
    past = timedelta(hours=section.past_hours)
    times = [time for time, _, _ in hours]
    to_come = [rain for time, rain, _ in hours if now < time <= now + ahead]
    gone = [rain for time, rain, _ in hours if now - past < time <= now]
    near = [wind for time, _, wind in hours if abs(time - now) <= _HOUR]
    reaches = bool(times) and max(times) >= now + ahead - _HOUR
    begins = bool(times) and min(times) <= now - past + _HOUR
    measured = [m for m in (gauged, sum(gone) if begins else None) if m is not None]
    return WeatherWord(
        time=made,
        rain_forecast_mm=sum(to_come) if reaches else None,
        rain_measured_mm=max(measured, default=None),
        wind_ms=max(near, default=None),
    )


def _find_gauged(store: Store, section: WeatherSection, now: datetime) -> float | None:
    """Rain of the wettest gauge; ``None`` if none has reported lately."""
    start = now - timedelta(hours=section.past_hours)
    readings = store.readings(
        section.gauges, start, now, variables=[Variable.PRECIPITATION]
    )
    late = now - timedelta(hours=section.age_hours)
    sums: dict[str, float] = {}
    fresh: set[str] = set()
    for each in readings:
        if each.value is not None and each.quality == Quality.GOOD:
            sums[each.sensor] = sums.get(each.sensor, 0.0) + each.value
            if each.time >= late:
                fresh.add(each.sensor)
    return max((sums[name] for name in fresh), default=None)
