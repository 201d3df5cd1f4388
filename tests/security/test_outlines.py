"""Areas, parcels and counties that are deep, endless, or on the other side."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from tests.core.test_tangle import star
from tests.hotspots.made import VIIRS_HEAD
from tests.security.proving import assert_kept, assert_refused, prove, run_confined

from agroforest.core.aoi import read_aoi
from agroforest.core.grid import find_tiles
from agroforest.cube import write_cog
from agroforest.hotspots.districts import read_districts
from agroforest.testing.world import END

_PIPELINE = """name = "p"
aoi = "a.geojson"
[baseline]
start = 2022-01-01
end = 2023-12-31
"""
_SQUARE = [[108.2, 22.8], [108.3, 22.8], [108.3, 22.9], [108.2, 22.9], [108.2, 22.8]]


def _collection(geometry: Any, **properties: Any) -> str:
    feature = {"type": "Feature", "properties": properties, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]})


def _polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def _ring(corners: int) -> Any:
    turns = np.linspace(0, 2 * np.pi, corners)
    circle = np.column_stack(
        [108.25 + 0.05 * np.cos(turns), 22.85 + np.sin(turns) / 20]
    )
    circle[-1] = circle[0]
    return np.round(circle, 9).tolist()


def _spikes(corners: int) -> Any:
    """A valid polygon whose spikes all point at one place."""
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    reach = np.where(np.arange(corners) % 2, 0.05, 0.02)[:, np.newaxis]
    points = [108.25, 22.85] + reach * np.column_stack([np.cos(turns), np.sin(turns)])
    return [*points.tolist(), points[0].tolist()]


def _tangle(corners: int) -> Any:
    points = shapely.get_coordinates(star(corners, corners // 2))
    return (0.05 * points + [108.25, 22.85]).tolist()


def _deep(open_with: str, close_with: str, middle: str) -> str:
    inside = open_with * 500 + middle + close_with * 500
    return _collection("GEOMETRY").replace('"GEOMETRY"', inside)


_DEEP = {
    "collections": _deep(
        '{"type": "GeometryCollection", "geometries": [',
        "]}",
        json.dumps(_polygon(_SQUARE)),
    ),
    "coordinates": _deep("[", "]", "1, 2"),
    "polygons": _deep('{"type": "Polygon", "coordinates": [', "]}", "1"),
    "properties": _collection(_polygon(_SQUARE), deep="DEEP").replace(
        '"DEEP"', "[" * 5000 + "]" * 5000
    ),
    "features": '{"type": "FeatureCollection", "features": ' + "[" * 100_000,
    "braces": '{"a":' * 100_000,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("outlines")
    (path / "p.toml").write_text(_PIPELINE)
    area = shapely.box(108.24, 22.84, 108.26, 22.86)
    (tile, *_) = find_tiles(area, resolution=10)
    grid = tile.grid
    write_cog(path / "r.tif", np.full(grid.shape, 100, "int16"), grid)
    return path


def _plan(folder: Path, text: str, *words: str) -> None:
    (folder / "a.geojson").write_text(text)
    night = ("--night", f"{END:%Y-%m-%d}", "--work", "w")
    ended = run_confined("plan", "p.toml", *night, cwd=folder)
    # An area that can be used has no scene here; that is told by code 5.
    assert_refused(ended, *words, codes=(2,))


def _measure(folder: Path, text: str) -> None:
    (folder / "parcels.geojson").write_text(text)
    ended = run_confined(
        "zonal", "r.tif", "parcels.geojson", "--out", "o.csv", cwd=folder
    )
    assert_kept(ended)
    assert ended.code in {0, 1, 5}


def _count(folder: Path, text: str) -> None:
    (folder / "c.geojson").write_text(text)
    (folder / "f.csv").write_text(f"{VIIRS_HEAD}\n")
    arguments = ("f.csv", "--boundaries", "c.geojson", "--out", "h")
    ended = run_confined("fire", "hotspots", *arguments, cwd=folder)
    assert_refused(ended, codes=(1, 2, 5))


def test_outlines_that_are_deep(folder: Path) -> None:
    prove(
        "GeoJSON nested 500 and 100,000 deep",
        {
            **{f"area, {k}": partial(_plan, folder, t, "a.geojson")
               for k, t in _DEEP.items() if k != "collections"},
            "area, collections": lambda: _plan(folder, _DEEP["collections"]),
            **{f"parcels, {k}": partial(_measure, folder, t)
               for k, t in _DEEP.items()},
            **{f"counties, {k}": partial(_count, folder, t)
               for k, t in _DEEP.items()},
        },
        "refused in one line, or read",
    )  # fmt: skip


@pytest.mark.slow
def test_a_million_corners(folder: Path) -> None:
    circle = _collection(_polygon(_ring(1_000_000)), name="x")
    spikes = _collection(_polygon(_spikes(1_000_000)))
    tangle = _collection(_polygon(_tangle(8_001)), name="x")
    many = shapely.MultiPolygon(
        [shapely.box(x, y, x + 4e-5, y + 4e-5)
         for x in np.linspace(108.24, 108.26, 100)
         for y in np.linspace(22.84, 22.86, 100)]
    )  # fmt: skip
    plenty = _collection(json.loads(shapely.to_geojson(many)), name="y")
    prove(
        "a million corners, all edges crossing, 50,000 corners in small parts",
        {
            "area, a circle": lambda: _plan(folder, circle, "corners"),
            "area, spikes": lambda: _plan(folder, spikes, "corners"),
            "area, crossing": lambda: _plan(folder, tangle, "not a valid polygon"),
            "parcels, crossing": lambda: _measure(folder, tangle),
            "parcels, a circle": lambda: _measure(folder, circle),
            "counties, crossing": lambda: _count(folder, tangle),
            "counties, a circle": lambda: _count(folder, circle),
            "parcels, many parts": lambda: _measure(folder, plenty),
        },
        "refused in one line or measured, in a minute and 2 GB",
    )  # fmt: skip


def test_the_other_side_of_the_world(folder: Path) -> None:
    def cover(west: float, east: float) -> None:
        """A strip that is cut at 180 degrees has tiles on both sides and no others."""
        parts = [
            shapely.box(west, 10.0, 180.0, 10.05),
            shapely.box(-180.0, 10.0, east, 10.05),
        ]
        text = _collection(json.loads(shapely.to_geojson(shapely.MultiPolygon(parts))))
        (folder / "a.geojson").write_text(text)
        area = read_aoi(folder / "a.geojson").area
        tiles = find_tiles(area, resolution=10, size=10_000)
        assert {tile.grid.crs for tile in tiles} == {"EPSG:32601", "EPSG:32660"}
        assert len(tiles) < 40

    across = [[179.9, 1], [-179.9, 1], [-179.9, 2], [179.9, 2], [179.9, 1]]
    beyond = [[179.9, 1], [180.1, 1], [180.1, 2], [179.9, 2], [179.9, 1]]
    pole = [[0, 89], [90, 89], [180, 89], [-90, 89], [0, 89]]
    prove(
        "an area across the antimeridian or round a pole",
        {
            "cut at 180": lambda: cover(179.95, -179.95),
            "cut, narrow": lambda: cover(179.999, -179.9),
            "not cut": lambda: _plan(
                folder, _collection(_polygon(across)), "cut it where it crosses"
            ),
            "beyond 180": lambda: _plan(
                folder, _collection(_polygon(beyond)), "not in degrees"
            ),
            "round the pole": lambda: _plan(folder, _collection(_polygon(pole))),
            "the whole world": lambda: _plan(
                folder,
                _collection(
                    json.loads(shapely.to_geojson(shapely.box(-180, -90, 180, 90)))
                ),
            ),
        },
        "the right tiles, or refused in one line",
    )


def test_districts_are_read_at_all(folder: Path) -> None:
    """The control of what is refused above."""
    path = folder / "good.geojson"
    path.write_text(_collection(_polygon(_SQUARE), name="武鸣区"))
    assert len(read_districts(path)) == 1
