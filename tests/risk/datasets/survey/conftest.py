"""Composites of two years and surveys of them, small and on disk."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

CRS = "EPSG:32649"
LEFT, TOP = 500_000.0, 2_500_000.0

Composite = Callable[..., Path]


def lonlat(row: float, column: float, *, left: float = LEFT) -> tuple[float, float]:
    """Longitude and latitude of the centre of a pixel."""
    move = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = move.transform(left + (column + 0.5) * 10, TOP - (row + 0.5) * 10)
    return float(lon), float(lat)


def write_composite(
    path: Path, numbers: NDArray[np.uint16], *, left: float = LEFT, crs: str = CRS
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=numbers.shape[0],
        height=numbers.shape[1],
        width=numbers.shape[2],
        dtype="uint16",
        crs=crs,
        transform=Affine(10, 0, left, 0, -10, TOP),
    ) as data:
        data.write(numbers)


def write_csv(path: Path, rows: Sequence[Sequence[object]], *heads: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(heads or ("lon", "lat", "status", "date"))
        writer.writerows(rows)
    return path


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """One scene of 120 x 150 pixels in 2019 and 2020; a hole in 2020."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "composites"
    for year in ("2019", "2020"):
        numbers = rng.integers(100, 3000, (12, 120, 150)).astype(np.uint16)
        if year == "2020":
            numbers[4, 100:, :20] = 0
        write_composite(folder / year / "49QCE.tif", numbers)
    return folder
