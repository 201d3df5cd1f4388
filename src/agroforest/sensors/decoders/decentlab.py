"""Decentlab, protocol 2: sixteen-bit words, big-endian.

::

    version 1 (= 2) · device 2 · flags 2 · words

Each flag bit, lowest first, says whether a group of words follows; a device's
groups are always in the same order, the battery (mV) last. Words that measure a
signed quantity are offset: 0 stands for no answer, as does ``ffff``.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agroforest.sensors.decoders.message import Measured, Message
from agroforest.sensors.decoders.payload import damaged

_VERSION = 2
_HEADER = struct.Struct(">BHH")
_NO_ANSWER = 0xFFFF
#: From here on the 5TM's counts are error codes (its integrator guide; 81.9 would be
#: above the permittivity of water, 62.2 °C above its range).
_5TM_FAILED, _5TM_FAILED_TEMPERATURE = 4094, 1022

_Group = Callable[[Sequence[int]], list[Measured]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """A group of words and how they are read."""

    count: int
    read: _Group


def decode_decentlab(device: str, payload: bytes) -> Message:
    """Decode a payload of a Decentlab device, ``"DL-TRS12"`` and so on.

    Raises
    ------
    DataError
        Another protocol version, groups that this device has not, or other than
        the number of words the flags announce.
    """
    if len(payload) < _HEADER.size:
        raise damaged(device, payload, "ends inside its header")
    version, number, flags = _HEADER.unpack_from(payload)
    if version != _VERSION:
        raise damaged(device, payload, f"has protocol version {version}, not 2")
    groups = _DEVICES[device]
    if flags >> len(groups):
        raise damaged(
            device, payload, f"announces more than the {len(groups)} groups it has"
        )
    sent = [group for bit, group in enumerate(groups) if flags >> bit & 1]
    body = payload[_HEADER.size :]
    announced = 2 * sum(group.count for group in sent)
    if len(body) != announced:
        raise damaged(
            device,
            payload,
            f"has {len(body)} bytes of words, its flags say {announced}",
        )
    words = [int.from_bytes(body[i : i + 2]) for i in range(0, len(body), 2)]
    measured: list[Measured] = []
    at = 0
    for group in sent:
        measured += group.read(words[at : at + group.count])
        at += group.count
    return Message(measured=tuple(measured), device_id=number)


def _offset(word: int, divisor: int) -> float | None:
    return None if word in {0, _NO_ANSWER} else (word - 32768) / divisor


def _battery(words: Sequence[int]) -> list[Measured]:
    return [Measured(name="battery_v", value=words[0] / 1000)]


def _read_teros(words: Sequence[int]) -> list[Measured]:
    # TEROS 11/12: mineral soil calibration of the manual, counts in tenths.
    raw = words[0]
    water = permittivity = None
    if raw not in {0, _NO_ANSWER}:
        count = raw / 10
        water = count * 0.0003879 - 0.6956
        root = 2.887e-9 * count**3 - 2.08e-5 * count**2 + 5.276e-2 * count - 43.39
        permittivity = root**2
    measured = [
        Measured(name="vwc_m3_m3", value=water),
        Measured(name="dielectric", value=permittivity),
        Measured(name="soil_temperature_c", value=_offset(words[1], 10)),
    ]
    if len(words) > 2:
        ec = None if words[2] == _NO_ANSWER else float(words[2])
        measured.append(Measured(name="ec_us_cm", value=ec))
    return measured


def _read_teros21(words: Sequence[int]) -> list[Measured]:
    # 0 - x and not -x: soaked soil is at 0, not at -0.
    potential = None if words[0] == _NO_ANSWER else 0 - words[0] / 10
    return [
        Measured(name="water_potential_kpa", value=potential),
        Measured(name="soil_temperature_c", value=_offset(words[1], 10)),
    ]


def _read_5tm(words: Sequence[int]) -> list[Measured]:
    # Permittivity in fiftieths; Topp, Davis & Annan 1980, eq. 7.
    raw, temperature = words
    water = permittivity = None
    if 0 < raw < _5TM_FAILED:
        permittivity = e = raw / 50
        water = 4.3e-6 * e**3 - 5.5e-4 * e**2 + 2.92e-2 * e - 5.3e-2
    warm = temperature < _5TM_FAILED_TEMPERATURE
    return [
        Measured(name="vwc_m3_m3", value=water),
        Measured(name="dielectric", value=permittivity),
        Measured(
            name="soil_temperature_c",
            value=(temperature - 400) / 10 if warm else None,
        ),
    ]


def _read_leaf(words: Sequence[int]) -> list[Measured]:
    low, high = words
    silent = low == high and low in {0, _NO_ANSWER}
    index = None if silent else (low + high * 65536) / 8388608 - 1
    return [Measured(name="leaf_wetness", value=index)]


def _read_profile(words: Sequence[int]) -> list[Measured]:
    # Moisture and temperature alternate; the moisture scale needs calibration.
    measured = []
    for level in range(len(words) // 2):
        raw = words[2 * level]
        moisture = None if raw in {0, _NO_ANSWER} else (raw - 2500) / 500
        temperature = _offset(words[2 * level + 1], 100)
        measured += [
            Measured(name="profile_moisture", value=moisture, level=level),
            Measured(name="soil_temperature_c", value=temperature, level=level),
        ]
    return measured


def _read_chain(words: Sequence[int]) -> list[Measured]:
    return [
        Measured(name="soil_temperature_c", value=_offset(word, 100), level=level)
        for level, word in enumerate(words)
    ]


def _read_drill_and_drop(first: int) -> _Group:
    def read(words: Sequence[int]) -> list[Measured]:
        measured = []
        for level in range(6):
            silent = words[level] in {0, _NO_ANSWER}  # then salinity is none either
            salinity = None if silent else float(words[12 + level] - 100)
            at = first + level
            measured += [
                Measured(name="vwc_pct", value=_offset(words[level], 100), level=at),
                Measured(
                    name="soil_temperature_c",
                    value=_offset(words[6 + level], 100),
                    level=at,
                ),
                Measured(name="profile_salinity", value=salinity, level=at),
            ]
        return measured

    return read


_BATTERY = _Words(count=1, read=_battery)
_DEVICES: dict[str, tuple[_Words, ...]] = {
    "DL-TRS11": (_Words(count=2, read=_read_teros), _BATTERY),
    "DL-TRS12": (_Words(count=3, read=_read_teros), _BATTERY),
    "DL-TRS21": (_Words(count=2, read=_read_teros21), _BATTERY),
    "DL-5TM": (_Words(count=2, read=_read_5tm), _BATTERY),
    "DL-LWS": (_Words(count=2, read=_read_leaf), _BATTERY),
    "DL-SMTP": (_Words(count=16, read=_read_profile), _BATTERY),
    "DL-TP": (_Words(count=16, read=_read_chain), _BATTERY),
    "DL-SDD": (
        _Words(count=18, read=_read_drill_and_drop(0)),
        _Words(count=18, read=_read_drill_and_drop(6)),
        _BATTERY,
    ),
}

#: Devices this module knows.
DEVICES = tuple(_DEVICES)
