"""Nights of fire on made weather and made feeds, through the ledger."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from tests.fire.conftest import write_area, write_weather
from tests.hotspots.made import VIIRS_HEAD, viirs_row
from typer.testing import CliRunner

from agroforest.cli.app import app
from agroforest.core.alert import Alert, AlertStatus, Change
from agroforest.core.config import read_pipeline
from agroforest.core.errors import ConfigurationError
from agroforest.core.fire import FireFacts, Gate, Outcome, Verification
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.outlook.lookahead import look_ahead
from agroforest.store import open_store

FIRST = date(2019, 1, 1)
DAYS = 480
NIGHT = date(2020, 4, 10)
INSIDE = {"latitude": "22.84000", "longitude": "108.34000"}
NAME = "made-fire"


@dataclass(frozen=True, kw_only=True)
class Post:
    """A pipeline that watches for fire alone."""

    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def fire(self) -> Path:
        return self.work / NAME / "fire"

    def set(self, **settings: object) -> None:
        lines = [f'name = "{NAME}"', 'aoi = "area.geojson"', 'hazards = ["fire"]']
        told = {"weather": "weather.csv", "hotspots": ["feeds/*.csv"], "scars": False}
        lines.append("[fire]")
        for key, value in (told | settings).items():
            if value is not None:
                said = str(value).lower() if isinstance(value, bool) else repr(value)
                lines.append(f"{key} = {said}")
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def path(self) -> Path:
        return self.folder / "pipeline.toml"

    def feed(self, name: str, *rows: str) -> Path:
        path = self.folder / "feeds" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([VIIRS_HEAD, *rows]) + "\n", encoding="utf-8")
        return path

    def weather(self, days: int = DAYS, *, dry: int = 0) -> Path:
        return write_weather(self.folder / "weather.csv", FIRST, days, dry=dry)

    def run(
        self,
        first: date,
        last: date | None = None,
        *,
        now: datetime | None = None,
        dry_run: bool = False,
    ) -> list[NightOutcome]:
        count = ((last or first) - first).days + 1
        nights = [first + timedelta(days=n) for n in range(count)]
        pipeline = read_pipeline(self.path)
        return list(
            run_nights(pipeline, nights, work=self.work, now=now, dry_run=dry_run)
        )

    def report(self, night: date) -> dict[str, Any]:
        (outcome,) = self.run(night)
        assert outcome.report is not None
        fire: dict[str, Any] = outcome.report["fire"]
        return fire

    def alerts(self) -> list[tuple[Alert, FireFacts]]:
        with open_store(self.work / "agroforest.db") as store:
            return store.fire_alerts(NAME)

    def digests(self) -> dict[str, str]:
        """Of everything but wall times: danger, drivers, events, codes."""
        return {
            str(path.relative_to(self.fire)): hashlib.sha256(
                path.read_bytes()
            ).hexdigest()
            for path in sorted(self.fire.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def post(tmp_path: Path) -> Post:
    write_area(tmp_path / "area.geojson")
    made = Post(folder=tmp_path)
    made.weather()
    made.set()
    return made


def seen(day: date, clock: str = "0612", **changes: object) -> str:
    row = INSIDE | {"acq_date": str(day), "acq_time": clock} | changes
    return viirs_row(**row)


def rank(path: Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return np.asarray(source.read(1))


def test_a_night_ranks_danger_and_lists_what_burns(post: Post) -> None:
    post.feed("today", seen(NIGHT), seen(NIGHT, "0624", satellite="N20"))
    (outcome,) = post.run(NIGHT)
    assert outcome.report is not None
    assert outcome.map is not None
    assert outcome.map.is_file()
    fire = outcome.report["fire"]
    assert [d["day"] for d in fire["danger"]] == [str(NIGHT)]
    assert fire["hotspots"]["events"] == fire["hotspots"]["fire"] == 1
    assert fire["clock"]["to_verify"] == 1
    known = rank(post.fire / "danger" / f"danger_{NIGHT}.tif")
    assert set(np.unique(known[np.isfinite(known)])) <= {1, 2, 3, 4, 5}
    assert (post.fire / "events" / f"{NIGHT}.geojson").is_file()
    table = (post.fire / "events" / f"{NIGHT}.csv").read_text("utf-8-sig")
    assert len(table.splitlines()) == 2
    ((alert, facts),) = post.alerts()
    assert alert.status == AlertStatus.OPEN
    assert alert.probability is None
    assert facts.event.looks == 2
    assert facts.raised == datetime(2020, 4, 10, 16, tzinfo=UTC)  # midnight, UTC+8
    assert facts.verify_by - facts.raised == timedelta(minutes=60)


def test_the_same_night_again_changes_nothing(post: Post) -> None:
    post.feed("today", seen(NIGHT))
    post.run(NIGHT - timedelta(days=2), NIGHT)
    before, alerts = post.digests(), post.alerts()
    times = {p: p.stat().st_mtime_ns for p in post.work.rglob("*.tif")}
    outcomes = post.run(NIGHT - timedelta(days=2), NIGHT)
    assert [o.report for o in outcomes] == [None, None, None]
    assert post.digests() == before
    assert post.alerts() == alerts
    assert {p: p.stat().st_mtime_ns for p in post.work.rglob("*.tif")} == times


def test_nights_one_by_one_give_what_all_at_once_give(
    post: Post, tmp_path_factory: pytest.TempPathFactory
) -> None:
    days = [NIGHT + timedelta(days=n) for n in range(4)]
    other = Post(folder=tmp_path_factory.mktemp("other"))
    for each in (post, other):
        write_area(each.folder / "area.geojson")
        each.weather()
        each.set()
        each.feed("a", seen(days[0]), seen(days[1], latitude="22.84100"))
        each.feed("b", seen(days[3], longitude="108.35000"))
    post.run(days[0], days[-1])
    for day in days:
        other.run(day)
    assert post.digests() == other.digests()
    assert post.alerts() == other.alerts()


def test_weather_corrected_afterwards_is_taken_up(post: Post) -> None:
    post.run(NIGHT, NIGHT + timedelta(days=3))
    path = post.folder / "weather.csv"
    spoiled = str(NIGHT + timedelta(days=1))
    lines = [
        f"{spoiled},38.0,12.0,30.0,0.0" if line.startswith(spoiled) else line
        for line in path.read_text("utf-8").splitlines()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    last = NIGHT + timedelta(days=4)
    post.run(last)
    fresh = Post(folder=post.folder / "fresh")
    fresh.folder.mkdir()
    write_area(fresh.folder / "area.geojson")
    (fresh.folder / "weather.csv").write_bytes(path.read_bytes())
    fresh.set()
    fresh.run(NIGHT, last)
    name = f"danger/drivers_{last}.tif"
    assert post.digests()[name] == fresh.digests()[name]


def test_a_damaged_trail_is_led_anew(post: Post) -> None:
    post.run(NIGHT, NIGHT + timedelta(days=1))
    last = NIGHT + timedelta(days=2)
    for number, path in enumerate(sorted((post.fire / "codes").rglob("*.npz"))):
        path.write_bytes(b"" if number else path.read_bytes()[:200])
    post.run(last)
    with rasterio.open(post.fire / "danger" / f"drivers_{last}.tif") as source:
        names = [n.split(" ")[0] for n in source.descriptions]
        assert np.isfinite(source.read(names.index("fwi") + 1)).any()


def test_trails_do_not_pile_up(post: Post) -> None:
    post.run(NIGHT, NIGHT + timedelta(days=19))
    assert len(list((post.fire / "codes").rglob("*.npz"))) == 15


def test_a_wet_day_of_low_danger_asks_for_a_second_look(post: Post) -> None:
    path = post.folder / "weather.csv"
    wet = [f"{NIGHT + timedelta(days=n)},18.0,97.0,3.0,30.0" for n in range(-3, 2)]
    days = {line.split(",")[0] for line in wet}
    kept = [n for n in path.read_text().splitlines() if n.split(",")[0] not in days]
    path.write_text("\n".join([*kept, *wet]) + "\n", encoding="utf-8")
    post.feed("today", seen(NIGHT))
    fire = post.report(NIGHT)
    assert not post.alerts()
    assert "needed: 2" in fire["held"][0]["en"]
    post.feed("more", seen(NIGHT + timedelta(days=1), latitude="22.84100"))
    fire = post.report(NIGHT + timedelta(days=1))
    assert not fire["held"]
    ((_, facts),) = post.alerts()
    assert facts.gate is Gate.PASSED


def test_without_weather_of_the_night_alerts_are_ungated(post: Post) -> None:
    path = post.folder / "weather.csv"
    lines = [n for n in path.read_text().splitlines() if not n.startswith(str(NIGHT))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    post.feed("today", seen(NIGHT))
    fire = post.report(NIGHT)
    assert fire["danger"][0]["day"] == str(NIGHT - timedelta(days=1))
    assert any("no weather of 2020-04-10" in note for note in fire["notes"])
    ((_, facts),) = post.alerts()
    assert facts.gate is Gate.UNGATED


def test_with_no_weather_at_all_hotspots_still_raise_alerts(post: Post) -> None:
    post.set(weather=None)
    post.feed("today", seen(NIGHT))
    fire = post.report(NIGHT)
    assert fire["danger"] == []
    assert fire["clock"]["ungated"] == 1


def test_weather_yet_to_come_is_no_forecast(post: Post) -> None:
    fire = post.report(NIGHT)  # the file goes on for days after this night
    assert [d["day"] for d in fire["danger"]] == [str(NIGHT)]


def test_a_forecast_file_gives_the_days_after_the_night(post: Post) -> None:
    post.set(forecast="forecast_{night}.csv")
    rows = ["date,temp,rh,wind,prec"]
    rows += [f"{NIGHT + timedelta(days=n)},30.0,40.0,9.0,0.0" for n in range(-1, 4)]
    path = post.folder / f"forecast_{NIGHT}.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    fire = post.report(NIGHT)
    days = [str(NIGHT + timedelta(days=n)) for n in range(4)]
    assert [d["day"] for d in fire["danger"]] == days
    assert [d["forecast"] for d in fire["danger"]] == [False, True, True, True]
    forecast = post.fire / "forecast" / str(NIGHT)
    assert len(list(forecast.glob("danger_*.tif"))) == 3
    fire = post.report(NIGHT + timedelta(days=1))
    assert any("no forecast" in note for note in fire["notes"])


def test_codes_of_a_forecast_are_not_led_on(post: Post) -> None:
    post.set(forecast="forecast_{night}.csv")
    rows = ["date,temp,rh,wind,prec"]
    rows += [f"{NIGHT + timedelta(days=n)},38.0,10.0,40.0,0.0" for n in range(1, 4)]
    path = post.folder / f"forecast_{NIGHT}.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    plain = Post(folder=post.folder / "plain")
    plain.folder.mkdir()
    write_area(plain.folder / "area.geojson")
    plain.weather()
    plain.set()
    last = NIGHT + timedelta(days=1)
    for each in (post, plain):
        each.run(NIGHT, last)
    name = f"danger/danger_{last}.tif"
    assert post.digests()[name] == plain.digests()[name]


def test_a_bad_file_and_bad_rows_are_named_and_the_rest_used(post: Post) -> None:
    post.feed("good", seen(NIGHT), seen(NIGHT, confidence="x"))
    (post.folder / "feeds" / "bad.csv").write_text("no,table\n1,2\n", encoding="utf-8")
    (outcome,) = post.run(NIGHT)
    assert outcome.report is not None
    (refused,) = outcome.report["quarantined"]
    assert "bad.csv" in refused["where"]
    spots = outcome.report["fire"]["hotspots"]
    assert spots["refused"] == 1
    assert "confidence" in spots["refused_rows"][0]["reason"]
    assert spots["events"] == 1


def test_a_night_that_has_not_ended_knows_nothing_later(post: Post) -> None:
    post.feed("today", seen(NIGHT, "0200"), seen(NIGHT, "1000", latitude="22.86000"))
    noon = datetime(2020, 4, 10, 4, tzinfo=UTC)
    (outcome,) = post.run(NIGHT, now=noon)
    assert outcome.report is not None
    assert outcome.report["fire"]["hotspots"]["events"] == 1
    ((_, facts),) = post.alerts()
    assert facts.raised == noon
    (outcome,) = post.run(NIGHT, now=noon + timedelta(hours=9))
    assert outcome.report is not None
    assert outcome.report["fire"]["hotspots"]["events"] == 2
    raised = sorted(f.raised for _, f in post.alerts())
    assert raised == [noon, noon + timedelta(hours=9)]


def test_what_somebody_found_ends_an_alert(post: Post) -> None:
    post.feed("today", seen(NIGHT))
    post.run(NIGHT)
    ((alert, facts),) = post.alerts()
    with open_store(post.work / "agroforest.db") as store:
        store.verify(
            alert.id,
            Verification(time=facts.raised, outcome=Outcome.NOTHING, by="护林员"),
        )
    fire = post.report(NIGHT + timedelta(days=1))
    assert fire["clock"]["to_verify"] == 0
    ((alert, _),) = post.alerts()
    assert alert.status == AlertStatus.CLOSED
    post.run(NIGHT + timedelta(days=2))
    assert [a.status for a, _ in post.alerts()] == [AlertStatus.CLOSED]


def test_an_alert_is_released_when_nothing_is_seen_any_more(post: Post) -> None:
    post.feed("today", seen(NIGHT))
    outcomes = post.run(NIGHT, NIGHT + timedelta(days=3))
    changes = [c["change"] for o in outcomes if o.report for c in o.report["changes"]]
    assert changes == [Change.NEW, Change.RELEASED]


def test_fires_from_before_the_first_night_raise_no_alert(post: Post) -> None:
    post.feed("old", seen(NIGHT - timedelta(days=9)))
    fire = post.report(NIGHT)
    assert fire["hotspots"]["events"] == 1
    assert not post.alerts()


def test_what_cannot_be_judged_fails_the_night_and_keeps_the_alerts(
    post: Post,
) -> None:
    post.feed("today", seen(NIGHT))
    post.run(NIGHT)
    alerts = post.alerts()
    cover = post.folder / "cover.tif"
    cover.write_bytes(b"no raster")
    post.set(land_cover="cover.tif")
    (outcome,) = post.run(NIGHT + timedelta(days=1))
    assert outcome.failed == ("fire",)
    assert outcome.report is not None
    assert outcome.report["status"] == "partial"
    assert "cover.tif" in outcome.report["fire"]["error"]
    assert post.alerts() == alerts


def test_a_dry_run_says_that_fire_is_due(post: Post) -> None:
    (outcome,) = post.run(NIGHT, dry_run=True)
    assert outcome.plan.fire
    assert not post.fire.exists()


def test_settings_that_cannot_be_are_refused(post: Post) -> None:
    post.set(weather=None, hotspots=None)
    with pytest.raises(ConfigurationError, match="weather or hotspots"):
        post.run(NIGHT)
    post.set(counties="nowhere.geojson")
    with pytest.raises(ConfigurationError, match="nowhere"):
        post.run(NIGHT)


def test_what_fire_takes_is_not_estimated(post: Post) -> None:
    with pytest.raises(ConfigurationError, match="does not watch canopy"):
        look_ahead(read_pipeline(post.path), [NIGHT], work=post.work)


def test_the_report_is_a_page_in_both_languages_with_local_times(post: Post) -> None:
    post.feed("today", seen(NIGHT))
    post.run(NIGHT)
    page = (post.work / NAME / "reports" / f"{NIGHT}.html").read_text("utf-8")
    assert "截至 2020-04-11 00:00" in page
    assert "2020-04-11 01:00" in page  # until when somebody must have looked
    assert "待核查热点" in page
    assert "to verify" in page


def test_a_night_keeps_its_facts_on_a_server_as_in_its_own_file(
    post: Post, postgresql: str
) -> None:
    """The command line and the environment name the server; nothing else differs."""
    post.feed("today", seen(NIGHT), seen(NIGHT, "0624", satellite="N20"))
    arguments = ["nightly", str(post.path), "--night", str(NIGHT), "--work"]
    there = {"AGROFOREST_DATABASE": postgresql}
    ran = CliRunner().invoke(app, [*arguments, str(post.work)], env=there)
    assert ran.exit_code == 0, ran.output
    assert not (post.work / "agroforest.db").exists()
    post.run(NIGHT)  # once more, into the file
    with open_store(postgresql) as server:
        assert server.fire_alerts(NAME) == post.alerts()
        assert server.instructions(NAME)
    listed = CliRunner().invoke(
        app, ["fire", "verify", "--pipeline", NAME, "--json"], env=there
    )
    assert listed.exit_code == 0, listed.output
    assert post.alerts()[0][0].id in listed.output
