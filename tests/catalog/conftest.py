"""Small real rasters and granules for the catalogue's tests."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from agroforest.core.scene import Asset, Granule, MaskKind

MakeRaster = Callable[..., Path]
MakeGranule = Callable[..., Granule]


@pytest.fixture
def make_raster() -> MakeRaster:
    """Write a raster of 12 x 12 pixels (or as asked), format by ending."""

    def make(
        path: Path,
        *,
        crs: str | None = "EPSG:32649",
        left: float = 300_000.0,
        top: float = 2_500_020.0,
        resolution: float = 10.0,
        size: int = 12,
        dtype: str = "uint16",
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        jpeg = path.suffix.lower() == ".jp2"
        options: dict[str, Any] = (
            {"driver": "JP2OpenJPEG", "QUALITY": 100, "REVERSIBLE": "YES"}
            if jpeg
            else {"driver": "GTiff"}
        )
        values = np.arange(1, size * size + 1).reshape(size, size).astype(dtype)
        with rasterio.open(
            path,
            "w",
            width=size,
            height=size,
            count=1,
            dtype=dtype,
            crs=crs,
            transform=Affine(resolution, 0, left, 0, -resolution, top),
            **options,
        ) as target:
            target.write(values, 1)
        return path

    return make


@pytest.fixture
def make_granule() -> MakeGranule:
    """Granule in the middle of Guangxi, fields changed as asked."""

    def make(**changes: object) -> Granule:
        granule = Granule(
            id="A",
            collection="sentinel-2-l2a",
            platform="sentinel-2a",
            place="49QBF",
            sensed=datetime(2024, 3, 1, 3, 5, 41, tzinfo=UTC),
            baseline="05.10",
            crs="EPSG:32649",
            footprint=shapely.box(108.0, 23.0, 109.0, 24.0),
            bands={
                "B04": Asset(href="/data/B04.tif", scale=1e-4, resolution=10.0),
            },
            mask=Asset(href="/data/SCL.tif", resolution=20.0),
            mask_kind=MaskKind.SCL,
        )
        return granule.patch(**changes)

    return make
