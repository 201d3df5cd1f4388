"""Whole nights on a simulated world, with real files, Dask and database."""

import json
import shutil
import sqlite3
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from tests.nightly.conftest import Site
from tests.nightly.outcome import look
from typer.testing import CliRunner

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.cli.app import app
from agroforest.core.errors import ConfigurationError, LockedError, NoInputError
from agroforest.core.identity import digest_file
from agroforest.nightly import run
from agroforest.nightly.run import NightOutcome
from agroforest.nightly.workplace import Workplace
from agroforest.risk import models_dir
from agroforest.store import Store, open_store

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

# Three nights with scenes around the clear-cut of the simulated world.
FIRST, LAST = date(2024, 11, 1), date(2024, 11, 22)


def files(site: Site) -> dict[str, str]:
    return {
        str(p.relative_to(site.work)): digest_file(p)
        for p in sorted(site.work.rglob("*"))
        if p.is_file() and not p.name.startswith("agroforest.db")
    }


def rows(site: Site) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(site.work / "agroforest.db") as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        return {
            name: database.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608
            for (name,) in names.fetchall()
        }


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, _catalogued: Site) -> Site:
    """Nights run once, for the tests that only look."""
    work = tmp_path_factory.mktemp("told") / "work"
    shutil.copytree(_catalogued.work, work)
    site = Site(world=_catalogued.world, work=work)
    outcomes = site.run(FIRST, LAST)
    assert not any(o.failed for o in outcomes)
    return site


def test_outputs_are_valid_and_named(told: Site) -> None:
    place = Workplace(root=told.work, pipeline=told.pipeline.name)
    maps = sorted((place.folder / "indices").rglob("*.tif"))
    risks = sorted((place.folder / "risk").rglob("*.tif"))
    assert maps
    assert risks
    for path in maps + risks:
        assert cog_validate(path, strict=True)[:2] == (True, [])
        item = json.loads(path.with_suffix(".json").read_text())
        assert item["assets"]["data"]["href"] == f"./{path.name}"
        assert item["properties"]["agroforest:simulated"] is True
    for path in maps:
        tile, day, index = path.stem.split("_")
        assert path.parent.name == tile
        date.fromisoformat(day)
        assert index in told.pipeline.indices
        with rasterio.open(path) as raster:
            assert (raster.dtypes[0], raster.nodata) == ("int16", -32768)
            assert raster.scales == (1e-4,)
            assert raster.compression.name == "zstd"


def test_the_clear_cut_is_found_and_reported(told: Site) -> None:
    place = Workplace(root=told.work, pipeline=told.pipeline.name)
    report = json.loads(place.report(LAST, "json").read_text())
    assert report["alerts"]["canopy-loss"]["open"] >= 1
    page = place.report(date(2024, 11, 1), "html").read_text()
    assert "疑似林冠缺失" in page
    assert "canopy loss suspected" in page
    assert "模拟数据" in page


def test_only_the_last_night_of_many_has_a_map(told: Site) -> None:
    folder = Workplace(root=told.work, pipeline=told.pipeline.name).folder
    assert [p.name for p in (folder / "maps").iterdir()] == [f"{LAST}.html"]


def test_running_again_changes_nothing(told: Site) -> None:
    before, known = files(told), rows(told)
    outcomes = told.run(FIRST, LAST)
    assert all(o.report is None for o in outcomes)
    assert files(told) == before
    assert rows(told) == known


def test_nothing_half_written_is_left(told: Site) -> None:
    assert not [p for p in files(told) if ".part" in p or "staging" in p]


def crash_before_recording(
    site: Site, monkeypatch: pytest.MonkeyPatch, night: date
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "record_night", refuse)
        with pytest.raises(KeyboardInterrupt):
            site.run(night)


