"""Sensor files into the store, judged beside what is there already."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from agroforest.core.reading import Reading, Sensor, Variable
from agroforest.sensors import Ground, Refused, calibrate, check, flag, read_file
from agroforest.sensors.calibration import Calibration
from agroforest.sensors.check import Checked, find_unjudged
from agroforest.sensors.flags_ismn import CODES
from agroforest.sensors.instruments import find_instruments
from agroforest.store import AddedReadings, Store

# A flat line or a gap may begin in the file before: readings this close to the
# new ones are judged again. Longer than any rule looks back.
_CONTEXT = timedelta(days=7)


#: ISMN's codes that an import asks for: what they need stands in the file, and no
#: reading but those of the day before changes them.
IMPORTED = ("C01", "C02", "D01", "D02", "D04")
_WHOLE = "整个序列 the whole series: agroforest sensors check"


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
    calibrated
        Of the file's readings, how many were judged by a calibrated value.
    codes
        How often each of ISMN's codes was found in the file's soil moisture.
    not_judged
        Codes that were not asked for, and what they lack; empty without soil
        moisture.
    """

    file: Path
    format: str
    sensors: int
    added: int
    known: int
    conflicts: int
    flagged: int
    refused: tuple[Refused, ...]
    calibrated: int = 0
    codes: Mapping[str, int] = field(default_factory=dict)
    not_judged: Mapping[str, str] = field(default_factory=dict)


def import_file(
    path: Path,
    *,
    mapping: Path | None,
    store: Store,
    calibrations: Sequence[Calibration] = (),
) -> Intake:
    """Read a sensor file, flag its readings and store them.

    Parameters
    ----------
    path, mapping
        See `agroforest.sensors.read_file`.
    store
        Keeps them. Flags of stored readings beside the new ones are brought up
        to date, so the order in which files are imported does not matter.
    calibrations
        Readings are judged by what these make of them, and stored as the probes
        reported them: a night applies its own calibrations to the same numbers.

    Raises
    ------
    ConfigurationError, DataError
        As `read_file`.
    """
    content = read_file(path, mapping=mapping)
    calibrated = calibrate(content.readings, calibrations)
    ground = Ground(around=find_instruments(calibrated, content.sensors))
    store.add_sensors(content.sensors)
    added = store.add_readings(content.readings)
    stored = _around(content.readings, store)
    checked = check(calibrate(stored, calibrations), ground, codes=IMPORTED)
    _write(stored, [one.reading for one in checked], store)
    keys = {r.key for r in content.readings}
    own = [one for one in checked if one.reading.key in keys]
    return Intake(
        file=path,
        format=content.format,
        sensors=len(content.sensors),
        added=added.added,
        known=added.known,
        conflicts=added.conflicts,
        flagged=sum(1 for one in own if one.reading.quality),
        refused=content.refused,
        calibrated=sum(
            1
            for raw in content.readings
            if any(curve.holds(raw) for curve in calibrations)
        ),
        codes=_count(own),
        not_judged=_find_unjudged(own, ground),
    )


def _count(checked: Sequence[Checked]) -> dict[str, int]:
    counted = Counter(name for one in checked for name in one.flags)
    return {code: counted[code] for code in CODES if counted[code]}


def _find_unjudged(checked: Sequence[Checked], ground: Ground) -> dict[str, str]:
    """Say which codes were left out, and what they lack."""
    if all(one.reading.variable != Variable.SOIL_MOISTURE for one in checked):
        return {}
    missing = find_unjudged(checked, ground)
    left_out = {code: _WHOLE for code in CODES if code not in IMPORTED}
    return dict(sorted((left_out | missing).items()))


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
    _write(stored, judged, store)
    keys = {r.key for r in readings}
    return added, sum(1 for r in judged if r.key in keys and r.quality)


def _write(stored: Sequence[Reading], judged: Sequence[Reading], store: Store) -> None:
    """Write the flags that changed; numbers stay as they were stored."""
    store.update_quality(
        was.patch(quality=now.quality)
        for was, now in zip(stored, judged, strict=True)
        if was.quality != now.quality
    )


def _around(readings: Sequence[Reading], store: Store) -> list[Reading]:
    if not readings:
        return []
    times = [r.time for r in readings]
    return store.readings(
        sorted({r.sensor for r in readings}),
        min(times) - _CONTEXT,
        max(times) + _CONTEXT,
    )
