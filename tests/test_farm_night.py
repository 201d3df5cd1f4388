"""A farm's night, end to end: probes over a broker, a recorded series, advice, a map.

The probes are simulated; the weather is real (Nanning), and so is the series of one
parcel, which was recorded in Oklahoma: it shows that files and radio meet, nothing of
sugar cane in Guangxi.
"""

import base64
import json
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.nightly.water.made import CANE, parcel
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.config import read_pipeline
from agroforest.listen import Figures, ListenSettings, listen
from agroforest.nightly import NightOutcome, run_nights
from agroforest.store import open_store
from agroforest.testing.servers import Mosquitto
from agroforest.testing.storm import wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.enable_socket,
    pytest.mark.usefixtures("mosquitto"),
]

NIGHT = date(2018, 5, 20)
DAYS, EVERY = 20, timedelta(hours=2)
#: Per cent by volume on the first day and on the last: two that dry, one that is kept
#: wet, one that is broken.
COURSES = {
    "dry-1": (24, 13),
    "dry-2": (26, 15),
    "wet-3": (28, 27),
    "broken-4": (90, 99),
}
_SERIES = "COSMOS/ARM-1/COSMOS_COSMOS_ARM-1_sm_*.stm"
_MAPPING = """
[time]
column = "date"
[station]
id = "nanning"
longitude = 108.22
latitude = 22.63
elevation = 122.0
[t_max]
column = "maxtemp"
unit = "°C"
[t_min]
column = "mintemp"
unit = "°C"
[rh_mean]
column = "avgrh"
unit = "%"
[wind]
column = "avgws"
unit = "m/s"
[rain]
column = "precipitation"
unit = "mm"
"""


@dataclass(frozen=True, kw_only=True)
class Farm:
    """What the night left."""

    folder: Path
    figures: Figures
    outcome: NightOutcome
    parcels: dict[str, dict[str, Any]]


def _eui(number: int) -> str:
    return f"a84041000000000{number}"


def uplinks() -> Iterator[tuple[str, bytes]]:
    """What four LSE01 sent in twenty days, as The Things Stack publishes it."""
    end = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 14, tzinfo=UTC)
    count = DAYS * 12
    for number, (name, (first, last)) in enumerate(COURSES.items()):
        for turn in range(count):
            moisture = first + (last - first) * turn / count
            content = struct.pack(
                ">HHHHHB", 3300, 0, round(100 * moisture), 2450, 120, 0x10
            )
            time = end - EVERY * (count - 1 - turn)
            message = {
                "end_device_ids": {
                    "device_id": name,
                    "application_ids": {"application_id": "farm"},
                    "dev_eui": _eui(number).upper(),
                },
                "received_at": time.isoformat().replace("+00:00", "Z"),
                "uplink_message": {
                    "f_port": 2,
                    "f_cnt": turn,
                    "frm_payload": base64.b64encode(content).decode(),
                    "version_ids": {"brand_id": "dragino", "model_id": "lse01"},
                },
            }
            yield f"v3/farm@ttn/devices/{name}/up", json.dumps(message).encode()


def receive(folder: Path, database: Path) -> Figures:
    """Send everything through a broker and let the listener take it in."""
    seen: list[Figures] = []
    stop = threading.Event()
    messages = list(uplinks())
    with Mosquitto(folder / "broker") as broker, open_store(database) as store:
        topic = [{"filter": "v3/+/devices/+/up", "kind": "ttn"}]
        settings = ListenSettings.model_validate(
            {
                "broker": [
                    {
                        "name": "farm",
                        "host": "127.0.0.1",
                        "port": broker.port,
                        "topic": topic,
                    }
                ],
                "devices": {_eui(n): {"depth_m": 0.3} for n in range(len(COURSES))},
            }
        )
        thread = threading.Thread(
            target=lambda: seen.append(
                listen(settings, folder / "spool", store, stop=stop, tell=seen.append)
            )
        )
        thread.start()
        try:
            wait_for(lambda: bool(seen) and seen[-1].brokers["farm"], "the broker", 60)
            client = Client(CallbackAPIVersion.VERSION2)
            client.connect("127.0.0.1", broker.port)
            client.loop_start()
            sent = [client.publish(t, p, qos=1) for t, p in messages]
            for told in sent:
                told.wait_for_publish(60)
            client.disconnect()
            client.loop_stop()
            wait_for(lambda: seen[-1].decoded == len(messages), "all messages", 120)
        finally:
            stop.set()
            thread.join()
    return seen[-1]


