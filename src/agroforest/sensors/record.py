"""What reading a sensor file gives."""

from dataclasses import dataclass

from agroforest.core.reading import Reading, Sensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A part of a file that was set aside.

    Attributes
    ----------
    line
        Line of the file, or place of the message in it; from 1.
    reason
        Why, with the offending value.
    """

    line: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorFile:
    """Everything a sensor file says.

    Attributes
    ----------
    format
        ``"csv"``, ``"xlsx"``, ``"ismn"`` or ``"uplink"``.
    sensors
        Sensors it mentions, by id.
    readings
        Its readings, in file order, units converted, times in UTC.
    refused
        What was set aside; the rest is used.
    source_flags
        The producer's own quality flags, one text a reading; empty where the
        format has none.
    """

    format: str
    sensors: tuple[Sensor, ...]
    readings: tuple[Reading, ...]
    refused: tuple[Refused, ...]
    source_flags: tuple[str, ...] = ()
