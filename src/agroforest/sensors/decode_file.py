"""Uplinks in a file, decoded without being stored; and which device sent them."""

from dataclasses import dataclass
from pathlib import Path

from agroforest.core.errors import AgroforestError, ConfigurationError, DataError
from agroforest.core.table import read_text
from agroforest.sensors.decoders import Message, decode, find_device, match_devices
from agroforest.sensors.envelope import Uplink, build_uplink
from agroforest.sensors.mapping import DeviceSection, Mapping
from agroforest.sensors.record import Refused
from agroforest.sensors.uplink import read_messages

#: The file's name and so many folders above it, less one, may name the device.
_NEAR = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Decoded:
    """An uplink and what its bytes say.

    Attributes
    ----------
    uplink
        The envelope.
    device
        The device by whose layout they were read.
    known_from
        What named it: ``command``, ``mapping``, ``message``, ``path`` (the names of
        the file's folders) or ``bytes`` (only this device sends such).
    message
        The numbers.
    """

    uplink: Uplink
    device: str
    known_from: str
    message: Message


def decode_uplinks(
    path: Path,
    *,
    device: str = "",
    firmware: str | None = None,
    mapping: Mapping | None = None,
) -> tuple[list[Decoded], list[Refused]]:
    """Decode every uplink of a file; one that cannot be read is set aside.

    Parameters
    ----------
    path
        JSON: one message, a list, or one a line.
    device, firmware
        Of all of them; comes before what the messages say.
    mapping
        Devices by EUI; see `agroforest.sensors.mapping`.

    Raises
    ------
    ConfigurationError
        `device` has no decoder.
    DataError
        The file is not JSON.
    """
    if device and find_device(device) is None:
        decode(device, b"")  # refuses it, with the names that are known
    refused: list[Refused] = []
    decoded: list[Decoded] = []
    text = read_text(path, "utf-8-sig", otherwise="leave it out")
    for place, message in read_messages(text, path, refused):
        try:
            uplink = build_uplink(message)
            about = (mapping or Mapping()).find_device(uplink.eui)
            if device:
                about = about.model_copy(update={"device": device, "layout": None})
            decoded.append(_decode(uplink, about, path, firmware, named=bool(device)))
        except (AgroforestError, ValueError) as error:
            refused.append(Refused(line=place, reason=str(error)))
    return decoded, refused


def _decode(
    uplink: Uplink,
    about: DeviceSection,
    path: Path,
    firmware: str | None,
    *,
    named: bool,
) -> Decoded:
    fport = None if about.any_port else uplink.fport
    if about.layout is not None:
        return Decoded(
            uplink=uplink,
            device=about.layout.name,
            known_from="mapping",
            message=about.layout.decode(uplink.payload, fport=fport),
        )
    known, source = _resolve_device(uplink, about, path, named=named)
    message = decode(
        known,
        uplink.payload,
        fport=fport,
        firmware=firmware or about.firmware or uplink.firmware,
    )
    return Decoded(uplink=uplink, device=known, known_from=source, message=message)


def _resolve_device(
    uplink: Uplink, about: DeviceSection, path: Path, *, named: bool
) -> tuple[str, str]:
    if about.device:
        found = find_device(about.device)
        if found is None:
            raise ConfigurationError(
                f"device {about.device!r}",
                "has no decoder",
                "describe it in [layouts], see docs/sensors.md",
            )
        return found, "command" if named else "mapping"
    if found := find_device(uplink.model):
        return found, "message"
    for folder in reversed(path.absolute().parts[-_NEAR:]):
        if found := find_device(folder):
            return found, "path"
    candidates = match_devices(uplink.payload, uplink.fport)
    if len(candidates) == 1:
        return candidates[0], "bytes"
    which = f"may be of {', '.join(candidates)}" if candidates else "is of none known"
    raise DataError(
        f"device {uplink.eui}",
        f"payload {uplink.payload.hex()[:80]!r} {which}",
        "name it: agroforest sensors decode DEVICE --uplink FILE",
    )
