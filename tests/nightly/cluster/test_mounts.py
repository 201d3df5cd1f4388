"""The same files under other paths."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from agroforest.core.config import BaselineSection, Pipeline, RiskSection
from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import Grid, Tile
from agroforest.core.scene import Asset, Granule, MaskKind, build_scene
from agroforest.nightly.cluster.mounts import Mounts, parse_mounts, read_mounts
from agroforest.nightly.plan import TaskKind, TileTask
from agroforest.nightly.result import Refusal, TaskResult
from agroforest.nightly.workplace import Workplace

_GRID = Grid(crs="EPSG:32649", left=0, top=0, resolution=10, width=2, height=2)
_NAMES = st.text("abc.-", min_size=1, max_size=6).filter(lambda s: s.strip("."))
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


def asset(href: str, sha256: str | None = "00") -> Asset:
    return Asset(href=href, resolution=10, sha256=sha256)


def task(root: str, *hrefs: str, forest: str | None = None) -> TileTask:
    granule = Granule(
        id="g",
        collection="c",
        platform="p",
        place="49QBF",
        sensed=datetime(2024, 1, 1, tzinfo=UTC),
        baseline="05.11",
        crs="EPSG:32649",
        footprint=shapely.box(0, 0, 1, 1),
        bands={f"B{n:02}": asset(href) for n, href in enumerate(hrefs, start=1)},
        mask=asset(f"{root}/scenes/scl.tif"),
        mask_kind=MaskKind.SCL,
    )
    pipeline = Pipeline(
        name="p",
        aoi=Path("a.geojson"),
        baseline=BaselineSection(start=date(2022, 1, 1), end=date(2023, 1, 1)),
        risk=RiskSection(forest=Path(forest) if forest else "everywhere"),
    )
    return TileTask(
        id="0",
        kind=TaskKind.NIGHT,
        tile=Tile(id="49QBF-1", grid=_GRID, area=shapely.box(0, 0, 1, 1)),
        night=date(2024, 1, 2),
        scenes=(build_scene((granule,)),),
        baseline="0" * 16,
        pipeline=pipeline,
        workplace=Workplace(root=Path(root), pipeline="p"),
    )


def hrefs(brought: TileTask) -> list[str]:
    (scene,) = brought.scenes
    return [a.href for g in scene.granules for a in (*g.bands.values(), g.mask)]


def test_every_path_of_a_task_is_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGROFOREST_WORK", "/mnt/w")
    monkeypatch.setenv("AGROFOREST_MOUNTS", "/archive=/nas/a:/archive/new=/ssd")
    sent = task(
        "/srv/work",
        "/srv/work/scenes/B01.tif",
        "/real/work/scenes/B02.tif",  # the work folder with links resolved
        "/archive/B03.tif",
        "/archive/new/B04.tif",
        "/archived/B05.tif",
        "https://example.org/archive/B06.tif",
        forest="/srv/work/forest.tif",
    )
    own = read_mounts(("/srv/work", "/real/work")).bring(sent)
    assert own.workplace.root == Path("/mnt/w")
    assert own.pipeline.risk.forest == Path("/mnt/w/forest.tif")
    assert hrefs(own) == [
        "/mnt/w/scenes/B01.tif",
        "/mnt/w/scenes/B02.tif",
        "/nas/a/B03.tif",
        "/ssd/B04.tif",
        "/archived/B05.tif",
        "https://example.org/archive/B06.tif",
        "/mnt/w/scenes/scl.tif",
    ]
    assert own.id == sent.id
    assert [s.content() for s in own.scenes] == [s.content() for s in sent.scenes]


def test_an_address_that_is_an_identity_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGROFOREST_WORK", "/mnt/w")
    sent = task("/srv/work", "/srv/work/scenes/B01.tif")
    (scene,) = sent.scenes
    bare = scene.granules[0].patch(bands={"B01": asset("/srv/work/B01.tif", None)})
    sent = sent.patch(scenes=(replace(scene, granules=(bare,)),))
    own = read_mounts(("/srv/work",)).bring(sent)
    assert hrefs(own)[0] == "/srv/work/B01.tif"
    assert own.scenes[0].content() == sent.scenes[0].content()


def test_without_settings_the_paths_are_the_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AGROFOREST_WORK", raising=False)
    monkeypatch.delenv("AGROFOREST_MOUNTS", raising=False)
    sent = task("/srv/work", "/srv/work/B01.tif", forest="/srv/forest.tif")
    assert read_mounts(("/srv/work",)).bring(sent) == sent


def test_results_name_files_as_the_client_does(monkeypatch: pytest.MonkeyPatch) -> None:
    # The worker's path begins like the client's: nothing may be replaced twice.
    monkeypatch.setenv("AGROFOREST_WORK", "/srv")
    monkeypatch.setenv("AGROFOREST_MOUNTS", "/archive=/srv2/archive")
    mounts = read_mounts(("/srv/work", "/real/work"))
    sent = task("/srv/work", "/real/work/B01.tif", "/archive/B02.tif")
    result = TaskResult(
        id="0",
        kind=TaskKind.NIGHT,
        tile="49QBF-1",
        state="s",
        night=sent.night,
        error="/srv/p/state.zarr: damaged",
        refused=(
            Refusal(where="/srv/B01.tif", problem="no file /srv/B01.tif", remedy="r"),
            Refusal(where="/srv2/archive/B02.tif", problem="other /srvx", remedy="r"),
        ),
    )
    back = mounts.send_back(result, sent)
    assert back.error == "/srv/work/p/state.zarr: damaged"
    assert back.refused == (
        Refusal(
            where="/real/work/B01.tif", problem="no file /real/work/B01.tif", remedy="r"
        ),
        Refusal(where="/archive/B02.tif", problem="other /srvx", remedy="r"),
    )


@given(st.dictionaries(_PATHS, _PATHS, max_size=4), _PATHS)
def test_the_longest_folder_decides(pairs: dict[str, str], path: str) -> None:
    longest = sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)
    found = Mounts(pairs=tuple(longest)).here(path)
    above = [str(p) for p in (Path(path), *Path(path).parents) if str(p) in pairs]
    expected = pairs[above[0]] + path[len(above[0]) :] if above else path
    assert found == expected


@given(st.lists(st.tuples(_PATHS, _PATHS), max_size=4))
def test_mounts_are_read_as_they_are_written(pairs: list[tuple[str, str]]) -> None:
    assert parse_mounts([f"{there}={here}" for there, here in pairs]) == pairs


@pytest.mark.parametrize("text", ["a", "/a", "/a=b", "=/b", "/=/b", "a=/b"])
def test_what_is_no_mount_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not PATH=PATH"):
        parse_mounts([text])
