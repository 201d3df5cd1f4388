"""International Soil Moisture Network files (``.stm``), both forms.

Header and values: a first line ``network network station latitude longitude
elevation depth_from depth_to probe``, then ``date time value flags producer-flag``.
CEOP: everything on every line, nominal and actual UTC time first. Some files end
their lines with a bare carriage return. Times are UTC; nominal time is used, so that
both forms of a file give the same readings. (ISMN data format, ismn.earth)
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath

from agroforest.core.errors import DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors.record import Refused, SensorFile

_DAY = r"\d{4}/\d{2}/\d{2}"
_CEOP = re.compile(rf"{_DAY} \d\d:\d\d\s+{_DAY} \d\d:\d\d\s+\S")
_VALUE = re.compile(rf"{_DAY} \d\d:\d\d\s+\S")
_NAME = re.compile(r"_(?P<code>[a-z]+)_-?\d+\.\d+_-?\d+\.\d+_")

_VARIABLES = {
    "sm": Variable.SOIL_MOISTURE,
    "ts": Variable.SOIL_TEMPERATURE,
    "ta": Variable.AIR_TEMPERATURE,
    "p": Variable.PRECIPITATION,
}

#: Theirs that mean the same as ours (Dorigo 2013, table 2); all of them are kept
#: beside the readings, as text. D02, air below freezing, says nothing of the soil.
_FLAGS = {
    "C01": Quality.RANGE,
    "C02": Quality.RANGE,
    "C03": Quality.RANGE,
    "D01": Quality.FROZEN,
    "D03": Quality.FROZEN,
    "D04": Quality.RAINLESS,
    "D05": Quality.RAINLESS,
    "D06": Quality.SPIKE,
    "D07": Quality.BREAK,
    "D08": Quality.BREAK,
    "D09": Quality.PLATEAU,
    "D10": Quality.PLATEAU,
}
_MISSING = -9999.0
_STATION_FIELDS = 8
_CEOP_FIELDS = 14


@dataclass(frozen=True, slots=True)
class _Station:
    sensor: Sensor
    depth_m: float


def is_ismn(text: str) -> bool:
    """Tell whether text looks like an ISMN file, from its first two lines."""
    first, second = (*_split(text[:4096]), "", "")[:2]
    return bool(_CEOP.match(first)) or (
        bool(_VALUE.match(second)) and len(first.split()) >= _STATION_FIELDS
    )


def read_ismn(text: str, path: PurePath) -> SensorFile:
    """Read an ISMN file.

    Parameters
    ----------
    text
        Content of the file.
    path
        Its name, which alone says what was measured: ``…_sm_0.05_0.05_….stm``.

    Raises
    ------
    DataError
        The name does not say what was measured, or the header is damaged.
    """
    variable = _find_variable(path)
    sensors: dict[str, Sensor] = {}
    readings: list[Reading] = []
    flags: list[str] = []
    refused: list[Refused] = []
    for line, station, values in _read_rows(text, path, refused):
        sensors.setdefault(station.sensor.id, station.sensor)
        try:
            reading = _build_reading(station, variable, values)
        except ValueError as error:
            refused.append(Refused(line=line, reason=str(error)))
            continue
        readings.append(reading)
        flags.append(values[3] if len(values) > 3 else "")
    return SensorFile(
        format="ismn",
        sensors=tuple(sensors[name] for name in sorted(sensors)),
        readings=tuple(readings),
        refused=tuple(refused),
        source_flags=tuple(flags),
    )


def _read_rows(
    text: str, path: PurePath, refused: list[Refused]
) -> Iterator[tuple[int, _Station, Sequence[str]]]:
    """Yield line number, station and ``date time value flags`` of every row."""
    lines = _split(text)
    if _CEOP.match(lines[0]):
        known: dict[tuple[str, ...], _Station] = {}
        for number, line in enumerate(lines, 1):
            fields = line.split()
            if not fields:
                continue
            if len(fields) < _CEOP_FIELDS:
                refused.append(_short(number, line))
                continue
            about = tuple(fields[5:12])
            try:
                station = known.get(about) or known.setdefault(about, _station(about))
            except ValueError as error:
                refused.append(Refused(line=number, reason=str(error)))
                continue
            yield number, station, (*fields[:2], *fields[12:14])
        return
    try:
        station = _station(lines[0].split()[1:8])
    except ValueError as error:
        raise DataError(
            path, f"its first line is damaged ({error})", "fetch the file again"
        ) from error
    for number, line in enumerate(lines[1:], 2):
        fields = line.split()
        if len(fields) >= 3:
            yield number, station, fields
        elif fields:
            refused.append(_short(number, line))


def _station(fields: Sequence[str]) -> _Station:
    network, station, *numbers = fields
    latitude, longitude, elevation, top, bottom = (float(n) for n in numbers)
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"latitude {latitude}, longitude {longitude} is nowhere")
    name = station.replace("_", "-")
    return _Station(
        sensor=Sensor(
            id=f"ismn:{network}/{name}",
            name=f"{network} {name}",
            longitude=longitude,
            latitude=latitude,
            elevation=elevation,
        ),
        depth_m=round((top + bottom) / 2, 4),
    )


def _build_reading(
    station: _Station, variable: Variable, fields: Sequence[str]
) -> Reading:
    day, clock, number, *flags = fields
    time = datetime.strptime(f"{day} {clock}", "%Y/%m/%d %H:%M").replace(tzinfo=UTC)
    value = float(number)
    if value != value or abs(value) == float("inf"):
        raise ValueError(f"value {number!r} is not a number")
    quality = Quality.GOOD
    for flag in flags[0].split(",") if flags else ():
        quality |= _FLAGS.get(flag, Quality.GOOD)
    missing = value == _MISSING
    return Reading(
        sensor=station.sensor.id,
        time=time,
        variable=variable,
        depth_m=station.depth_m,
        value=None if missing else value,
        quality=Quality.MISSING if missing else quality,
    )


def _find_variable(path: PurePath) -> Variable:
    match = _NAME.search(path.name)
    if match is None:
        raise DataError(
            path,
            "its name does not say what was measured",
            "keep the name ISMN gave it, …_sm_0.050000_0.050000_….stm",
        )
    variable = _VARIABLES.get(match["code"])
    if variable is None:
        raise DataError(
            path,
            f"holds {match['code']!r}, which is not used here",
            f"import files of {', '.join(_VARIABLES)}",
        )
    return variable


def _short(number: int, line: str) -> Refused:
    return Refused(line=number, reason=f"incomplete line {line[:40]!r}")


def _split(text: str) -> list[str]:
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)] or [""]
