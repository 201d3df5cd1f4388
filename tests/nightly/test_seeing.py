"""What a night says of itself: its log, its figures, what it knows of gaps."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.nightly.conftest import Site

from agroforest.catalog import LocalCatalog
from agroforest.core.errors import SourceError
from agroforest.core.scene import Granule
from agroforest.nightly.gap_sources import find_cloudy, read_last_taken
from agroforest.nightly.watch import build_watch
from agroforest.store import open_store

pytestmark = [pytest.mark.slow, pytest.mark.enable_socket]

NIGHT = date(2024, 11, 1)


def test_a_night_in_json(site: Site, tmp_path: Path) -> None:
    path, figures = tmp_path / "night.jsonl", tmp_path / "a.prom"
    command = [
        *(sys.executable, "-m", "agroforest"),
        *("--log-format", "json", "--log-file", str(path)),
        *("nightly", str(site.world.pipeline), "--night", NIGHT.isoformat()),
        *("--work", str(site.work), "--metrics", str(figures)),
    ]
    with subprocess.Popen(  # noqa: S603  our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    for line in said.splitlines():
        assert isinstance(json.loads(line), dict)
    with open_store(site.work / "agroforest.db") as store:
        (execution,) = store.tries.executions(site.pipeline.name)
        tasks = {task.tile for task in store.tasks(site.pipeline.name)}
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    taken = [line for line in lines if "scene" in line]
    assert {line["tile"] for line in taken} == tasks
    for line in taken:
        assert line["run"] == execution.id
        assert line["pipeline"] == site.pipeline.name
        assert line["night"] == NIGHT.isoformat()
        assert line["level"] == "info"
    if len(tasks) > 1:
        assert {line["process"] for line in taken} != {process.pid}
    families = text_string_to_metric_families(figures.read_text("utf-8"))
    values = {f.name: [s.value for s in f.samples] for f in families}
    assert execution.ended is not None
    assert values["agroforest_last_success_timestamp_seconds"] == [
        pytest.approx(execution.ended.timestamp(), abs=1e-3)
    ]


def test_scenes_that_are_too_cloudy_and_tiles_without_any(site: Site) -> None:
    pipeline = site.pipeline
    strict = pipeline.model_copy(
        update={"scenes": pipeline.scenes.model_copy(update={"max_cloud_cover": 0.0})}
    )
    watch, aoi, _ = build_watch(strict, site.work)
    catalog = LocalCatalog(site.work / "catalog")
    named = find_cloudy(watch, aoi, catalog, NIGHT)
    within = catalog.find_granules(aoi.area, NIGHT - timedelta(days=10), NIGHT)
    assert [g.id for g in named] == sorted(g.id for g in within if g.cloud_cover)
    assert named
    loose, _, _ = build_watch(pipeline, site.work)
    ids = {g.id for g in find_cloudy(loose, aoi, catalog, NIGHT)}
    assert ids < {g.id for g in named}
    assert find_cloudy(watch, aoi, Silent(), NIGHT) == ()  # the night is not lost
    with open_store(site.work / "agroforest.db") as store:
        assert read_last_taken(watch, store) == {t.id: None for t in watch.tiles}


class Silent:
    """A catalogue that does not answer."""

    def find_granules(self, *_: object, **__: object) -> list[Granule]:
        raise SourceError("https://stac.example.cn", "does not answer", "try again")
