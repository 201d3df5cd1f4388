"""Small rasters and the scenes made of them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import ArrayLike

from agroforest.core.grid import Grid
from agroforest.core.scene import Asset, Granule, MaskKind

SENSED = datetime(2024, 5, 6, 3, 7, 8, tzinfo=UTC)
# Forty pixels of 10 m in UTM zone 49N, and the same ground in pixels of 20 m.
TEN = Grid(
    crs="EPSG:32649", left=500_000, top=2_500_000, resolution=10, width=40, height=40
)
TWENTY = TEN.at_resolution(20)

MakeAsset = Callable[..., Asset]
MakeGranule = Callable[..., Granule]


@pytest.fixture(scope="session")
def make_asset(tmp_path_factory: pytest.TempPathFactory) -> MakeAsset:
    """Write an array as a file and describe it; keywords go to `Asset`."""

    def make(
        name: str,
        array: ArrayLike,
        grid: Grid,
        *,
        driver: str = "GTiff",
        options: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Asset:
        values = np.asarray(array)
        folder = tmp_path_factory.mktemp("asset")
        path = folder / (f"{name}.jp2" if driver == "JP2OpenJPEG" else f"{name}.tif")
        with rasterio.open(
            path,
            "w",
            driver=driver,
            dtype=values.dtype,
            count=1,
            height=grid.height,
            width=grid.width,
            crs=grid.crs,
            transform=grid.transform,
            **(options or {}),
        ) as data:
            data.write(values, 1)
        return Asset(href=str(path), resolution=grid.resolution, **fields)

    return make


@pytest.fixture(scope="session")
def make_granule(make_asset: MakeAsset) -> MakeGranule:
    """A granule of bands (arrays or assets) on one grid; SCL 4 unless given."""

    def make(
        name: str = "granule",
        *,
        bands: Mapping[str, Asset],
        mask: Asset | None = None,
        mask_kind: MaskKind = MaskKind.SCL,
        crs: str = TEN.crs,
    ) -> Granule:
        if mask is None:
            mask = make_asset(f"{name}-scl", np.full(TWENTY.shape, 4, np.uint8), TWENTY)
        return Granule(
            id=name,
            collection="sentinel-2-l2a",
            platform="sentinel-2a",
            place="49QCE",
            sensed=SENSED,
            baseline="05.09",
            crs=crs,
            footprint=shapely.box(110.9, 22.5, 111.1, 22.7),
            bands=bands,
            mask=mask,
            mask_kind=mask_kind,
        )

    return make
