"""Input that a night cannot work on is named before anything is done."""

import json
from datetime import date
from pathlib import Path

import pytest
import shapely
from shapely.geometry import mapping
from tests.nightly.test_plan import granule

from agroforest.catalog import LocalCatalog
from agroforest.core.config import BaselineSection, Pipeline, read_pipeline
from agroforest.core.errors import AgroforestError, ConfigurationError, NoInputError
from agroforest.nightly import run_nights
from agroforest.nightly.forest import forest_digest

FRANCE = shapely.box(5.34, 49.27, 5.36, 49.29)
NIGHT = date(2024, 6, 20)


def attempt(folder: Path, area: shapely.Polygon, **risk: str) -> None:
    """Run a night over `area`, with one catalogued scene in France."""
    place = granule(NIGHT).patch(footprint=FRANCE, crs="EPSG:32631")
    LocalCatalog(folder / "work" / "catalog").add([place])
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(area)}
    document = {"type": "FeatureCollection", "features": [feature]}
    (folder / "a.geojson").write_text(json.dumps(document))
    settings = "".join(f"{k} = {json.dumps(v)}\n" for k, v in risk.items())
    (folder / "p.toml").write_text(
        'name = "p"\naoi = "a.geojson"\n[baseline]\nstart = 2022-06-01\n'
        f"end = 2024-05-31\n[risk]\n{settings}"
    )
    pipeline = read_pipeline(folder / "p.toml")
    list(run_nights(pipeline, [NIGHT], work=folder / "work", dry_run=True))


def test_a_good_area_is_planned(tmp_path: Path) -> None:
    attempt(tmp_path, FRANCE, forest="everywhere")


SWAPPED = shapely.box(49.27, 5.34, 49.29, 5.36)
ELSEWHERE = shapely.box(30.0, 10.0, 30.1, 10.1)


@pytest.mark.parametrize(
    ("area", "forest", "kind", "words"),
    [
        (SWAPPED, "everywhere", ConfigurationError, "longitude first"),
        (ELSEWHERE, "everywhere", NoInputError, "agroforest scenes add"),
        (FRANCE, "compartments", ConfigurationError, "kind 'compartment'"),
        (FRANCE, "mask.tif", ConfigurationError, "no such forest raster"),
    ],
)
def test_bad_areas_are_one_line(
    tmp_path: Path,
    area: shapely.Polygon,
    forest: str,
    kind: type[AgroforestError],
    words: str,
) -> None:
    with pytest.raises(kind, match=words) as caught:
        attempt(tmp_path, area, forest=forest)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_forest_raster_counts_by_its_content(tmp_path: Path) -> None:
    pipeline = Pipeline(
        name="p",
        aoi=tmp_path / "a.geojson",
        baseline=BaselineSection(start=date(2022, 6, 1), end=date(2024, 5, 31)),
    )

    def digest_at(path: Path) -> str:
        risk = pipeline.risk.model_copy(update={"forest": path})
        return forest_digest(pipeline.model_copy(update={"risk": risk}), None)

    one, same, other = (tmp_path / name for name in ("a.tif", "b.tif", "c.tif"))
    one.write_bytes(b"forest")
    same.write_bytes(b"forest")
    other.write_bytes(b"field")
    assert digest_at(one) == digest_at(same) == digest_at(tmp_path / "." / "a.tif")
    assert digest_at(one) != digest_at(other)
