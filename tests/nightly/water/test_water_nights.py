"""Nights of water on made weather, through the ledger."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.nightly.water.made import (
    CANE,
    NIGHT,
    SOWN,
    Farm,
    build_farm,
    parcel,
    weather_rows,
)

from agroforest.core.errors import ConfigurationError
from agroforest.store import open_store

DAY = timedelta(days=1)


def account(farm: Farm, name: str = "p1") -> list[dict[str, str]]:
    path = farm.water / "balance" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def replace_day(path: Path, day: date, row: str) -> None:
    lines = path.read_text("utf-8").splitlines()
    changed = [row if line.startswith(str(day)) else line for line in lines]
    path.write_text("\n".join(changed) + "\n", encoding="utf-8")


def test_a_dry_field_is_to_be_watered_now(farm: Farm) -> None:
    (outcome,) = farm.run(NIGHT)
    assert outcome.report is not None
    water = outcome.report["water"]
    assert water["lights"] == {"red": 1, "amber": 0, "green": 0, "grey": 0}
    (one,) = water["parcels"]
    assert one["verdict"] == "irrigate"
    assert one["overdue"]
    assert one["zh"].startswith("1 号地 甘蔗：")
    assert "mm short" in one["en"]
    # 1 mm on a hectare is 10 m3; the valve lets 120 m3 an hour through.
    assert one["amount_m3"] == pytest.approx(
        10 * one["amount_mm"] * one["hectares"], rel=1e-3
    )
    assert one["minutes"] == pytest.approx(one["amount_m3"] / 2, rel=1e-3)
    assert one["m3_per_mu"] == pytest.approx(one["amount_mm"] / 1.5, rel=1e-2)
    assert outcome.map is not None
    page = outcome.map.read_text("utf-8")
    assert "1 号地" in page
    html = farm.work / "made-water" / "reports" / f"{NIGHT}.html"
    assert "土壤水分与灌溉" in html.read_text("utf-8")


def test_the_account_closes_from_sowing_to_the_night(farm: Farm) -> None:
    farm.irrigate(f"p1,{NIGHT - 20 * DAY},60")
    farm.run(NIGHT)
    rows = account(farm)
    assert rows[0]["date"] == str(SOWN)
    assert rows[-1]["date"] == str(NIGHT)
    assert len(rows) == (NIGHT - SOWN).days + 1
    (watered,) = [r for r in rows if float(r["irrigation_mm"])]
    assert watered["date"] == str(NIGHT - 20 * DAY)
    depletion = 0.0
    for row in rows:
        number = {k: float(v) for k, v in row.items() if k.endswith("_mm") and v}
        reached = 0.9 * number["irrigation_mm"]  # drip, FAO manual 4
        came = number["rain_mm"] + reached
        expected = depletion + number["eta_mm"] - came + number["percolation_mm"]
        assert number["depletion_mm"] == pytest.approx(expected, abs=0.01)
        assert 0 <= number["depletion_mm"] <= number["taw_mm"] + 1e-6
        depletion = number["depletion_mm"]


def test_the_same_night_again_changes_nothing(farm: Farm) -> None:
    first = NIGHT - 2 * DAY
    farm.run(first, NIGHT)
    before = farm.digests()
    times = {p: p.stat().st_mtime_ns for p in farm.water.rglob("*") if p.is_file()}
    outcomes = farm.run(first, NIGHT)
    assert [o.report for o in outcomes] == [None, None, None]
    assert farm.digests() == before
    assert {p: p.stat().st_mtime_ns for p in times} == times


def test_nights_one_by_one_give_what_all_at_once_give(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = build_farm(tmp_path_factory.mktemp("other"))
    for each in (farm, other):
        each.irrigate(f"p1,{NIGHT - DAY},30", f"p1,{NIGHT + DAY},20")
    farm.run(NIGHT, NIGHT + 3 * DAY)
    for n in range(4):
        other.run(NIGHT + n * DAY)
    assert farm.digests() == other.digests()


def test_weather_corrected_afterwards_is_taken_up(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = build_farm(tmp_path_factory.mktemp("other"))
    farm.run(NIGHT, NIGHT + 3 * DAY)
    for each in (farm, other):
        rained = f"{NIGHT + DAY},28.0,22.0,80.0,1.5,3.0,41.5"
        replace_day(each.folder / "weather.csv", NIGHT + DAY, rained)
    last = NIGHT + 4 * DAY
    farm.run(last)
    other.run(NIGHT, last)
    assert account(farm) == account(other)
    assert farm.digests()[f"{last}.json"] == other.digests()[f"{last}.json"]


def test_an_irrigation_written_down_late_is_taken_up(farm: Farm) -> None:
    dry = farm.parcel(NIGHT + 3 * DAY)
    farm.irrigate(f"p1,{NIGHT},80")
    wet = farm.parcel(NIGHT + 4 * DAY)
    assert wet["last_irrigation"] == str(NIGHT)
    assert wet["last_irrigation_mm"] == 80
    assert wet["depletion_mm"] < dry["depletion_mm"] - 40
    # The day before the record is as it was.
    rows = {row["date"]: row for row in account(farm)}
    assert float(rows[str(NIGHT - DAY)]["irrigation_mm"]) == 0
    assert float(rows[str(NIGHT)]["irrigation_mm"]) == 80


def test_a_record_older_than_what_is_kept_begins_the_season_again(farm: Farm) -> None:
    farm.run(NIGHT)
    farm.irrigate(f"p1,{NIGHT - 40 * DAY},80")
    farm.run(NIGHT + DAY)
    rows = {row["date"]: float(row["irrigation_mm"]) for row in account(farm)}
    # Nothing that is compared has changed: the state of the last days is trusted.
    assert rows[str(NIGHT - 40 * DAY)] == 0
    for path in (farm.water / "state").glob("*.json"):
        path.write_text("{", encoding="utf-8")
    farm.run(NIGHT + 2 * DAY)
    rows = {row["date"]: float(row["irrigation_mm"]) for row in account(farm)}
    assert rows[str(NIGHT - 40 * DAY)] == 80


def test_days_without_weather_are_carried_over(farm: Farm) -> None:
    path = farm.folder / "weather.csv"
    missing = {str(NIGHT - DAY), str(NIGHT)}
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join(n for n in lines if n.split(",")[0] not in missing) + "\n"
    )
    one = farm.parcel(NIGHT)
    assert one["stale_days"] == 2
    assert any("2 days without weather" in r["en"] for r in one["reasons"])
    rows = account(farm)
    assert rows[-1]["eto_mm"] == rows[-1]["rain_mm"] == ""
    assert rows[-1]["depletion_mm"] == rows[-3]["depletion_mm"]
    assert float(rows[-1]["depletion_sd_mm"]) > float(rows[-3]["depletion_sd_mm"])


def test_nothing_is_advised_after_days_without_weather(farm: Farm) -> None:
    farm.weather(weather_rows(SOWN, (NIGHT - SOWN).days - 4))
    one = farm.parcel(NIGHT)
    assert one["light"] == "grey"
    assert one["verdict"] is None
    assert "5 days without weather" in one["en"]


def test_weather_yet_to_come_is_not_known(
    farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = build_farm(tmp_path_factory.mktemp("other"))
    other.weather(weather_rows(SOWN, (NIGHT - SOWN).days + 1))
    found = farm.parcel(NIGHT)
    assert other.parcel(NIGHT) == found
    assert any("no forecast" in reason["en"] for reason in found["reasons"])


def test_forecast_rain_is_waited_for(farm: Farm) -> None:
    # A shower a while ago: short in some days, but not yet.
    wet = {NIGHT - 9 * DAY: 120.0}
    farm.weather(weather_rows(SOWN, (NIGHT - SOWN).days + 1, rain=wet))
    farm.set(forecast="next_{night}.csv", ahead_days=7)
    dry = weather_rows(NIGHT + DAY, 7, eto=7.0)
    farm.weather(dry, f"next_{NIGHT}.csv")
    one = farm.parcel(NIGHT)
    assert one["verdict"] == "irrigate"
    assert one["latest"] > str(NIGHT)
    soaked = weather_rows(NIGHT + DAY, 7, eto=7.0, rain={NIGHT + DAY: 90.0})
    other = Farm(folder=farm.folder, settings=farm.settings)
    other.weather(soaked, f"next_{NIGHT}.csv")
    two = other.parcel(NIGHT)
    assert two["verdict"] == "rain-comes"
    assert two["amount_mm"] is None
    assert two["light"] == "amber"
    assert next(d["rain_mm"] for d in two["days"] if d["forecast"]) == 90


def test_a_forecast_that_is_missing_is_said(farm: Farm) -> None:
    farm.set(forecast="next_{night}.csv")
    report = farm.report(NIGHT)
    assert any("no forecast" in note["en"] for note in report["notes"])
    assert report["parcels"][0]["verdict"] == "irrigate"


def test_a_bad_parcel_is_named_and_the_others_go_on(farm: Farm) -> None:
    farm.plant(
        parcel(1, **CANE),
        parcel(2, **CANE | {"flow_m3h": -3}),
        parcel(3, **CANE | {"crop": "wheat"}),
        parcel(4, crop="柑橘"),
    )
    (outcome,) = farm.run(NIGHT)
    assert outcome.report is not None
    assert not outcome.failed
    where = [q["where"] for q in outcome.report["quarantined"]]
    assert where == ["parcel p2", "parcel p3"]
    found = {p["id"]: p for p in outcome.report["water"]["parcels"]}
    assert list(found) == ["p1", "p2", "p3", "p4"]
    assert found["p2"]["light"] == found["p3"]["light"] == "grey"
    assert "flow_m3h -3" in found["p2"]["en"]
    assert found["p1"]["verdict"] == "irrigate"
    assert found["p4"]["verdict"] is not None
    mended = [parcel(1, **CANE), parcel(2, **CANE)]
    farm.plant(*mended)
    assert farm.parcel(NIGHT, 2)["verdict"] == "irrigate"


def test_a_field_that_is_harvested_gets_no_advice(farm: Farm) -> None:
    farm.plant(parcel(1, **CANE | {"crop": "玉米", "sown": "2024-01-05"}))
    farm.weather(weather_rows(date(2024, 1, 5), 160))
    one = farm.parcel(NIGHT)
    assert one["light"] == "grey"
    assert "harvested" in one["en"]


def test_without_any_weather_the_night_fails_and_is_tried_again(farm: Farm) -> None:
    farm.run(NIGHT)
    kept = (farm.folder / "weather.csv").read_text("utf-8")
    (farm.folder / "weather.csv").write_text("nothing\n", encoding="utf-8")
    (outcome,) = farm.run(NIGHT + DAY)
    assert outcome.failed == ("water",)
    assert outcome.report is not None
    assert outcome.report["status"] == "partial"
    assert "weather.csv" in outcome.report["water"]["error"]
    (farm.folder / "weather.csv").write_text(kept, encoding="utf-8")
    (outcome,) = farm.run(NIGHT + DAY)
    assert outcome.failed == ()
    assert account(farm)[-1]["date"] == str(NIGHT + DAY)


def test_states_do_not_pile_up_and_the_ledger_says_what_was_written(farm: Farm) -> None:
    farm.run(NIGHT, NIGHT + 2 * DAY)
    with open_store(farm.work / "agroforest.db") as store:
        (task,) = store.tasks("made-water", NIGHT + 2 * DAY)
    assert task.tile == "water"
    assert sorted(task.outputs) == [
        f"made-water/water/{NIGHT + 2 * DAY}.json",
        "made-water/water/balance/p1.csv",
    ]
    state = (farm.water / "state" / "p1.json").read_text("utf-8")
    assert state.count("fingerprint") == 15


def test_a_night_that_has_not_ended_knows_nothing_later(farm: Farm) -> None:
    noon = datetime(NIGHT.year, NIGHT.month, NIGHT.day, 4, tzinfo=UTC)
    (outcome,) = farm.run(NIGHT, now=noon)
    assert outcome.report is not None
    assert outcome.report["water"]["moment"] == noon.isoformat()


def test_heat_of_the_forecast_is_said(farm: Farm) -> None:
    farm.set(forecast="next_{night}.csv")
    hot = [f"{NIGHT + DAY},38.5,27.0,40.0,1.5,7.0,0.0"]
    farm.weather(hot, f"next_{NIGHT}.csv")
    one = farm.parcel(NIGHT)
    assert [n["hazard"] for n in one["notices"]] == ["heat"]
    assert "38.5 °C" in one["notices"][0]["zh"]


def test_settings_that_cannot_be_are_refused(farm: Farm) -> None:
    farm.set(calibrations="nowhere.toml")
    with pytest.raises(ConfigurationError, match="nowhere"):
        farm.run(NIGHT)
