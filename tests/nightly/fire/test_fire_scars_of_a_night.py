"""A fire that a night saw burn and go out: its scar in the report and on the map."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import shapely
from tests.fire import scars
from tests.hotspots.made import VIIRS_HEAD, viirs_row
from tests.nightly.fire.burns import AFTER, BEFORE, FIRST, LAST, Archive, outline

from agroforest.core.config import read_pipeline
from agroforest.core.errors import ModelError
from agroforest.nightly import NightOutcome, run_nights
from agroforest.store import open_store

NAME = "made-scar"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images from before and after, and hotspots of the days between."""
    folder = tmp_path_factory.mktemp("site")
    archive = Archive(folder / "work")
    archive.add(BEFORE)
    archive.add(AFTER, burned=True)
    burn = outline(scars.BURN)
    area = {
        "type": "Feature",
        "properties": {"id": "area"},
        "geometry": json.loads(shapely.to_geojson(burn.buffer(0.03).envelope)),
    }
    document = {"type": "FeatureCollection", "features": [area]}
    (folder / "area.geojson").write_text(json.dumps(document), encoding="utf-8")
    middle = burn.centroid
    rows = [
        viirs_row(
            latitude=f"{middle.y + north:.5f}",
            longitude=f"{middle.x + east:.5f}",
            acq_date=str(day),
        )
        for day in (FIRST, LAST)
        for north, east in ((0.0, 0.0), (0.002, 0.003))
    ]
    text = "\n".join([VIIRS_HEAD, *rows]) + "\n"
    (folder / "feed.csv").write_text(text, encoding="utf-8")
    (folder / "pipeline.toml").write_text(
        f'name = "{NAME}"\naoi = "area.geojson"\nhazards = ["fire"]\n'
        '[fire]\nhotspots = ["feed.csv"]\ngap_hours = 48\n',
        encoding="utf-8",
    )
    return folder


def run(folder: Path, first: date, last: date) -> list[NightOutcome]:
    pipeline = read_pipeline(folder / "pipeline.toml")
    nights = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return list(run_nights(pipeline, nights, work=folder / "work"))


@pytest.mark.slow
def test_the_scar_is_mapped_once_the_image_is_there(site: Path) -> None:
    early = run(site, FIRST, AFTER - timedelta(days=1))[-1]
    assert early.report is not None
    assert early.report["fire"]["scars"] == []
    (waiting,) = early.report["fire"]["waiting"]
    assert waiting["zh"]
    late = run(site, AFTER, AFTER + timedelta(days=1))
    found = [o.report["fire"]["scars"] for o in late if o.report]
    (scar,) = found[0]
    assert found[1] == [scar]  # mapped once, told every night
    assert scar["after"] == str(AFTER)
    assert scar["before"] == str(BEFORE)
    assert scar["area_ha"] == pytest.approx(97, rel=0.15)  # drawn too wide: the manual
    assert scar["severity_ha"]
    page = late[-1].map
    assert page is not None
    assert scar["id"] in page.read_text("utf-8")
    with open_store(site / "work" / "agroforest.db") as store:
        (task,) = store.tasks(NAME, AFTER)
    assert any("scars" in path for path in task.outputs)


@pytest.mark.slow
def test_a_model_that_cannot_be_used_costs_the_scars_alone(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "site"
    shutil.copytree(site, other, ignore=shutil.ignore_patterns("agroforest.db*", NAME))

    def refuse(*_: object, **__: object) -> None:
        raise ModelError("burned-area", "is damaged", "install it again")

    monkeypatch.setattr("agroforest.nightly.fire.night.map_scar", refuse)
    run(other, FIRST, LAST)
    (outcome,) = run(other, AFTER, AFTER)
    assert not outcome.failed
    assert outcome.report is not None
    assert outcome.report["fire"]["hotspots"]["events"] == 1
    (refused,) = outcome.report["quarantined"]
    assert refused["where"] == "burned-area"