@pytest.mark.usefixtures("alone")
def test_a_night_killed_before_it_is_recorded_is_repeated(
    site: Site, told: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash_before_recording(site, monkeypatch, FIRST)
    site.run(FIRST, LAST)
    left, expected = look(site.work), look(told.work)
    assert [k for k in {*left, *expected} if left.get(k) != expected.get(k)] == []


def test_one_failed_tile_does_not_stop_the_other(site: Site) -> None:
    site.run(FIRST)
    place = Workplace(root=site.work, pipeline=site.pipeline.name)
    victim = min(place.state.glob("49QBF-0810-*"))
    chunk = min(p for p in victim.rglob("ring/c/**/*") if p.is_file())
    chunk.write_bytes(b"damaged")
    ended = CliRunner().invoke(
        app,
        [
            "nightly",
            str(site.world.pipeline),
            f"--from={FIRST + timedelta(days=1)}",
            f"--to={LAST}",
            f"--work={site.work}",
            "--json",
        ],
    )
    assert ended.exit_code == 3
    reports = [json.loads(line)["report"] for line in ended.stdout.splitlines()]
    partial = next(r for r in reports if r["status"] == "partial")
    done = {t["tile"]: t["error"] for t in partial["tiles"]}
    assert done["49QBF-0910"] is None
    assert done["49QBF-0810"]
    assert "\n" not in done["49QBF-0810"]
    assert reports[-1]["alerts"]["canopy-loss"]["open"] >= 1


@pytest.mark.usefixtures("alone")
def test_a_scene_damaged_after_cataloguing_is_put_aside(site: Site) -> None:
    scenes = site.work / "scenes"
    shutil.copytree(site.world.scenes, scenes)
    shutil.rmtree(site.work / "catalog")
    add_scenes([scenes], LocalCatalog(site.work / "catalog"))
    victim = next(p for p in sorted(scenes.glob("*_20241106T*")))
    red = victim / "B04.tif"
    red.write_bytes(red.read_bytes()[:900])
    outcomes = site.run(date(2024, 11, 1), date(2024, 11, 6))
    report = outcomes[-1].report
    assert report is not None
    assert report["status"] == "done"
    assert {Path(q["where"]).name for q in report["quarantined"]} == {"B04.tif"}
    assert site.run(date(2024, 11, 7))[0].report is not None


def test_a_second_run_is_refused_while_one_is_going(site: Site) -> None:
    place = Workplace(root=site.work, pipeline=site.pipeline.name)
    with place.locked(), pytest.raises(LockedError, match="another run"):
        site.run(FIRST)


def test_an_empty_catalogue_is_no_input(site: Site) -> None:
    shutil.rmtree(site.work / "catalog")
    with pytest.raises(NoInputError, match="no catalogued scene"):
        site.run(FIRST)


def test_nights_in_the_history_are_refused(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="lies in the history"):
        site.run(site.pipeline.baseline.end)


def judged_by(site: Site, model: Path) -> NightOutcome:
    risk = site.pipeline.risk.model_copy(update={"model": str(model)})
    pipeline = site.pipeline.model_copy(update={"risk": risk})
    (outcome,) = run.run_nights(pipeline, [FIRST], work=site.work)
    return outcome


@pytest.mark.usefixtures("alone")
def test_without_its_model_the_rule_judges_and_the_map_says_so(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(models_dir() / "canopy-stress", folder)
    weights = folder / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    outcome = judged_by(site, folder)
    assert outcome.report is not None
    assert outcome.report["model"].startswith("rule-based")
    (note,) = [n for n in outcome.report["notes"] if "sha256" in n]
    assert "model mine" in note
    assert str(tmp_path) not in note
    assert outcome.map is not None
    assert "rule-based" in outcome.map.read_text()


@pytest.mark.usefixtures("alone")
def test_a_night_needs_no_torch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    outcome = site.run(FIRST)[0]
    assert outcome.report is not None
    assert outcome.report["model"].startswith("canopy-stress")


@pytest.mark.usefixtures("alone")
def test_a_model_of_ones_own(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(models_dir() / "canopy-stress", folder)
    outcome = judged_by(site, folder)
    assert outcome.report is not None
    assert outcome.report["model"].startswith("canopy-stress")


def test_a_dry_run_touches_nothing(site: Site) -> None:
    nights = [FIRST]
    planned = list(run.run_nights(site.pipeline, nights, work=site.work, dry_run=True))
    assert [len(o.plan.tasks) for o in planned] == [2]
    assert not list((site.work / site.pipeline.name).rglob("*.tif"))


def test_every_night_knows_what_it_cost(told: Site) -> None:
    place = Workplace(root=told.work, pipeline=told.pipeline.name)
    with open_store(place.database) as store:
        tries = [e for e in store.tries.executions() if e.cost.tiles]
    assert len(tries) >= 3
    for each in tries:
        cost = each.cost
        assert cost.bytes_read > 0
        assert cost.cpu_seconds > 0
        assert cost.energy_kwh > 0
        assert cost.km2 == pytest.approx(tries[0].cost.km2)
        report = json.loads(place.report(each.night, "json").read_text())["cost"]
        assert report["energy_kwh"] == pytest.approx(cost.energy_kwh, abs=1e-9)
        assert report["bytes_read"] == cost.bytes_read
        shares = [share["kwh"] for share in report["each_tile"].values()]
        assert len(shares) == cost.tiles
        whole = sum(shares) + report["for_all"]["kwh"]
        assert whole == pytest.approx(cost.energy_kwh, rel=1e-3, abs=1e-8)
        assert all(count > 0 for count in cost.saved.values())
