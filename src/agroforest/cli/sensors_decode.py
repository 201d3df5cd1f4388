"""``agroforest sensors decode`` and ``devices``: bytes of a probe to numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agroforest.cli.options import Json

if TYPE_CHECKING:
    from agroforest.sensors.decode_file import Decoded
    from agroforest.sensors.decoders import Message


def decode(
    device: Annotated[
        str,
        typer.Argument(
            help="Model, such as LSE01, or a TOML that describes one. · 型号"
        ),
    ] = "",
    payload: Annotated[
        str, typer.Argument(metavar="HEX", help="Payload in hexadecimal. · 原始字节")
    ] = "",
    *,
    uplink: Annotated[
        Path | None,
        typer.Option(help="JSON as a network server sends it, instead of HEX."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML that names devices; docs/sensors.md.")
    ] = None,
    fport: Annotated[
        int | None, typer.Option(help="LoRaWAN port, where known.")
    ] = None,
    firmware: Annotated[
        str | None, typer.Option(help="Version, where known: 1.2.1, <1.2.1.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Decode one payload, or the uplinks of a file. Nothing is stored.

    Only the raw bytes are read. A number the device could not measure is null.
    """
    if uplink is not None:
        _decode_file(device, payload, uplink, mapping, firmware, as_json=as_json)
        return
    known, message = _decode_payload(device, payload, fport, firmware)
    about: dict[str, object] = {"device": known}
    if fport is not None:
        about["fport"] = fport
    _show([(about, message)], as_json=as_json, single=True)


def devices(*, as_json: Json = False) -> None:
    """List the devices that can be decoded. · 支持的设备."""
    from agroforest.sensors.decoders import DEVICES

    if as_json:
        rows = [
            {
                "device": one.name,
                "maker": one.maker,
                "zh": one.zh,
                "en": one.en,
                "ports": list(one.ports),
            }
            for one in DEVICES.values()
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for one in DEVICES.values():
        ports = ", ".join(map(str, one.ports)) or "任意 any"
        typer.echo(
            f"{one.name:<15} {one.maker:<10} 端口 port {ports:<8} {one.zh} · {one.en}"
        )
    typer.echo(
        "其他设备可用 TOML 描述，见 docs/sensors.md · others: describe them in TOML"
    )


def _decode_payload(
    device: str, text: str, fport: int | None, firmware: str | None
) -> tuple[str, "Message"]:
    from agroforest.core.errors import ConfigurationError
    from agroforest.sensors.decoders import decode, find_device

    if not device:
        raise ConfigurationError(
            "decode",
            "neither a device nor --uplink is given",
            "agroforest sensors decode LSE01 HEX, or --uplink FILE.json",
        )
    digits = text.strip().removeprefix("0x").replace(":", "").replace("-", "")
    try:
        payload = bytes.fromhex(digits)
    except ValueError as error:
        raise ConfigurationError(
            f"payload {text[:80]!r}", "is not hexadecimal", "give pairs of digits 0-f"
        ) from error
    if device.endswith(".toml"):
        from agroforest.sensors.decoders.layout import read_layout

        layout = read_layout(Path(device))
        return layout.name, layout.decode(payload, fport=fport)
    message = decode(device, payload, fport=fport, firmware=firmware)
    return find_device(device) or device, message


def _decode_file(
    device: str,
    payload: str,
    path: Path,
    mapping: Path | None,
    firmware: str | None,
    *,
    as_json: bool,
) -> None:
    from agroforest.core.errors import ConfigurationError, DataError
    from agroforest.sensors.decode_file import decode_uplinks
    from agroforest.sensors.mapping import read_mapping

    if payload:
        raise ConfigurationError(
            f"payload {payload[:80]!r}", "stands beside --uplink", "give one of them"
        )
    meant = read_mapping(mapping) if mapping is not None else None
    found, refused = decode_uplinks(
        path, device=device, firmware=firmware, mapping=meant
    )
    if not found:
        reason = refused[0].reason if refused else "no message in it"
        raise DataError(path, reason, "agroforest sensors devices lists what is known")
    for one in refused:
        typer.echo(f"{path}: message {one.line}: {one.reason}", err=True)
    single = len(found) == 1 and not refused
    _show([(_about(one), one.message) for one in found], as_json=as_json, single=single)


def _about(one: "Decoded") -> dict[str, object]:
    return {
        "device": one.device,
        "device_from": one.known_from,
        "eui": one.uplink.eui,
        "time": one.uplink.time.isoformat(),
        "fport": one.uplink.fport,
    }


def _show(
    found: list[tuple[dict[str, object], "Message"]], *, as_json: bool, single: bool
) -> None:
    from agroforest.sensors.decoders.labels import describe, flatten

    if as_json:
        rows: list[dict[str, Any]] = [about | flatten(said) for about, said in found]
        typer.echo(json.dumps(rows[0] if single else rows, ensure_ascii=False))
        return
    for about, message in found:
        typer.echo(" ".join(str(v) for v in about.values() if v is not None))
        for line in describe(message):
            typer.echo(f"  {line}")
