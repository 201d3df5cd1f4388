"""The simulated world: real files, same bytes, and what they say of themselves."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from agroforest.core.aoi import PlaceKind, read_aoi
from agroforest.core.config import read_pipeline
from agroforest.core.grid import find_tiles
from agroforest.testing.places import draw_district
from agroforest.testing.world import (
    END,
    NAME,
    World,
    aoi_geojson,
    build_world,
    pipeline_toml,
)

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("world"), size=64, years=1.5)


def _items(world: World) -> list[dict[str, Any]]:
    return [
        json.loads((p / f"{p.name}.json").read_text(encoding="utf-8"))
        for p in sorted(world.scenes.iterdir())
    ]


def test_area_has_two_tiles_and_both_kinds_of_places(world: World) -> None:
    aoi = read_aoi(world.aoi)
    pipeline = read_pipeline(world.pipeline)
    tiles = find_tiles(
        aoi.area, resolution=pipeline.grid.resolution, size=pipeline.grid.tile_size
    )
    assert [t.id for t in tiles] == ["49QBF-0810", "49QBF-0910"]
    kinds = {p.kind for p in aoi.places}
    assert kinds == {PlaceKind.COMPARTMENT, PlaceKind.PARCEL}
    assert pipeline.aoi.resolve() == world.aoi.resolve()
    assert pipeline.simulated


def test_every_item_says_that_it_is_simulated(world: World) -> None:
    for item in _items(world):
        assert item["properties"]["agroforest:simulated"] is True
        assert "simulated" in item["properties"]["title"]
        assert "模拟" in item["properties"]["title"]


def test_assets_are_cogs_on_the_grid_the_item_states(world: World) -> None:
    item = next(i for i in _items(world) if i["properties"]["eo:cloud_cover"] < 5)
    folder = world.scenes / item["id"]
    for name, asset in item["assets"].items():
        path = folder / asset["href"]
        valid, errors, _ = cog_validate(path)
        assert valid, errors
        with rasterio.open(path) as source:
            assert list(source.shape) == asset["proj:shape"]
            assert list(source.transform)[:6] == asset["proj:transform"]
            assert source.nodata == 0
            assert source.crs.to_string() == item["properties"]["proj:code"]
            wanted = "uint8" if name == "SCL" else "uint16"
            assert source.dtypes == (wanted,)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    worlds = [
        build_world(tmp_path / name, size=40, years=1.2, end=date(2023, 6, 30))
        for name in ("a", "b")
    ]
    files = [
        {
            p.relative_to(w.folder): p.read_bytes()
            for p in w.folder.rglob("*.*")
            if p.is_file()
        }
        for w in worlds
    ]
    assert files[0] == files[1]
    assert len(files[0]) > 500


def test_repository_files_are_those_of_the_default_world() -> None:
    district = draw_district(seed=49, size=256)
    stored = read_aoi(_ROOT / "aoi" / f"{NAME}.geojson")
    fresh = json.loads(aoi_geojson(district))["features"]
    assert [p.id for p in stored.places] == [
        f["properties"]["id"] for f in fresh if f["properties"]["kind"] != "boundary"
    ]
    text = (_ROOT / "pipelines" / f"{NAME}.toml").read_text(encoding="utf-8")
    assert text == pipeline_toml(start=date(2022, 7, 2), judged_from=date(2024, 7, 14))
    assert date(2024, 12, 31) == END


def test_events_can_be_seen(world: World) -> None:
    for event in world.planted:
        assert len(event.clear_days) >= 3, event.id
        assert min(event.clear_days) >= event.start


def test_a_share_of_dates_is_usable(world: World) -> None:
    days = {d.day for d in world.delivered}
    assert 0.25 <= len(world.usable_days) / len(days) <= 0.45


def test_clear_cut_passes_the_soil_test(world: World) -> None:
    cut = next(p for p in world.planted if p.kind == "clear-cut")
    day = cut.clear_days[-1]
    folder = next(d.folder for d in world.delivered if d.day == day)
    values = {}
    with rasterio.open(folder / "B02.tif") as source:
        inside = ~rasterio.features.geometry_mask(
            [cut.ground.buffer(-20)], source.shape, source.transform
        )
    for band in ("B02", "B03", "B04", "B11"):
        with rasterio.open(folder / f"{band}.tif") as source:
            numbers = source.read(1)
        if numbers.shape != inside.shape:
            numbers = numbers.repeat(2, 0).repeat(2, 1)
        values[band] = np.median(numbers[inside].astype(float) * 1e-4 - 0.1)
    assert values["B11"] > 0.125
    assert values["B02"] < 0.06
    assert values["B03"] + values["B04"] > 0.08
