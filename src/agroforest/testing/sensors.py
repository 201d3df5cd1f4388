"""Simulated probes in the district: what they write to files, and what is wrong.

Four probes log to CSV files, each with its mapping, and one sends LoRaWAN uplinks.
The soil underneath is a bucket of two layers under the world's weather.
"""

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, reproject
from agroforest.core.reading import Quality, Variable
from agroforest.testing.fields import generator
from agroforest.testing.landscape import Landscape
from agroforest.testing.places import Cover
from agroforest.testing.score import PlantedFault
from agroforest.testing.soil import STEP_HOURS, Values, soil_moisture, soil_temperature

DEPTHS_M = (0.1, 0.3)
DAYS = 120

_EUI = "a84041ffff180049"
_LOCAL = timedelta(hours=8)
_PERCENT = 100.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorInput:
    """A file to import, with its mapping.

    Attributes
    ----------
    file
        CSV or JSON lines.
    mapping
        TOML.
    sensor
        Id the readings will have.
    cover
        What grows around the probe.
    """

    file: Path
    mapping: Path
    sensor: str
    cover: Cover


@dataclass(frozen=True, kw_only=True, slots=True)
class _Probe:
    id: str
    name: str
    place: tuple[float, float]
    cover: Cover
    thirst: float  # water use relative to cane


@dataclass(slots=True)
class _Log:
    """Readings of one probe on their way to a file; faults change it."""

    times: list[datetime]
    moisture: list[Values]
    temperature: Values
    faults: list[PlantedFault] = field(default_factory=list)
    kept: NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, dtype=bool))
    missing: NDArray[np.bool_] = field(default_factory=lambda: np.ones(0, dtype=bool))


_PROBES = (
    _Probe(
        id="sim:cane-1",
        name="甘蔗地 1 (simulated)",
        place=(0.66, 0.06),
        cover=Cover.SUGARCANE,
        thirst=1.0,
    ),
    _Probe(
        id="sim:cane-2",
        name="甘蔗地 2 (simulated)",
        place=(0.86, 0.14),
        cover=Cover.SUGARCANE,
        thirst=1.1,
    ),
    _Probe(
        id="sim:cane-3",
        name="甘蔗地 3 (simulated)",
        place=(0.93, 0.34),
        cover=Cover.SUGARCANE,
        thirst=0.95,
    ),
    _Probe(
        id="sim:citrus-1",
        name="柑橘园 1 (simulated)",
        place=(0.72, 0.33),
        cover=Cover.CITRUS,
        thirst=0.8,
    ),
    _Probe(
        id=f"lorawan:{_EUI}",
        name="甘蔗地 4 (simulated)",
        place=(0.60, 0.20),
        cover=Cover.SUGARCANE,
        thirst=1.05,
    ),
)


def write_sensors(
    landscape: Landscape, folder: Path, *, end: date
) -> tuple[tuple[SensorInput, ...], tuple[PlantedFault, ...]]:
    """Write every probe's file and mapping.

    Parameters
    ----------
    landscape
        Ground and weather.
    folder
        Gets the files.
    end
        Last day of readings; the first is `DAYS` earlier.

    Returns
    -------
    inputs
        Files to import.
    faults
        What is wrong with them.
    """
    inputs, faults = [], []
    for number, probe in enumerate(_PROBES):
        log = _simulate(landscape, probe, number, end)
        _break(log, probe, generator(landscape.seed, 61, number))
        name = probe.id.split(":")[1]
        mapping = folder / f"{name}.toml"
        if probe.id.startswith("lorawan:"):
            file = folder / f"{name}.json"
            write_text(file, _uplinks(log))
            write_text(mapping, _uplink_mapping(landscape, probe))
        else:
            file = folder / f"{name}.csv"
            write_text(file, _table(log))
            write_text(mapping, _table_mapping(landscape, probe))
        inputs.append(
            SensorInput(file=file, mapping=mapping, sensor=probe.id, cover=probe.cover)
        )
        faults += log.faults
    return tuple(inputs), tuple(faults)


