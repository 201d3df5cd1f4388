"""``agroforest sensors``: decode, devices and check."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.sensors.decoders import DEVICES

RUN = CliRunner()


def _call(*arguments: object) -> str:
    found = RUN.invoke(app, ["sensors", *map(str, arguments)])
    if found.exception is not None:
        raise found.exception
    return found.stdout


def _decode(*arguments: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(_call("decode", *arguments, "--json"))
    return found


@pytest.mark.data
def test_vectors_through_the_command(data_dir: Path) -> None:
    vectors = json.loads((data_dir / "lorawan_uplinks/vectors.json").read_text())
    for vector in vectors:
        options: list[object] = []
        for name in ("fport", "firmware"):
            if name in vector:
                options += [f"--{name}", vector[name]]
        found = _decode(vector["device"], vector["hex"], *options)
        for name, value in vector["expect"].items():
            assert found[name] == value, vector


def test_payload_in_any_spelling() -> None:
    plain = _decode("LSE01", "0CD00000033F0714189C01")
    assert plain == _decode("dragino lse01", "0x0cd00000033f0714189c01")
    assert plain == _decode("LSE01", "0C:D0:00:00:03:3F:07:14:18:9C:01")
    assert plain == {
        "device": "LSE01",
        "battery_v": 3.28,
        "external_temperature_c": None,
        "vwc_pct": 8.31,
        "soil_temperature_c": 18.12,
        "ec_us_cm": 6300.0,
    }


def test_levels_and_what_the_device_says_of_itself() -> None:
    found = _decode(
        "DL-TP",
        "023e3e00038abc8a928aa08a848ab38a898ac38aad8ab78a928aa1"
        "000000000000000000000afc",
    )
    levels = found["levels"]
    assert isinstance(levels, list)
    assert levels[0] == {"level": 0, "soil_temperature_c": 27.48}
    assert levels[15] == {"level": 15, "soil_temperature_c": None}
    assert _decode("SE01-LB", "2601230BFF0CAF", "--fport", 5)["about"] == {
        "firmware": "1.2.3",
        "band": "CN470",
        "sub_band": "",
    }


def test_in_words() -> None:
    said = _call("decode", "EM500-SMTC", "20CE9E74466332001901C4090367FFFF")
    assert "土壤温度 soil temperature: 无读数 no reading" in said
    assert "历史 kept since 2022-10-12 08:02:38Z" in said
    assert "土壤体积含水量 soil water content: 25 %" in said


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["toaster", "00"], ConfigurationError, "has no decoder; name one of LSE01"),
        (["LSE01", "0CD"], ConfigurationError, "is not hexadecimal"),
        ([], ConfigurationError, "neither a device nor --uplink"),
        (["LSE01", "00", "--uplink", "u.json"], ConfigurationError, "beside --uplink"),
        (["LSE01"], DataError, "payload is empty"),
        (["LSE01", "0CD0"], DataError, "has 2 bytes of 11"),
        (["LSE01", "0CD00000033F0714189C0100"], DataError, "has 12 bytes of 11"),
        (["EM500-SMTC", "0367FFFF", "--fport", "2"], DataError, "messages of port 85"),
        (["none.toml", "00"], ConfigurationError, "none.toml"),
        (["--uplink", "none.json"], DataError, "none.json"),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        _call("decode", *arguments)
    assert "\n" not in str(raised.value)


def test_a_described_device(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('[[field]]\nname = "vwc_pct"\noffset = 1\nscale = 0.1\n')
    assert _decode(path, "FF0123")["vwc_pct"] == 29.1


def _uplink(payload: str, port: int, **more: object) -> dict[str, object]:
    return {
        "end_device_ids": {"device_id": "field-3", "dev_eui": "A840411234567890"},
        "received_at": "2024-05-01T00:00:00Z",
        "uplink_message": {
            "f_port": port,
            "frm_payload": base64.b64encode(bytes.fromhex(payload)).decode(),
            "decoded_payload": {"vwc_pct": 99.9},
        }
        | more,
    }


def test_uplinks_of_a_server(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    named = {"version_ids": {"brand_id": "dragino", "model_id": "lse01"}}
    lse01 = "0CD00000033F0714189C01"
    path.write_text(json.dumps(_uplink(lse01, 2, **named)))
    found = _decode("--uplink", path)
    assert (found["device"], found["device_from"]) == ("LSE01", "message")
    assert (found["eui"], found["fport"]) == ("a840411234567890", 2)
    assert found["vwc_pct"] == 8.31  # of the bytes, whatever the server decoded
    # Who sends it is asked where it cannot be known, and may be said.
    path.write_text(json.dumps(_uplink(lse01, 2)))
    with pytest.raises(DataError, match=r"may be of LSE01, .*LMS01-LB; name it"):
        _decode("--uplink", path)
    assert _decode("LSE01", "--uplink", path)["device_from"] == "command"
    mapping = tmp_path / "m.toml"
    mapping.write_text('[devices.a840411234567890]\ndevice = "LSE01"\n')
    found = _decode("--uplink", path, "--mapping", mapping)
    assert found["device_from"] == "mapping"
    with pytest.raises(ConfigurationError, match="toaster"):
        _decode("toaster", "--uplink", path)


def test_the_device_from_the_bytes_or_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    path.write_text(json.dumps(_uplink("01756403671901046873057ff000", 85)))
    found = _decode("--uplink", path)
    assert (found["device"], found["device_from"]) == ("EM500-SMTC", "bytes")
    folder = tmp_path / "DL-5TM" / "server"
    folder.mkdir(parents=True)
    path = folder / "up.json"
    path.write_text(json.dumps(_uplink("02023b0003003702710c60", 1)))
    found = _decode("--uplink", path)
    assert (found["device"], found["device_from"]) == ("DL-5TM", "path")


def test_several_uplinks_each_have_their_own_outcome(tmp_path: Path) -> None:
    path = tmp_path / "up.json"
    good = _uplink("01756403671901046873057ff000", 85)
    path.write_text(json.dumps([good, _uplink("0175", 85), 3, good]))
    found = RUN.invoke(app, ["sensors", "decode", "--uplink", str(path), "--json"])
    assert found.exit_code == 0
    assert [row["vwc_pct"] for row in json.loads(found.stdout)] == [57.5, 57.5]
    assert "message 2: device a840411234567890: payload '0175'" in found.stderr
    assert "message 3: message is 3" in found.stderr
    path.write_text(json.dumps([3]))
    with pytest.raises(DataError, match="message is 3, not an object"):
        _call("decode", "--uplink", path)


def test_devices_in_both_languages() -> None:
    said = _call("devices")
    for name in DEVICES:
        assert name in said
    assert "土壤水分" in said
    assert "soil moisture" in said
    rows = json.loads(_call("devices", "--json"))
    assert {row["device"] for row in rows} == set(DEVICES)
    assert all(row["zh"] and row["en"] for row in rows)


def test_check_writes_the_flags_and_says_them(tmp_path: Path) -> None:
    path = tmp_path / "probe.csv"
    rows = "".join(f"2024-05-01 {h:02d}:00:00,23.{h:02d}\n" for h in range(24))
    path.write_text("time,SoilMoisture\n" + rows + "2024-05-02 00:00:00,179\n")
    out = tmp_path / "new" / "flags.csv"
    found = RUN.invoke(
        app, ["sensors", "check", str(path), "--out", str(out), "--json"]
    )
    assert found.exit_code == 0
    assert "guessed: column 2 'SoilMoisture'" in found.stderr
    report = json.loads(found.stdout)
    assert (report["readings"], report["flagged"]) == (25, 1)
    assert report["flags"]["C02"] == {"count": 1, "zh": "高于 60 %", "en": "above 60 %"}
    assert set(report["not_judged"]) == {"D01", "D02", "D03", "D04", "D05"}
    assert report["silences"] == []
    lines = out.read_text().splitlines()
    assert lines[0] == "time,value,flags,unit,sensor,variable,depth_m"
    assert lines[-1] == (
        '2024-05-02T00:00:00,179.0,"C02,C03,range",%,probe,soil_moisture,'
    )
    said = _call("check", path)
    assert "25 个读数 readings, 1 个有标记 flagged" in said
    assert "C02             1  高于 60 % · above 60 %" in said
    assert "D04       未判断 not judged: 缺 needs 雨量 rain" in said


def test_check_refuses_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match=r"x\.csv: has no column of times"):
        _call("check", path)
    with pytest.raises(DataError, match=r"none\.csv"):
        _call("check", tmp_path / "none.csv")


@pytest.mark.data
def test_check_compares_with_the_flags_of_the_file(data_dir: Path) -> None:
    path = next((data_dir / "soil_ismn" / "COSMOS").glob("*/*.stm"))
    report = json.loads(_call("check", path, "--json"))
    assert report["agreement"]["D08"]["of_flagged"] == 1.0
    assert report["saturation_m3_m3"] == 0.46


@pytest.mark.data
def test_check_names_the_silence_of_the_broken_probe(data_dir: Path) -> None:
    path = data_dir / "soil_faulty" / "soil_moisture_spikes.csv"
    [silence] = json.loads(_call("check", path, "--json"))["silences"]
    assert silence["since"] == "2021-02-25T10:04:38"  # no zone, as in the file
    assert silence["hours"] == pytest.approx(148.97, abs=0.01)
    assert "最长 longest 149 h" in _call("check", path)
