"""A night from a broker to the map: four made devices and one measured series.

The devices are simulated. The measured series stood in Oklahoma and is lent to a parcel
near Nanning: that it is read, judged and named is tested, not what it says.
"""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.nightly.water.made import CANE, Farm, middle, parcel

from agroforest.core.config import read_pipeline
from agroforest.listen import Figures, ListenSettings, listen
from agroforest.nightly import run_nights
from agroforest.nightly.intake import import_file
from agroforest.store import open_store
from agroforest.testing.sensors import lse01_payload
from agroforest.testing.servers import Mosquitto
from agroforest.testing.storm import wait_for

NIGHT = date(2018, 6, 10)
REAL = "ismn:COSMOS/ARM-1"
_DAYS, _HOURS = 30, 4
_END = datetime(2018, 6, 10, 14, tzinfo=UTC)  # 22 h in Nanning
NANNING = """
[station]
id = "59431"
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
[rh_min]
column = "minrh"
unit = "%"
[wind]
column = "avgws"
unit = "m/s"
height = 10.0
[rain]
column = "precipitation"
unit = "mm"
"""


def eui(number: int) -> str:
    return f"a84041000000000{number}"


def uplinks(number: int) -> Iterator[tuple[str, bytes]]:
    """A month of a device in the soil of a parcel; the fourth one is stuck."""
    for n in range(_DAYS * 24 // _HOURS):
        time = _END - timedelta(hours=_HOURS * (_DAYS * 24 // _HOURS - 1 - n))
        wave = 0.01 * ((n // 12) % 3)
        moisture = 0.5 if number == 4 else 0.22 + wave + 0.002 * (n % 5) / 5
        content = lse01_payload(
            battery_v=3.5,
            moisture=moisture,
            temperature=26.0 + n % 6 + 0.1 * number,
            conductivity=200 + n % 7,
        )
        document = {
            "end_device_ids": {
                "device_id": f"soil-{number}",
                "application_ids": {"application_id": "farm"},
                "dev_eui": eui(number).upper(),
            },
            "received_at": f"{time:%Y-%m-%dT%H:%M:%S}Z",
            "uplink_message": {
                "f_port": 2,
                "f_cnt": n,
                "frm_payload": base64.b64encode(content).decode(),
                "received_at": f"{time:%Y-%m-%dT%H:%M:%S}Z",
            },
        }
        yield f"v3/farm/devices/soil-{number}/up", json.dumps(document).encode()


def settings(port: int) -> ListenSettings:
    devices = {}
    for number in range(1, 5):
        longitude, latitude = middle(number)
        devices[eui(number)] = {
            "device": "LSE01",
            "firmware": "1.2.1",
            "depth_m": 0.2,
            "name": f"soil {number}",
            "longitude": longitude,
            "latitude": latitude,
            "simulated": True,
        }
    topic = [{"filter": "v3/+/devices/+/up", "kind": "ttn"}]
    broker = {"name": "farm", "host": "127.0.0.1", "port": port, "topic": topic}
    return ListenSettings.model_validate({"broker": [broker], "devices": devices})


@contextmanager
def listening(port: int, farm: Farm) -> Iterator[list[Figures]]:
    told: list[Figures] = []
    stop = Event()
    with open_store(farm.work / "agroforest.db") as store:
        folder = farm.work / "spool"
        thread = Thread(
            target=lambda: listen(
                settings(port), folder, store, stop=stop, tell=told.append
            )
        )
        thread.start()
        try:
            yield told
        finally:
            stop.set()
            thread.join()


def send(port: int, messages: list[tuple[str, bytes]]) -> None:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for sent in [client.publish(t, p, qos=1) for t, p in messages]:
        sent.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def farm(tmp_path: Path, data_dir: Path) -> Farm:
    farm = Farm(folder=tmp_path)
    cane = CANE | {"sown": "2018-02-20"}
    farm.plant(
        *(parcel(n, **cane) for n in range(1, 5)), parcel(5, **cane, sensors=[REAL])
    )
    farm.set(
        weather=str(data_dir / "weather_south_china" / "nanning.csv"),
        mapping="nanning.toml",
    )
    (tmp_path / "nanning.toml").write_text(NANNING, encoding="utf-8")
    farm.work.mkdir()
    (series,) = (data_dir / "soil_ismn" / "COSMOS" / "ARM-1").glob("*.stm")
    with open_store(farm.work / "agroforest.db") as store:
        import_file(series, mapping=None, store=store)
    return farm


@pytest.mark.data
@pytest.mark.enable_socket
@pytest.mark.usefixtures("mosquitto")
def test_devices_and_a_measured_series_give_advice_on_the_map(
    farm: Farm, tmp_path: Path
) -> None:
    messages = [one for number in range(1, 5) for one in uplinks(number)]
    with Mosquitto(tmp_path / "broker") as broker, listening(broker.port, farm) as told:
        wait_for(lambda: bool(told and told[-1].brokers["farm"]), "the connection", 60)
        send(broker.port, messages)
        wait_for(lambda: told[-1].decoded >= len(messages), "all uplinks", 60)
        assert told[-1].dead == 0
    pipeline = read_pipeline(farm.path)
    (outcome,) = run_nights(pipeline, [NIGHT], work=farm.work)
    assert outcome.report is not None
    assert not outcome.failed
    found = {p["id"]: p for p in outcome.report["water"]["parcels"]}
    for number in range(1, 4):
        one = found[f"p{number}"]
        assert one["verdict"] in {"irrigate", "enough", "rain-comes"}
        assert one["readings"] == [f"lorawan:{eui(number)}"]
        assert one["zh"]
        assert one["en"]
    stuck = found["p4"]
    assert stuck["readings"] == []
    assert not stuck["sensors"][0]["used"]
    assert "soil 4 not trusted, not used" in stuck["en"]
    for one in found.values():
        assert "lorawan:" not in one["zh"] + one["en"]
    real = found["p5"]
    assert [s["id"] for s in real["sensors"]] == [REAL]
    assert real["sensors"][0]["trust"] is not None
    assert real["verdict"] is not None
    assert outcome.map is not None
    page = outcome.map.read_text("utf-8")
    for number in range(1, 6):
        assert f"{number} 号地" in page


FAULTY = """
timezone = "+08:00"
[time]
column = 1
[sensor]
id = "faulty"
[[value]]
column = "SoilMoisture"
variable = "soil_moisture"
unit = "%"
depth_m = 0.2
"""


@pytest.mark.data
def test_a_real_faulty_probe_changes_no_advice(farm: Farm, data_dir: Path) -> None:
    """It reported 150 % for ten days, and came back to what can be."""
    cane = CANE | {"sown": "2021-01-10"}
    farm.plant(parcel(1, **cane, sensors=["faulty"]), parcel(2, **cane, sensors=[]))
    mapping = farm.folder / "faulty.toml"
    mapping.write_text(FAULTY, encoding="utf-8")
    series = data_dir / "soil_faulty" / "soil_moisture_spikes.csv"
    with open_store(farm.work / "agroforest.db") as store:
        intake = import_file(series, mapping=mapping, store=store)
    assert intake.flagged > 0
    nights = [date(2021, 2, day) for day in range(15, 25)]
    for outcome in run_nights(read_pipeline(farm.path), nights, work=farm.work):
        assert outcome.report is not None
        faulty, without = outcome.report["water"]["parcels"]
        assert faulty["readings"] == []
        assert faulty["depletion_mm"] == without["depletion_mm"]
        assert faulty["amount_mm"] == without["amount_mm"]
        assert faulty["verdict"] == without["verdict"]
        assert not faulty["sensors"][0]["used"]
        assert "faulty not trusted, not used" in faulty["en"]
