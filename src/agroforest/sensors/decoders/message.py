"""What a decoder gives: numbers under plain names, units in the name.

================================ ==========================================
name                             meaning
================================ ==========================================
``vwc_pct``, ``vwc_m3_m3``       volumetric water content of the soil
``soil_temperature_c``           soil temperature
``ec_us_cm``                     electrical conductivity of the soil
``water_potential_kpa``          water potential of the soil
``air_temperature_c``            air temperature
``air_humidity_pct``        relative humidity of the air
``external_temperature_c``       an extra probe on a cable, wherever it is
``leaf_wetness``                 index, 0 dry
``profile_moisture``             uncalibrated scale of a profile probe
``profile_salinity``             uncalibrated scale of a profile probe
``dielectric``                   relative permittivity
``battery_v``, ``battery_pct``   battery
================================ ==========================================
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One number of a message.

    Attributes
    ----------
    name
        As in the table above.
    value
        The number; ``None`` where the device sent its error value.
    level
        Place on a probe with several levels, from 0 at the top; ``None`` on
        other probes.
    """

    name: str
    value: float | None
    level: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """Numbers that a device measured earlier and sends now.

    Attributes
    ----------
    time
        When they were measured, by the device's clock, UTC.
    measured
        The numbers.
    """

    time: datetime
    measured: tuple[Measured, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A decoded payload.

    Attributes
    ----------
    measured
        Numbers measured now.
    history
        Numbers measured earlier.
    device_id
        The device's own number, where the payload carries it.
    rest
        Bytes at the end that were not understood.
    """

    measured: tuple[Measured, ...]
    history: tuple[Kept, ...] = ()
    device_id: int | None = None
    rest: bytes = b""
