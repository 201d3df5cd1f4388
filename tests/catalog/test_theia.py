"""Theia folders, from the real series to the local catalogue and back."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely

from agroforest import catalog
from agroforest.core.scene import MaskKind

AREA = shapely.box(5.34, 49.27, 5.36, 49.285)


@pytest.mark.data
def test_real_series_is_catalogued_once_and_found(
    data_dir: Path, tmp_path: Path
) -> None:
    scenes = data_dir / "s2_theia_t31ufq" / "scenes"
    local = catalog.LocalCatalog(tmp_path / "catalog")

    first = catalog.add_scenes([scenes], local)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    second = catalog.add_scenes([scenes], local)

    assert (first.added, first.known, first.refused) == (187, 0, ())
    assert (second.added, second.known, second.refused) == (0, 187, ())
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")} == before
    found = catalog.find(local, AREA, date(2018, 6, 1), date(2018, 6, 10))
    assert [scene.sensed for scene in found] == [
        datetime(2018, 6, 5, 10, 56, 54, 103000, tzinfo=UTC)
    ]
    granule = found[0].granules[0]
    assert granule.crs == "EPSG:32631"
    assert granule.place == "31UFQ"
    assert granule.mask_kind is MaskKind.CLM
    assert set(granule.bands) == {"B02", "B03", "B04", "B8A", "B11", "B12"}
    assert granule.bands["B02"].scale == 1e-4
    assert granule.bands["B02"].nodata == (-10_000, 0)
