"""Which decoder reads which device."""

import re
from collections.abc import Callable
from functools import partial

from agroforest.core.errors import ConfigurationError
from agroforest.sensors.decoders import decentlab
from agroforest.sensors.decoders.dragino import decode_lse01
from agroforest.sensors.decoders.message import Message
from agroforest.sensors.decoders.milesight import decode_em500_smtc
from agroforest.sensors.decoders.sensecap import decode_sensecap
from agroforest.sensors.decoders.tektelic import decode_tektelic

#: ``decoder(payload, fport, firmware)``; raises `DataError` on damaged bytes.
Decoder = Callable[[bytes, int | None, str | None], Message]


def _decode_decentlab(
    payload: bytes,
    fport: int | None,  # noqa: ARG001  every decoder takes the same
    firmware: str | None,  # noqa: ARG001
    *,
    device: str,
) -> Message:
    return decentlab.decode_decentlab(device, payload)


_SINGLE: dict[str, Decoder] = {
    "LSE01": decode_lse01,
    "EM500-SMTC": decode_em500_smtc,
    "SenseCAP-S210x": decode_sensecap,
    "Kiwi": decode_tektelic,
    "Clover": decode_tektelic,
}

#: Every decoder, by device.
DECODERS: dict[str, Decoder] = {
    **_SINGLE,
    **{name: partial(_decode_decentlab, device=name) for name in decentlab.DEVICES},
}


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
        LoRaWAN port, where known.
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
            f"name one of {', '.join(DECODERS)}",
        )
    return DECODERS[found](payload, fport, firmware)


def find_device(text: str) -> str | None:
    """Find the known device whose name occurs in `text` as whole words."""
    words = f"-{_norm(text)}-"
    found = [name for name in DECODERS if f"-{_norm(name)}-" in words]
    if not found and re.search(r"-(sensecap-)?s210\d-", words):
        return "SenseCAP-S210x"
    return max(found, key=len, default=None)


def _norm(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")