def _simulate(landscape: Landscape, probe: _Probe, number: int, end: date) -> _Log:
    rng = generator(landscape.seed, 60, number)
    weather = landscape.weather
    last = weather.index(end)
    days = range(max(0, last - DAYS - 30), last + 1)  # a month to forget the start
    per_day = 24 // STEP_HOURS
    rain = np.zeros(len(days) * per_day)
    for n, day in enumerate(days):
        hour = int(generator(landscape.seed, 62, day).integers(0, per_day - 1))
        rain[n * per_day + hour : n * per_day + hour + 2] += weather.rain[day] / 2
    first = weather.start + timedelta(days[0])
    start = datetime.combine(first, time(0), tzinfo=UTC)
    times = [start + timedelta(hours=STEP_HOURS * n) for n in range(len(rain))]
    upper, lower = soil_moisture(rain, times, thirst=probe.thirst)
    temperature = np.round(soil_temperature(times, rng), 2)
    # capacitance probes drift with temperature, most in the upper layer
    warmth = temperature - temperature.mean()
    moisture = [
        np.round(layer + drift * warmth + rng.normal(0.0, 0.0010, len(rain)), 4)
        for layer, drift in ((upper, 0.0006), (lower, 0.0002))
    ]
    keep = slice(-DAYS * per_day, None)
    count = len(times[keep])
    return _Log(
        times=times[keep],
        moisture=[m[keep] for m in moisture],
        temperature=temperature[keep],
        kept=np.ones(count, dtype=bool),
        missing=np.zeros(count, dtype=bool),
    )


# ---------------------------------------------------------------------- faults