def plant(folder: Path, probes: list[str], recorded: str) -> None:
    """Draw five parcels of cane, each with its probe."""
    own = dict(CANE, sown=f"{NIGHT.year}-03-01")
    features = [
        parcel(number, **own, sensors=[probe])
        for number, probe in enumerate([*probes, recorded], start=1)
    ]
    document = {"type": "FeatureCollection", "features": features}
    (folder / "area.geojson").write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Farm:
    folder = tmp_path_factory.mktemp("farm")
    work = folder / "work"
    work.mkdir()
    figures = receive(folder, work / "agroforest.db")
    (series,) = (data_dir / "soil_ismn").glob(_SERIES)
    called = CliRunner().invoke(
        app, ["sensors", "import", str(series), "--work", str(work)]
    )
    assert called.exit_code == 0, called.output
    with open_store(work / "agroforest.db") as store:
        known = {sensor.name: sensor.id for sensor in store.sensors()}
    probes = [known[name] for name in COURSES]
    (recorded,) = set(known.values()) - set(probes)
    plant(folder, probes, recorded)
    (folder / "weather.toml").write_text(_MAPPING, encoding="utf-8")
    weather = data_dir / "weather_south_china" / "nanning.csv"
    (folder / "pipeline.toml").write_text(
        'name = "farm"\naoi = "area.geojson"\nhazards = ["water"]\n[water]\n'
        f'weather = "{weather}"\nmapping = "weather.toml"\nsand = 0.4\nclay = 0.25\n',
        encoding="utf-8",
    )
    pipeline = read_pipeline(folder / "pipeline.toml")
    nights = [NIGHT - timedelta(days=n) for n in range(2, -1, -1)]
    *_, outcome = run_nights(pipeline, nights, work=work)
    found = json.loads(
        (work / "farm" / "water" / f"{NIGHT}.json").read_text(encoding="utf-8")
    )
    return Farm(
        folder=folder,
        figures=figures,
        outcome=outcome,
        parcels={one["id"]: one for one in found["parcels"]},
    )


@pytest.mark.timeout(600)
def test_every_message_arrived_once(farm: Farm) -> None:
    assert farm.figures.received == farm.figures.decoded == 4 * DAYS * 12
    assert farm.figures.dead == 0


@pytest.mark.timeout(600)
def test_every_parcel_has_advice_and_the_broken_probe_gives_none(farm: Farm) -> None:
    assert sorted(farm.parcels) == ["p1", "p2", "p3", "p4", "p5"]
    advice = farm.parcels
    assert all(one["zh"] and one["en"] for one in advice.values())
    assert advice["p1"]["depletion_mm"] > advice["p3"]["depletion_mm"]
    for name in ("p1", "p2", "p3", "p5"):
        assert advice[name]["readings"], name
    assert advice["p4"]["readings"] == []
    assert "不可信，未采用" in advice["p4"]["zh"]
    assert "not trusted, not used" in advice["p4"]["en"]


@pytest.mark.timeout(600)
def test_the_map_and_the_command_say_the_same(farm: Farm) -> None:
    page = farm.outcome.map
    assert page is not None
    text = page.read_text("utf-8")
    for one in farm.parcels.values():
        assert one["zh"] in text
    called = CliRunner().invoke(
        app,
        [
            *("water", "advise", "--json", "--night", str(NIGHT)),
            *("--pipeline", str(farm.folder / "pipeline.toml")),
            *("--work", str(farm.folder / "work")),
        ],
    )
    assert called.exit_code == 0, called.output
    said = json.loads(called.stdout)
    assert {p["id"]: p["zh"] for p in said["parcels"]} == {
        name: one["zh"] for name, one in farm.parcels.items()
    }
