"""What a decoder gives: numbers under plain names, units in the name.

================================ ==========================================
name                             meaning
================================ ==========================================
``vwc_pct``, ``vwc_m3_m3``       volumetric water content of the soil
``soil_temperature_c``           soil temperature
``ec_us_cm``                     electrical conductivity of the soil
``water_potential_kpa``          water potential of the soil, 0 or below
``air_temperature_c``            air temperature
``air_humidity_pct``             relative humidity of the air
``external_temperature_c``       an extra probe on a cable, wherever it is
``leaf_wetness``                 index, 0 dry
``leaf_moisture_pct``            wetted share of a leaf-shaped probe
``leaf_temperature_c``           its temperature
``profile_moisture``             uncalibrated scale of a profile probe
``profile_salinity``             uncalibrated scale of a profile probe
``dielectric``                   relative permittivity
``raw_moisture``                 uncalibrated count
``raw_conductivity``             uncalibrated count
``light_lux``                    illuminance
``temperature_change_c``         change that set off an alarm
``temperature_alarm``            why a message was sent, by its maker's code
``pulse_count``                  pulses counted since the counter was set
``battery_v``, ``battery_pct``   battery
``battery_days``                 days the battery will last, by the device
================================ ==========================================

A device that measures something else keeps its own name with its maker's number,
``sensecap_4100``.
"""

from dataclasses import dataclass
from datetime import datetime

#: The names of the table above.
NAMES = frozenset(
    {
        "air_humidity_pct",
        "air_temperature_c",
        "battery_days",
        "battery_pct",
        "battery_v",
        "dielectric",
        "ec_us_cm",
        "external_temperature_c",
        "leaf_moisture_pct",
        "leaf_temperature_c",
        "leaf_wetness",
        "light_lux",
        "profile_moisture",
        "profile_salinity",
        "pulse_count",
        "raw_conductivity",
        "raw_moisture",
        "soil_temperature_c",
        "temperature_alarm",
        "temperature_change_c",
        "vwc_m3_m3",
        "vwc_pct",
        "water_potential_kpa",
    }
)


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
    depth_m
        Metres below the surface, where the message itself says so.
    code
        The maker's number of this measurement, where the payload carries one.
    """

    name: str
    value: float | None
    level: int | None = None
    depth_m: float | None = None
    code: int | None = None


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
    about
        What the device says of itself: name and text, ``("firmware", "1.2.1")``.
    """

    measured: tuple[Measured, ...] = ()
    history: tuple[Kept, ...] = ()
    device_id: int | None = None
    about: tuple[tuple[str, str], ...] = ()
