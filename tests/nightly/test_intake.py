"""Sensor files on their way into the store: what they are judged by."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agroforest.cli import main
from agroforest.core.reading import Quality, Sensor, Variable
from agroforest.nightly.intake import Intake, import_file
from agroforest.sensors import read_file
from agroforest.sensors.calibration import Calibration
from agroforest.sensors.instruments import find_instruments
from agroforest.store import open_store

START = datetime(2024, 5, 1, tzinfo=UTC)
Row = tuple[str, int, str, float | None, float]
UNITS = {"soil_moisture": "m3/m3", "precipitation": "mm", "soil_temperature": "degC"}


def moisture(count: int = 96, *, rise: int = 70, sensor: str = "s") -> list[Row]:
    """Hourly, drying; it rises by a tenth at one hour."""
    values = [0.20 - 0.0001 * n + (0.1 if n >= rise else 0.0) for n in range(count)]
    return [(sensor, n, "soil_moisture", 0.05, v) for n, v in enumerate(values)]


def rain(count: int = 96, *, wet: int | None = None, sensor: str = "s") -> list[Row]:
    return [
        (sensor, n, "precipitation", None, 12.0 if n == wet else 0.0)
        for n in range(count)
    ]


def write(folder: Path, rows: Sequence[Row], name: str = "a.csv") -> Path:
    lines = ["sensor,time,variable,depth_m,value,unit"]
    for sensor, hour, variable, depth, value in rows:
        time = (START + timedelta(hours=hour)).isoformat()
        place = "" if depth is None else depth
        lines.append(
            f"{sensor},{time},{variable},{place},{value:.4f},{UNITS[variable]}"
        )
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def bring(
    folder: Path, *paths: Path, curves: Sequence[Calibration] = ()
) -> tuple[list[Intake], dict[tuple[str, int], Quality], list[float | None]]:
    """Import files; flags of soil moisture by sensor and hour, and values stored."""
    with open_store(folder / "s.db") as store:
        done = [
            import_file(path, mapping=None, store=store, calibrations=curves)
            for path in paths
        ]
        stored = store.readings(
            [one.id for one in store.sensors()],
            START - timedelta(days=1),
            START + timedelta(days=99),
            variables=[Variable.SOIL_MOISTURE],
        )
    hour = timedelta(hours=1)
    flags = {(r.sensor, (r.time - START) // hour): r.quality for r in stored}
    return done, flags, [r.value for r in stored]


def curve(factor: float) -> Calibration:
    return Calibration(
        sensor="s",
        variable=Variable.SOIL_MOISTURE,
        depth_m=None,
        since=START,
        until=None,
        curve=(0.0, factor),
    )


@pytest.mark.parametrize(
    ("raw", "factor", "flag"),
    [(0.62, 0.5, Quality.GOOD), (0.5, 1.4, Quality.RANGE)],
)
def test_calibrated_values_are_judged_and_raw_ones_stored(
    tmp_path: Path, raw: float, factor: float, flag: Quality
) -> None:
    path = write(tmp_path, [("s", 0, "soil_moisture", 0.1, raw)])
    (done,), flags, values = bring(tmp_path, path, curves=[curve(factor)])
    assert done.calibrated == 1
    assert values == [raw]
    assert flags["s", 0] == flag


def test_a_curve_of_another_probe_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, [("other", 0, "soil_moisture", 0.1, 0.62)])
    (done,), flags, _ = bring(tmp_path, path, curves=[curve(0.5)])
    assert done.calibrated == 0
    assert flags["other", 0] == Quality.RANGE


@pytest.mark.parametrize("gauge", ["s", "gauge"])
def test_a_rise_without_rain_of_the_file(tmp_path: Path, gauge: str) -> None:
    dry = write(tmp_path, [*moisture(), *rain(sensor=gauge)])
    (done,), flags, _ = bring(tmp_path, dry)
    assert flags["s", 70] & Quality.RAINLESS
    assert not flags["s", 60] & Quality.RAINLESS
    assert done.codes["D04"] >= 1
    assert "D04" not in done.not_judged


def test_a_rise_with_rain_is_none(tmp_path: Path) -> None:
    path = write(tmp_path, [*moisture(), *rain(wet=69)])
    (done,), flags, _ = bring(tmp_path, path)
    assert not any(each & Quality.RAINLESS for each in flags.values())
    assert "D04" not in done.codes


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    (done,), _, _ = bring(tmp_path, write(tmp_path, moisture()))
    assert done.not_judged["D04"] == "雨量 rain"
    assert done.not_judged["D01"] == "土壤温度 soil temperature"
    assert "whole series" in done.not_judged["D10"]
    assert "C01" not in done.not_judged
    (gauge,), _, _ = bring(tmp_path, write(tmp_path, rain(), "rain.csv"))
    assert gauge.not_judged == {}


def test_frost_told_by_another_sensor_of_the_file(tmp_path: Path) -> None:
    cold: list[Row] = [
        ("t", n, "soil_temperature", 0.05, 3.0 - 0.1 * n) for n in range(96)
    ]
    (done,), flags, _ = bring(tmp_path, write(tmp_path, [*moisture(), *cold]))
    assert flags["s", 40] & Quality.FROZEN
    assert not flags["s", 20] & Quality.FROZEN
    assert done.codes["D01"] == 65


def test_parts_in_any_order_are_judged_as_the_whole(tmp_path: Path) -> None:
    rows = [*moisture(), *rain()]
    whole, first, second = tmp_path / "w", tmp_path / "f", tmp_path / "g"
    for folder in (whole, first, second):
        folder.mkdir()
    early = write(tmp_path, [r for r in rows if r[1] < 64], "early.csv")
    late = write(tmp_path, [r for r in rows if r[1] >= 64], "late.csv")
    _, flags, _ = bring(whole, write(tmp_path, rows, "whole.csv"))
    assert any(each & Quality.RAINLESS for each in flags.values())
    assert bring(first, early, late)[1] == flags
    assert bring(second, late, early)[1] == flags


def test_the_command_says_what_it_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    curves = tmp_path / "curves.toml"
    curves.write_text(
        '[[calibration]]\nsensor = "s"\nfrom = 2024-01-01T00:00:00Z\n'
        'kind = "linear"\nfactor = 1.1\n',
        encoding="utf-8",
    )
    path = write(tmp_path, [*moisture(), *rain()])

    def call(*more: object) -> str:
        words = ["agroforest", "sensors", "import", path, *more, "--work", tmp_path]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out

    plain = call()
    assert "未标定 not calibrated: 未给出 --calibrations was not given" in plain
    assert "  D04 1\n" in plain
    assert "D01 未判断 not judged: 缺 needs 土壤温度 soil temperature" in plain
    assert "标定 calibrated: 96 个读数" in call("--calibrations", curves)
    (found,) = json.loads(call("--calibrations", curves, "--json"))
    assert found["calibrated"] == 96
    assert found["codes"] == {"D04": 1}
    assert found["not_judged"]["D02"] == "气温 air temperature"


def test_which_instrument_speaks_for_the_probes(tmp_path: Path) -> None:
    def find(*gauges: tuple[str, float | None]) -> bool:
        rows = moisture(4)
        for name, _ in gauges:
            rows += rain(4, sensor=name)
        path = write(tmp_path, rows)
        found = read_file(path)
        places = [
            Sensor(id="s", name="", longitude=108.0, latitude=22.0),
            *(
                Sensor(id=name, name="", longitude=east, latitude=22.0)
                for name, east in gauges
            ),
        ]
        return find_instruments(found.readings, places).rain is not None

    assert find(("g", 108.05))
    assert not find(("g", 108.5))
    assert find(("g", None))
    assert not find(("g", 108.01), ("h", 108.02))
