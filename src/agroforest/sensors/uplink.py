"""Uplinks of LoRaWAN devices in files: one message, a list of them, or one a line.

Only the raw bytes are used; a server's own decoding of them is not looked at.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import PurePath

from agroforest.core.errors import AgroforestError, DataError
from agroforest.core.reading import Quality, Reading, Sensor, Variable
from agroforest.sensors.decoders import Measured, decode
from agroforest.sensors.envelope import EARLIEST, Uplink, build_uplink
from agroforest.sensors.mapping import DeviceSection, Mapping
from agroforest.sensors.record import Refused, SensorFile
from agroforest.sensors.units import convert

#: Names that decoders give, the variable they are, and the factor to its unit.
#: Numbers without a variable here are decoded but not stored.
VARIABLES = {
    "vwc_pct": (Variable.SOIL_MOISTURE, 0.01),
    "vwc_m3_m3": (Variable.SOIL_MOISTURE, 1.0),
    "soil_temperature_c": (Variable.SOIL_TEMPERATURE, 1.0),
    "ec_us_cm": (Variable.SOIL_CONDUCTIVITY, 1.0),
    "air_temperature_c": (Variable.AIR_TEMPERATURE, 1.0),
    "air_humidity_pct": (Variable.RELATIVE_HUMIDITY, 1.0),
    "battery_v": (Variable.BATTERY, 1.0),
    "battery_pct": (Variable.BATTERY_LEVEL, 1.0),
}


def read_uplinks(text: str, path: PurePath, mapping: Mapping) -> SensorFile:
    """Read a file of uplinks; a message that cannot be used is set aside.

    Raises
    ------
    DataError
        The file is not JSON.
    """
    sensors: dict[str, Sensor] = {}
    readings: list[Reading] = []
    refused: list[Refused] = []
    for place, message in read_messages(text, path, refused):
        try:
            uplink = build_uplink(message)
            found, notes = build_readings(uplink, mapping.find_device(uplink.eui))
        except (AgroforestError, ValueError) as error:
            refused.append(Refused(line=place, reason=str(error)))
            continue
        refused += [Refused(line=place, reason=note) for note in notes]
        for sensor, reading in found:
            sensors.setdefault(sensor.id, sensor)
            readings.append(reading)
    return SensorFile(
        format="uplink",
        sensors=tuple(sensors[name] for name in sorted(sensors)),
        readings=tuple(readings),
        refused=tuple(refused),
    )


def build_readings(
    uplink: Uplink, about: DeviceSection
) -> tuple[list[tuple[Sensor, Reading]], list[str]]:
    """Decode an uplink into readings, each with its sensor, and what was set aside.

    Raises
    ------
    ConfigurationError
        The device is not named, or has no decoder.
    DataError
        The bytes are not a message of that device.
    """
    device = about.device or uplink.model
    if not device:
        raise DataError(
            f"device {uplink.eui}",
            "the message does not say which model it is",
            'name it in a mapping, device = "LSE01"',
        )
    if about.layout is not None:
        decoded = about.layout.decode(uplink.payload, fport=uplink.fport)
    else:
        decoded = decode(
            device,
            uplink.payload,
            fport=None if about.any_port else uplink.fport,
            firmware=about.firmware or uplink.firmware,
        )
    notes: list[str] = []
    moments = [(uplink.time, decoded.measured)]
    for kept in decoded.history:
        if EARLIEST <= kept.time <= uplink.time:
            moments.append((kept.time, kept.measured))
        else:
            notes.append(f"history of {kept.time.isoformat()} is from a wrong clock")
    found = [
        _build_reading(uplink, about, time, measured)
        for time, numbers in moments
        for measured in numbers
        if measured.name in VARIABLES
    ]
    return found, notes


def _build_reading(
    uplink: Uplink, about: DeviceSection, time: datetime, measured: Measured
) -> tuple[Sensor, Reading]:
    variable, factor = VARIABLES[measured.name]
    name, title = f"lorawan:{uplink.eui}", about.name or uplink.name
    depth = about.depth_m if _is_in_soil(variable) else None
    if measured.depth_m is not None:
        depth = measured.depth_m
    elif measured.level is not None:
        if measured.level < len(about.levels_m):
            depth = about.levels_m[measured.level]
        else:  # a level of unknown depth must not be mixed with its neighbours
            name, title = f"{name}#{measured.level}", f"{title} #{measured.level}"
            depth = None
    longitude, latitude, elevation = uplink.location
    own = about.longitude is not None and about.latitude is not None
    sensor = Sensor(
        id=name,
        name=title,
        longitude=about.longitude if own else longitude,
        latitude=about.latitude if own else latitude,
        elevation=elevation if about.elevation is None else about.elevation,
        simulated=about.simulated,
    )
    value = None if measured.value is None else convert(measured.value, factor)
    reading = Reading(
        sensor=name,
        time=time,
        variable=variable,
        depth_m=depth,
        value=value,
        quality=Quality.MISSING if value is None else Quality.GOOD,
    )
    return sensor, reading


def _is_in_soil(variable: Variable) -> bool:
    return variable.startswith("soil_")


def read_messages(
    text: str, path: PurePath, refused: list[Refused]
) -> Iterator[tuple[int, object]]:
    """Yield the messages of a file, each with its line or place from 1.

    Parameters
    ----------
    text, path
        Content of the file and its name.
    refused
        Gets the lines that are no JSON.

    Raises
    ------
    DataError
        Nothing of it is JSON.
    """
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise DataError(path, "is nested too deeply", "leave it out") from error
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) <= 1:
            raise DataError(path, f"is not JSON ({error})", "leave it out") from error
        yield from _read_lines(text.splitlines(), refused)
        return
    messages: Sequence[object] = document if isinstance(document, list) else [document]
    yield from enumerate(messages, 1)


def _read_lines(
    lines: Sequence[str], refused: list[Refused]
) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            refused.append(Refused(line=number, reason=f"is not JSON ({error})"))
            continue
        yield number, message
