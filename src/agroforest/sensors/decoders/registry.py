"""Which decoder reads which device, and on which ports."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.sensors.decoders import decentlab
from agroforest.sensors.decoders.dragino import decode_lse01
from agroforest.sensors.decoders.dragino_lb import (
    LOG,
    READING,
    STATE,
    decode_lms01_lb,
    decode_se01_lb,
)
from agroforest.sensors.decoders.message import Message
from agroforest.sensors.decoders.milesight import decode_em500_smtc
from agroforest.sensors.decoders.sensecap import decode_sensecap
from agroforest.sensors.decoders.tektelic import decode_tektelic

#: ``decoder(payload, fport, firmware)``; raises `DataError` on damaged bytes.
Decoder = Callable[[bytes, int, str | None], Message]

#: Ports an application may use (LoRaWAN 1.0.3, 4.3.2).
_PORTS = range(1, 224)


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """A model that can be decoded.

    Attributes
    ----------
    name
        As people and network servers write it.
    maker
        Who makes it.
    zh, en
        What it measures.
    ports
        LoRaWAN ports of its messages, the one of readings first; empty if the
        maker fixes none.
    decode
        Reads a payload.
    """

    name: str
    maker: str
    zh: str
    en: str
    ports: tuple[int, ...]
    decode: Decoder


def _read_decentlab(
    payload: bytes,
    fport: int,  # noqa: ARG001  every decoder takes the same
    firmware: str | None,  # noqa: ARG001
    *,
    device: str,
) -> Message:
    return decentlab.decode_decentlab(device, payload)


def _decentlab(name: str, zh: str, en: str) -> Device:
    return Device(
        name=name,
        maker="Decentlab",
        zh=zh,
        en=en,
        ports=(1,),
        decode=partial(_read_decentlab, device=name),
    )


_ALL = (
    Device(
        name="LSE01",
        maker="Dragino",
        zh="土壤水分、温度、电导率",
        en="soil moisture, temperature, conductivity",
        ports=(2,),
        decode=decode_lse01,
    ),
    Device(
        name="SE01-LB",
        maker="Dragino",
        zh="土壤水分、温度、电导率，含历史记录",
        en="soil moisture, temperature, conductivity; its log too",
        ports=(READING, LOG, STATE),
        decode=decode_se01_lb,
    ),
    Device(
        name="LMS01-LB",
        maker="Dragino",
        zh="叶面湿度、温度，含历史记录",
        en="leaf moisture and temperature; its log too",
        ports=(READING, LOG, STATE),
        decode=decode_lms01_lb,
    ),
    Device(
        name="EM500-SMTC",
        maker="Milesight",
        zh="土壤水分、温度、电导率，含历史记录",
        en="soil moisture, temperature, conductivity; its history too",
        ports=(85,),
        decode=decode_em500_smtc,
    ),
    _decentlab("DL-TRS11", "土壤水分、温度", "soil moisture, temperature"),
    _decentlab(
        "DL-TRS12",
        "土壤水分、温度、电导率",
        "soil moisture, temperature, conductivity",
    ),
    _decentlab("DL-TRS21", "土壤水势、温度", "soil water potential, temperature"),
    _decentlab("DL-5TM", "土壤水分、温度", "soil moisture, temperature"),
    _decentlab("DL-LWS", "叶面湿润指数", "leaf wetness index"),
    _decentlab(
        "DL-SMTP", "土壤水分、温度剖面，八层", "soil moisture, temperature; 8 levels"
    ),
    _decentlab("DL-TP", "土壤温度剖面，十六层", "soil temperature; 16 levels"),
    _decentlab(
        "DL-SDD",
        "土壤水分、温度、盐分剖面，十二层",
        "soil moisture, temperature, salinity; 12 levels",
    ),
    Device(
        name="SenseCAP-S210x",
        maker="Seeed",
        zh="空气、土壤、叶面传感器",
        en="air, soil and leaf probes",
        ports=(),
        decode=decode_sensecap,
    ),
    Device(
        name="Kiwi",
        maker="Tektelic",
        zh="电池、空气温湿度、光照（土壤通道未标定）",
        en="battery, air, light; soil channels uncalibrated",
        ports=(10,),
        decode=decode_tektelic,
    ),
    Device(
        name="Clover",
        maker="Tektelic",
        zh="电池、空气温湿度、光照（土壤通道未标定）",
        en="battery, air, light; soil channels uncalibrated",
        ports=(10,),
        decode=decode_tektelic,
    ),
)

#: Every device, by name.
DEVICES: dict[str, Device] = {device.name: device for device in _ALL}


def decode(
    device: str,
    payload: bytes,
    *,
    fport: int | None = None,
    firmware: str | None = None,
) -> Message:
    """Decode the bytes of an uplink.

    Parameters
    ----------
    device
        Model, as people and network servers write it: ``"LSE01"``,
        ``"dragino lse01"``, ``"DL-TRS12 soil"``.
    payload
        Raw bytes; the network server's own decoding is never looked at.
    fport
        LoRaWAN port; unknown, that of the device's readings.
    firmware
        Version, where known: ``"1.2.1"``, ``"<1.2.1"``.

    Raises
    ------
    ConfigurationError
        No decoder for this device.
    DataError
        The bytes are not a message of this device.
    """
    found = find_device(device)
    if found is None:
        raise ConfigurationError(
            f"device {device!r}",
            "has no decoder",
            f"name one of {', '.join(DEVICES)}",
        )
    known = DEVICES[found]
    check_port(known.name, known.ports, fport)
    if not payload:
        raise DataError(known.name, "payload is empty", "look at the gateway")
    port = fport if fport is not None else next(iter(known.ports), 1)
    return known.decode(payload, port, firmware)


def check_port(name: str, ports: tuple[int, ...], fport: int | None) -> None:
    """Refuse a port on which this device sends nothing.

    Raises
    ------
    DataError
        Naming the port and those that carry readings.
    """
    if fport is None or fport in (ports or _PORTS):
        return
    wanted = ", ".join(map(str, ports)) or f"{_PORTS.start} to {_PORTS.stop - 1}"
    raise DataError(
        name, f"port {fport} carries no readings", f"use messages of port {wanted}"
    )


@lru_cache(maxsize=1024)  # a network names few devices, many times
def find_device(text: str) -> str | None:
    """Find the known device whose name occurs in `text` as whole words."""
    words = f"-{_norm(text)}-".replace("-ls-", "-lb-")  # same device, solar
    found = [name for name in DEVICES if f"-{_norm(name)}-" in words]
    if not found and re.search(r"-(sensecap-?)?s210[0-9x]-", words):
        return "SenseCAP-S210x"
    return max(found, key=len, default=None)


def match_devices(payload: bytes, fport: int | None) -> list[str]:
    """Find the devices that could have sent these bytes.

    Devices that read them alike count once; several are a question to the user.
    """
    found: dict[Message, str] = {}
    for name in DEVICES:
        try:
            message = decode(name, payload, fport=fport)
        except DataError:
            continue
        found.setdefault(message, name)
    return list(found.values())


def _norm(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
