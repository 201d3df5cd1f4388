"""Sensors and their readings, as rows.

Every function works on a connection inside the caller's transaction.
"""

import math
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, func, select, update

from agroforest.core.errors import DataError
from agroforest.core.identity import digest
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.store.records import AddedReadings
from agroforest.store.schema import reading, sensor, series
from agroforest.store.statements import build_insert, insert_missing
from agroforest.store.times import from_microseconds, to_microseconds

#: Up to so many readings are looked up one by one, more by their span. Arbitrary.
_FEW = 200

#: Microseconds since the epoch, value, quality.
_Point = tuple[int, float | None, int]
#: Sensor, variable and depth.
SeriesKey = tuple[str, Variable, float | None]


def write_sensors(connection: Connection, sensors: Iterable[Sensor]) -> int:
    """Record sensors; how many are new.

    A later description fills in or replaces what is known, but one that lacks a
    place, or has only the id for a name, takes nothing away.
    """
    known = set(connection.scalars(select(sensor.c.id)))
    statement = build_insert(connection, sensor)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "name": case((new.name == new.id, sensor.c.name), else_=new.name),
            "longitude": func.coalesce(new.longitude, sensor.c.longitude),
            "latitude": func.coalesce(new.latitude, sensor.c.latitude),
            "elevation": func.coalesce(new.elevation, sensor.c.elevation),
            "simulated": new.simulated,
        },
    )
    rows = [asdict(each) for each in sensors]
    if rows:
        connection.execute(statement, rows)
    return len({row["id"] for row in rows} - known)


def read_sensors(connection: Connection) -> list[Sensor]:
    """Read every sensor, by id."""
    rows = connection.execute(select(sensor)).mappings()
    return sorted((Sensor(**row) for row in rows), key=lambda s: s.id)


def write_readings(
    connection: Connection, readings: Iterable[Reading]
) -> AddedReadings:
    """Record readings that are not recorded yet; the stored value always stays.

    Raises
    ------
    DataError
        A reading of an unknown sensor, or a value that is not a number.
    """
    batch = _group(readings)
    add_series(connection, batch)
    rows: list[dict[str, object]] = []
    known = conflicts = 0
    for key, points in batch.items():
        number = series_id(key)
        stored = _read_values(connection, number, {time for time, _, _ in points})
        for time, value, quality in points:
            if time not in stored:
                stored[time] = value
                rows.append(
                    {
                        "series": number,
                        "time_us": time,
                        "value": value,
                        "quality": quality,
                    }
                )
            elif stored[time] == value:
                known += 1
            else:
                conflicts += 1
    added = insert_missing(connection, reading, rows)
    return AddedReadings(added, known + len(rows) - added, conflicts)


def read_readings(
    connection: Connection,
    sensors: Collection[str],
    start: datetime,
    end: datetime,
    variables: Collection[Variable] | None,
) -> list[Reading]:
    """Read readings from `start` until before `end`, by series and time."""
    found: list[Reading] = []
    for number, key in sorted(
        _find_series(connection, sensors, variables).items(),
        key=lambda item: (item[1][0], item[1][1], item[1][2] or 0.0, item[0]),
    ):
        name, variable, depth_m = key
        query = (
            select(reading.c.time_us, reading.c.value, reading.c.quality)
            .where(
                reading.c.series == number,
                reading.c.time_us >= to_microseconds(start),
                reading.c.time_us < to_microseconds(end),
            )
            .order_by(reading.c.time_us)
        )
        found += [
            Reading(
                sensor=name,
                time=from_microseconds(time),
                variable=variable,
                depth_m=depth_m,
                value=value,
                quality=Quality(quality),
            )
            for time, value, quality in connection.execute(query)
        ]
    return found


def read_newest(
    connection: Connection, sensors: Collection[str]
) -> dict[SeriesKey, datetime]:
    """Find the time of the newest reading of every series of these sensors."""
    found: dict[SeriesKey, datetime] = {}
    for number, key in _find_series(connection, sensors, None).items():
        query = select(func.max(reading.c.time_us)).where(reading.c.series == number)
        newest = connection.scalar(query)
        if newest is not None:
            found[key] = from_microseconds(newest)
    return found


def write_quality(connection: Connection, readings: Iterable[Reading]) -> int:
    """Set the flags of stored readings; how many changed."""
    rows = [
        {
            "at_series": series_id((each.sensor, each.variable, each.depth_m)),
            "at_time": to_microseconds(each.time),
            "to_quality": int(each.quality),
        }
        for each in readings
    ]
    if not rows:
        return 0
    statement = (
        update(reading)
        .where(
            reading.c.series == bindparam("at_series"),
            reading.c.time_us == bindparam("at_time"),
            reading.c.quality != bindparam("to_quality"),
        )
        .values(quality=bindparam("to_quality"))
    )
    return int(connection.execute(statement, rows).rowcount)


def series_id(key: SeriesKey) -> int:
    """Build a series' number: 63 bits of the digest of sensor, variable and depth."""
    name, variable, depth_m = key
    depth = None if depth_m is None else float(depth_m) + 0.0  # -0.0 is 0.0
    return int(digest(name, variable, depth), 16) >> 1


def add_series(connection: Connection, keys: Collection[SeriesKey]) -> None:
    """Record the series that are not recorded yet.

    Raises
    ------
    DataError
        One is of an unknown sensor.
    """
    names = set(connection.scalars(select(sensor.c.id)))
    unknown = sorted({name for name, _, _ in keys} - names)
    if unknown:
        raise DataError(
            unknown[0], "has readings but is not a known sensor", "add the sensor first"
        )
    rows = [
        {
            "id": series_id(key),
            "sensor": key[0],
            "variable": str(key[1]),
            "depth_m": key[2],
        }
        for key in keys
    ]
    insert_missing(connection, series, rows)


def _group(readings: Iterable[Reading]) -> dict[SeriesKey, list[_Point]]:
    batch: dict[SeriesKey, list[_Point]] = {}
    for each in readings:
        if each.value is not None and not math.isfinite(each.value):
            raise DataError(
                each.sensor,
                f"{each.variable} is {each.value} at {each.time.isoformat()}",
                "give a number, or None with the flag MISSING",
            )
        points = batch.setdefault((each.sensor, each.variable, each.depth_m), [])
        points.append((to_microseconds(each.time), each.value, int(each.quality)))
    return batch


def _find_series(
    connection: Connection,
    sensors: Collection[str],
    variables: Collection[Variable] | None,
) -> dict[int, SeriesKey]:
    wanted = set(sensors)
    return {
        row.id: (row.sensor, Variable(row.variable), row.depth_m)
        for row in connection.execute(select(series))
        if row.sensor in wanted and (variables is None or row.variable in variables)
    }


def _read_values(
    connection: Connection, number: int, times: Collection[int]
) -> dict[int, float | None]:
    query = select(reading.c.time_us, reading.c.value).where(reading.c.series == number)
    if len(times) <= _FEW:
        query = query.where(reading.c.time_us.in_(times))
    else:
        query = query.where(reading.c.time_us.between(min(times), max(times)))
    return {row.time_us: row.value for row in connection.execute(query)}
