"""Index maps of a scene: one pass, the same values as one by one."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_validate

from agroforest.catalog.single import read_scene
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.identity import digest_file
from agroforest.core.scene import Scene, build_scene
from agroforest.cube import read, read_cog
from agroforest.indices import INDICES, compute, encode
from agroforest.products import map_scene
from agroforest.products.compute import sample_blocks
from agroforest.products.index_maps import find_grid

LEVELS = {
    "B02": 300, "B03": 500, "B04": 400, "B05": 900, "B08": 3000,
    "B8A": 3100, "B11": 1800, "B12": 900,
}  # fmt: skip
FINE = {"B02", "B03", "B04", "B08"}


def write(path: Path, numbers: NDArray[Any], step: int, **options: Any) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        dtype=numbers.dtype,
        count=1,
        height=numbers.shape[0],
        width=numbers.shape[1],
        crs="EPSG:32649",
        transform=Affine(step, 0, 500_000, 0, -step, 2_500_000),
        **options,
    ) as data:
        data.write(numbers, 1)


def make_folder(
    folder: Path, *, rows: int, columns: int, bands: Mapping[str, int] = LEVELS
) -> Path:
    """Bands with noise and holes, and an SCL with clouds; sizes in pixels of 20 m."""
    rng = np.random.default_rng(5)
    folder.mkdir(parents=True)
    for name, level in bands.items():
        k = 2 if name in FINE else 1
        shape = rows * k, columns * k
        numbers = rng.normal(level, level / 3, shape).clip(1, 20_000)
        numbers[rng.random(shape) < 0.01] = 0
        step = 20 // k
        write(folder / f"{name}.tif", numbers.astype(np.uint16), step, tiled=True)
    classes = rng.choice([4, 5, 9], (rows, columns), p=[0.6, 0.3, 0.1])
    write(folder / "SCL.tif", classes.astype(np.uint8), 20)
    return folder


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("scene") / "plot_20240506T031500"
    return read_scene(make_folder(folder, rows=150, columns=131)).scene


def expected(scene: Scene, name: str, *, dilate_m: float = 0.0) -> NDArray[np.int16]:
    """One by one, by the functions of xarray datasets."""
    grid = find_grid(scene, tuple(LEVELS))
    data = read(scene, grid, sorted(scene.band_names), dilate_m=dilate_m)
    # The dataset's mask asks for every band of the scene, an index for its own.
    clear = read(scene, grid, (), dilate_m=dilate_m)["usable"]
    return encode(compute(name, data.assign(usable=clear)).where(clear).values)


@pytest.mark.parametrize("name", [n for n in INDICES if n != "optram"])
@pytest.mark.parametrize("dilate_m", [0.0, 40.0])
def test_every_map_holds_what_its_index_says(
    scene: Scene, tmp_path: Path, name: str, dilate_m: float
) -> None:
    grid = find_grid(scene, tuple(LEVELS))
    made = map_scene(scene, [name], tmp_path, name="plot", grid=grid, dilate_m=dilate_m)
    found = read_cog(made.maps[name].path)
    np.testing.assert_array_equal(found.array, expected(scene, name, dilate_m=dilate_m))
    assert found.grid == grid
    assert made.maps[name].valid == np.count_nonzero(found.array != -32768) > 0


def test_all_indices_together_are_each_alone(scene: Scene, tmp_path: Path) -> None:
    together = map_scene(scene, list(INDICES), tmp_path / "all", name="plot")
    assert list(together.maps) == list(INDICES)
    for name, made in together.maps.items():
        alone = map_scene(
            scene, [name], tmp_path / name, name="plot", grid=together.grid
        )
        assert alone.maps[name].sha256 == made.sha256 == digest_file(made.path)


def test_a_small_scene_takes_optram_from_all_of_itself(
    scene: Scene, tmp_path: Path
) -> None:
    made = map_scene(scene, ["optram"], tmp_path, name="plot")
    found = read_cog(made.maps["optram"].path).array
    np.testing.assert_array_equal(found, expected(scene, "optram"))


def test_maps_are_cogs_with_items(scene: Scene, tmp_path: Path) -> None:
    made = map_scene(scene, ["ndvi"], tmp_path, name="plot").maps["ndvi"]
    assert cog_validate(made.path, strict=True)[0]
    item = json.loads(made.item.read_text())
    assert item["assets"]["data"]["file:checksum"] == f"1220{made.sha256}"
    assert item["properties"]["datetime"] == "2024-05-06T03:15:00Z"
    assert item["properties"]["agroforest:index"] == "ndvi"
    assert item["properties"]["agroforest:scenes"] == ["plot_20240506T031500"]


@pytest.mark.slow
def test_threads_change_nothing(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "wide_20240506",
        rows=1100,
        columns=2200,
        bands={"B8A": 3000, "B11": 1800, "B12": 900, "B04": 400},
    )
    scene = read_scene(folder).scene
    sums = {
        workers: {
            n: m.sha256
            for n, m in map_scene(
                scene,
                ["ndmi", "nbr", "crswir"],
                tmp_path / str(workers),
                name="wide",
                workers=workers,
                progress=None,
            ).maps.items()
        }
        for workers in (1, 3)
    }
    assert sums[1] == sums[3]


def test_progress_ends_at_the_last_block(scene: Scene, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    map_scene(
        scene,
        ["ndvi"],
        tmp_path,
        name="plot",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 1)]


def test_bands_under_cloud_are_not_read(tmp_path: Path) -> None:
    folder = make_folder(
        tmp_path / "20240506", rows=64, columns=64, bands={"B08": 3000, "B04": 400}
    )
    write(folder / "SCL.tif", np.full((64, 64), 9, np.uint8), 20)
    scene = read_scene(folder).scene
    spoil(folder / "B08.tif")
    made = map_scene(scene, ["ndvi"], tmp_path / "out", name="plot").maps["ndvi"]
    assert made.valid == 0
    assert (read_cog(made.path).array == -32768).all()


def spoil(path: Path) -> None:
    """Zero the pixels of a compressed file and keep its header."""
    with rasterio.open(path) as data:
        numbers, step = data.read(1), int(data.res[0])
    write(path, numbers, step, compress="deflate", tiled=True)
    with rasterio.open(path) as data:
        at = int(data.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", 1))
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(bytes(500))


@pytest.mark.parametrize("band", ["B04", "B08"])
def test_a_damaged_band_is_named_and_leaves_nothing_behind(
    tmp_path: Path, band: str
) -> None:
    folder = make_folder(
        tmp_path / "20240506", rows=300, columns=300, bands={"B08": 3000, "B04": 400}
    )
    spoil(folder / f"{band}.tif")
    scene = read_scene(folder).scene
    out = tmp_path / "out"
    with pytest.raises(DataError, match=rf"{band}\.tif"):
        map_scene(scene, ["ndvi"], out, name="plot", workers=2)
    assert list(out.iterdir()) == []


def test_an_unknown_index_is_refused_before_anything_is_read(
    scene: Scene, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="ndwi2"):
        map_scene(scene, ["ndwi2"], tmp_path / "out", name="plot")
    assert not (tmp_path / "out").exists()


def test_a_scene_of_several_products_needs_a_grid(scene: Scene, tmp_path: Path) -> None:
    first = scene.granules[0]
    both = build_scene((first, replace(first, id="second")))
    with pytest.raises(DataError, match="2 granules"):
        map_scene(both, ["ndvi"], tmp_path, name="plot")
    grid = find_grid(scene, ("B04",))
    made = map_scene(both, ["ndvi"], tmp_path, name="plot", grid=grid)
    np.testing.assert_array_equal(
        read_cog(made.maps["ndvi"].path).array, expected(scene, "ndvi")
    )


def test_the_grid_is_that_of_the_finest_band(scene: Scene) -> None:
    assert find_grid(scene, ("B11", "B04")).resolution == 10
    assert find_grid(scene, ("B11", "B8A")).resolution == 20


@pytest.mark.parametrize("side", [1, 512, 3000, 10_980])
def test_samples_are_spread_over_a_grid(scene: Scene, side: int) -> None:
    grid = find_grid(scene, ("B04",)).patch(width=side, height=side)
    blocks = list(sample_blocks(grid))
    assert 1 <= len(blocks) <= 9
    if side <= 3000:
        assert sum(b.grid.width * b.grid.height for b in blocks) == side * side
    else:
        assert max(b.row for b in blocks) > 0.7 * side
        assert max(b.column for b in blocks) > 0.7 * side