def _break(log: _Log, probe: _Probe, rng: np.random.Generator) -> None:
    """Give each faulty probe its fault; the others stay good."""
    count = len(log.times)
    if probe.id == "sim:cane-2":
        _spikes(log, probe, rng.choice(np.arange(20, count - 20, 9), 14, replace=False))
    elif probe.id == "sim:cane-3":
        _silence(log, probe, slice(count // 2, count // 2 + 6 * 8))
        _errors(log, probe, np.arange(count // 4, count // 4 + 5))
    elif probe.id == "sim:citrus-1":
        _stick(log, probe, slice(int(count * 0.55), int(count * 0.55) + 10 * 8))


def _spikes(log: _Log, probe: _Probe, places: NDArray[np.int64]) -> None:
    """Lone readings that jump, some of them to what no soil can hold."""
    places = np.sort(places)
    impossible, jumps = places[::2], places[1::2]
    values = log.moisture[0]
    values[impossible] = np.resize([1.79, -0.04, 1.12, 0.98], len(impossible))
    values[jumps] = np.minimum(values[jumps] + 0.16, 0.55)
    for flag, where in ((Quality.RANGE, impossible), (Quality.SPIKE, jumps)):
        _note(log, probe, flag, DEPTHS_M[0], where)


def _stick(log: _Log, probe: _Probe, where: slice) -> None:
    """Repeat one number for ten days, in the upper layer."""
    log.moisture[0][where] = log.moisture[0][where.start]
    places = np.arange(where.start, where.stop)
    _note(log, probe, Quality.FLAT, DEPTHS_M[0], places)


def _silence(log: _Log, probe: _Probe, where: slice) -> None:
    """Six days without any reading."""
    log.kept[where] = False
    after = np.array([where.stop])
    for depth in DEPTHS_M:
        _note(log, probe, Quality.GAP, depth, after)
    warm = Variable.SOIL_TEMPERATURE
    _note(log, probe, Quality.GAP, DEPTHS_M[0], after, variable=warm)


def _errors(log: _Log, probe: _Probe, places: NDArray[np.int64]) -> None:
    """Report the logger's error value for moisture."""
    log.missing[places] = True
    for depth in DEPTHS_M:
        _note(log, probe, Quality.MISSING, depth, places)


def _note(
    log: _Log,
    probe: _Probe,
    flag: Quality,
    depth: float,
    places: NDArray[np.int64],
    *,
    variable: Variable = Variable.SOIL_MOISTURE,
) -> None:
    log.faults.append(
        PlantedFault(
            sensor=probe.id,
            variable=variable,
            depth_m=depth,
            flag=flag,
            times=tuple(log.times[n] for n in places),
        )
    )


# ----------------------------------------------------------------------- files


def _table(log: _Log) -> str:
    """CSV in local time with Chinese headings, as a logger's software exports it."""
    lines = ["时间,土壤含水量_10cm,土壤含水量_30cm,土壤温度_10cm"]
    for n, moment in enumerate(log.times):
        if log.kept[n]:
            local = f"{moment + _LOCAL:%Y-%m-%d %H:%M:%S}"
            wet = [
                "-9999" if log.missing[n] else f"{values[n] * _PERCENT:.2f}"
                for values in log.moisture
            ]
            lines.append(",".join([local, *wet, f"{log.temperature[n]:.2f}"]))
    return "\n".join(lines) + "\n"


def _table_mapping(landscape: Landscape, probe: _Probe) -> str:
    values = "".join(
        f"""
[[value]]
column = "土壤含水量_{depth * 100:.0f}cm"
variable = "soil_moisture"
unit = "%"
depth_m = {depth}
"""
        for depth in DEPTHS_M
    )
    return f"""\
# Simulated probe: no such sensor exists.
timezone = "+08:00"
missing = ["-9999"]

[time]
column = "时间"
format = "%Y-%m-%d %H:%M:%S"

[sensor]
id = "{probe.id}"
{_place(landscape, probe)}{values}
[[value]]
column = "土壤温度_10cm"
variable = "soil_temperature"
unit = "°C"
depth_m = {DEPTHS_M[0]}
"""


def _uplink_mapping(landscape: Landscape, probe: _Probe) -> str:
    return f"""\
# Simulated probe: no such sensor exists.
[devices.{_EUI}]
device = "LSE01"
firmware = "1.2.1"
depth_m = {DEPTHS_M[0]}
{_place(landscape, probe)}"""


def _place(landscape: Landscape, probe: _Probe) -> str:
    district = landscape.district
    stand = district.stand_at(*probe.place, probe.cover)
    inside = stand.geometry.representative_point()
    spot = reproject(inside, district.grid.crs, WGS84)
    longitude, latitude = shapely.get_coordinates(spot)[0]
    return f"""\
name = "{probe.name}"
longitude = {longitude:.6f}
latitude = {latitude:.6f}
simulated = true
"""


def _uplinks(log: _Log) -> str:
    """One message of The Things Stack a line."""
    lines = [
        json.dumps(_message(log, n), ensure_ascii=False) for n in range(len(log.times))
    ]
    return "\n".join(lines) + "\n"


def _message(log: _Log, n: int) -> Mapping[str, object]:
    moment = f"{log.times[n]:%Y-%m-%dT%H:%M:%S}.250000000Z"
    payload = lse01_payload(
        battery_v=3.6 - 0.1 * n / len(log.times),
        moisture=float(log.moisture[0][n]),
        temperature=float(log.temperature[n]),
        conductivity=round(900 * float(log.moisture[0][n])),
    )
    return {
        "end_device_ids": {
            "device_id": "simulated-lse01",
            "application_ids": {"application_id": "agroforest-demo"},
            "dev_eui": _EUI.upper(),
        },
        "received_at": moment,
        "uplink_message": {
            "f_port": 2,
            "f_cnt": n,
            "frm_payload": base64.b64encode(payload).decode(),
            "received_at": moment,
        },
        "simulated": True,
    }


def lse01_payload(
    *, battery_v: float, moisture: float, temperature: float, conductivity: int
) -> bytes:
    """Encode a reading as a Dragino LSE01 of firmware 1.2.1 does.

    Parameters
    ----------
    battery_v
        Volts.
    moisture
        m3/m3.
    temperature
        Degrees Celsius.
    conductivity
        Microsiemens per centimetre.

    Returns
    -------
    bytes
        Eleven: battery (mV), cable probe (0.1 degrees, 0 without one), moisture
        (0.01 %), soil temperature (0.01 degrees, two's complement), conductivity,
        flags; big-endian (LSE01 user manual).
    """
    return struct.pack(
        ">HhHhHB",
        round(battery_v * 1000),
        0,
        round(moisture * 10_000),
        round(temperature * 100),
        conductivity,
        1,
    )
