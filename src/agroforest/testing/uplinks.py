"""Simulated uplinks: many probes, each with a reading every twenty minutes."""

import base64
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: First reading of every probe.
START = datetime(2026, 5, 1, tzinfo=UTC)
#: Readings that one uplink of an LSE01 gives: battery, moisture, temperature,
#: conductivity.
READINGS = 4

_EVERY = timedelta(minutes=20)


@dataclass(frozen=True, kw_only=True, slots=True)
class SentUplink:
    """A message on its way.

    Attributes
    ----------
    topic
        Where The Things Stack would publish it.
    payload
        Its JSON.
    """

    topic: str
    payload: bytes


def build_uplinks(count: int, *, probes: int) -> Iterator[SentUplink]:
    """Build `count` different uplinks of The Things Stack, probe after probe.

    Each is another probe or time, so they are `count` times `READINGS` readings.
    """
    for number in range(count):
        yield build_sent_uplink(number % probes, number // probes)


def build_sent_uplink(probe: int, turn: int) -> SentUplink:
    """Build the uplink of one probe at its turn."""
    name = f"probe-{probe}"
    moisture, conductivity = 2000 + turn % 1500, 100 + turn % 50
    content = struct.pack(
        ">HHHHHB", 3300, 0, moisture, 1500 + probe % 900, conductivity, 0x10
    )
    received = START + _EVERY * turn + timedelta(milliseconds=probe)
    message = {
        "end_device_ids": {
            "device_id": name,
            "application_ids": {"application_id": "farm"},
            "dev_eui": f"A840410000{probe:06X}",
            "dev_addr": "27000020",
        },
        "correlation_ids": [f"as:up:{probe:08X}{turn:08X}"],
        "received_at": received.isoformat().replace("+00:00", "Z"),
        "uplink_message": {
            "f_port": 2,
            "f_cnt": turn,
            "frm_payload": base64.b64encode(content).decode(),
            "rx_metadata": [
                {
                    "gateway_ids": {"gateway_id": "hill"},
                    "rssi": -101,
                    "snr": 8.5,
                    "location": {"latitude": 22.5, "longitude": 108.1},
                }
            ],
            "settings": {
                "data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 7}},
                "frequency": "470300000",
            },
            "version_ids": {
                "brand_id": "dragino",
                "model_id": "lse01",
                "firmware_version": "1.2.1",
            },
        },
    }
    return SentUplink(
        topic=f"v3/farm@ttn/devices/{name}/up", payload=json.dumps(message).encode()
    )
