"""Sensors in the soil and in the air, and what they report."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import IntFlag, StrEnum

from agroforest.core.identity import digest


class Variable(StrEnum):
    """What is measured; the unit belongs to the name and never changes."""

    SOIL_MOISTURE = "soil_moisture"  #: m3 of water per m3 of soil
    SOIL_TEMPERATURE = "soil_temperature"  #: degrees Celsius
    SOIL_CONDUCTIVITY = "soil_conductivity"  #: microsiemens per centimetre
    AIR_TEMPERATURE = "air_temperature"  #: degrees Celsius
    RELATIVE_HUMIDITY = "relative_humidity"  #: percent
    PRECIPITATION = "precipitation"  #: millimetres since the reading before
    BATTERY = "battery"  #: volts
    BATTERY_LEVEL = "battery_level"  #: percent, as the device estimates it


UNITS = {
    Variable.SOIL_MOISTURE: "m3/m3",
    Variable.SOIL_TEMPERATURE: "degC",
    Variable.SOIL_CONDUCTIVITY: "uS/cm",
    Variable.AIR_TEMPERATURE: "degC",
    Variable.RELATIVE_HUMIDITY: "%",
    Variable.PRECIPITATION: "mm",
    Variable.BATTERY: "V",
    Variable.BATTERY_LEVEL: "%",
}


class Quality(IntFlag):
    """Why a reading should not be trusted; 0 is good. Flag, never delete.

    ============  ===================================================
    flag          meaning
    ============  ===================================================
    ``RANGE``     outside what the variable can be
    ``SPIKE``     leaves its neighbours and comes back at once
    ``FLAT``      the same number for longer than nature allows
    ``GAP``       first reading after a silence
    ``MISSING``   the device sent its error value
    ``BREAK``     the level changes at once and stays
    ``PLATEAU``   rests at the highest level, or low after a drop
    ``FROZEN``    measured in frozen soil
    ``RAINLESS``  rises without rain
    ``STALE``     sent again with a new time
    ``BATTERY``   sent on a low battery
    ============  ===================================================
    """

    GOOD = 0
    RANGE = 1
    SPIKE = 2
    FLAT = 4
    GAP = 8
    MISSING = 16
    BREAK = 32
    PLATEAU = 64
    FROZEN = 128
    RAINLESS = 256
    STALE = 512
    BATTERY = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensor:
    """A probe at a place.

    Attributes
    ----------
    id
        Unique in the work folder: network and device, ``ismn:MAQU/CST-01``.
    name
        As people call it.
    longitude, latitude
        WGS84 degrees; ``None`` where the source does not say.
    elevation
        Metres, where known.
    simulated
        True for sensors that never existed.
    """

    id: str
    name: str
    longitude: float | None = None
    latitude: float | None = None
    elevation: float | None = None
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One number from one sensor.

    Attributes
    ----------
    sensor
        Id of the sensor.
    time
        UTC, with time zone.
    variable
        What was measured; `UNITS` gives the unit.
    depth_m
        Metres below the surface (negative above it); ``None`` if it has none.
    value
        In the variable's unit; ``None`` when the device reported an error.
    quality
        Flags; 0 is good.
    """

    sensor: str
    time: datetime
    variable: Variable
    depth_m: float | None
    value: float | None
    quality: Quality = Quality.GOOD

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError(f"naive time {self.time.isoformat()} of {self.sensor}")

    def patch(self, **changes: object) -> "Reading":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def key(self) -> str:
        """Same sensor, time, variable and depth: the same reading."""
        return digest(
            self.sensor, self.time.astimezone(UTC), self.variable, self.depth_m
        )
