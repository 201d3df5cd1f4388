"""Sensor files into the store, judged beside what is there already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agroforest.core.reading import Reading, Sensor
from agroforest.sensors import Refused, flag, read_file
from agroforest.store import AddedReadings, Store

# A flat line or a gap may begin in the file before: readings this close to the
# new ones are judged again. Longer than any rule looks back.
_CONTEXT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What became of a sensor file.

    Attributes
    ----------
    file
        Its path.
    format
        What it was recognised as.
    sensors
        How many sensors it mentions.
    added, known, conflicts
        New readings, exact duplicates, and other values for a time that has one
        (the stored value stays).
    flagged
        Of the file's readings, how many carry a quality flag.
    refused
        Rows set aside, with the reason.
    """

    file: Path
    format: str
    sensors: int
    added: int
    known: int
    conflicts: int
    flagged: int
    refused: tuple[Refused, ...]


def import_file(path: Path, *, mapping: Path | None, store: Store) -> Intake:
    """Read a sensor file, flag its readings and store them.

    Parameters
    ----------
    path, mapping
        See `agroforest.sensors.read_file`.
    store
        Keeps them. Flags of stored readings beside the new ones are brought up
        to date, so the order in which files are imported does not matter.

    Raises
    ------
    ConfigurationError, DataError
        As `read_file`.
    """
    content = read_file(path, mapping=mapping)
    added, flagged = keep(content.sensors, content.readings, store)
    return Intake(
        file=path,
        format=content.format,
        sensors=len(content.sensors),
        added=added.added,
        known=added.known,
        conflicts=added.conflicts,
        flagged=flagged,
        refused=content.refused,
    )


def keep(
    sensors: Sequence[Sensor], readings: Sequence[Reading], store: Store
) -> tuple[AddedReadings, int]:
    """Store readings, and judge them beside what is there already.

    Parameters
    ----------
    sensors
        Theirs.
    readings
        In any order. Flags of stored readings beside them are brought up to date.
    store
        Keeps them.

    Returns
    -------
    tuple
        What was new, and how many of the readings carry a flag now.
    """
    store.add_sensors(sensors)
    # The store counts duplicates and conflicts, also those among the readings.
    added = store.add_readings(readings)
    stored = _around(readings, store)
    judged = flag(stored)
    was = {r.key: r.quality for r in stored}
    store.update_quality(r for r in judged if r.quality != was[r.key])
    keys = {r.key for r in readings}
    return added, sum(1 for r in judged if r.key in keys and r.quality)


def _around(readings: Sequence[Reading], store: Store) -> list[Reading]:
    if not readings:
        return []
    times = [r.time for r in readings]
    return store.readings(
        sorted({r.sensor for r in readings}),
        min(times) - _CONTEXT,
        max(times) + _CONTEXT,
    )
