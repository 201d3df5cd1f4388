"""A simulated forest of ten bands over two autumns, and of ten years of Landsat."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.alert import Alert, AlertStatus
from agroforest.core.config import Pipeline, read_pipeline
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.risk import Hazard
from agroforest.nightly import NightOutcome, run_nights
from agroforest.nightly.workplace import Workplace
from agroforest.store import Store, open_store
from agroforest.testing.landsat import write_landsat
from agroforest.testing.products import FINE, Product, write_product
from agroforest.testing.sky import halve

YEAR = 2020
#: First night on which the season of `YEAR` is over and waited for.
NIGHT = date(YEAR, 10, 26)
GRID = Grid(
    crs="EPSG:32649", left=304_000, top=2_496_020, resolution=10, width=96, height=96
)
#: Where the canopy died before the autumn of `YEAR`, rows and columns of 10 m.
DEAD = slice(24, 54), slice(30, 60)
#: Two compartments: west of this column, and east of it.
BORDER = 66
DAYS = ((8, 20), (9, 9), (9, 29))

# Spruce, and the same stand dead and cleared: orders of magnitude, rounded, of
# what canopy-damage learned from.
_HEALTHY = {
    "B02": 0.020, "B03": 0.030, "B04": 0.020, "B05": 0.045, "B06": 0.125,
    "B07": 0.150, "B08": 0.155, "B8A": 0.165, "B11": 0.070, "B12": 0.035,
}  # fmt: skip
_DAMAGED = {
    "B02": 0.045, "B03": 0.065, "B04": 0.090, "B05": 0.125, "B06": 0.170,
    "B07": 0.200, "B08": 0.215, "B8A": 0.235, "B11": 0.255, "B12": 0.160,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Forest:
    """A work folder over the simulated forest."""

    work: Path
    settings: Path

    @property
    def pipeline(self) -> Pipeline:
        return read_pipeline(self.settings)

    @property
    def place(self) -> Workplace:
        return Workplace(root=self.work, pipeline=self.pipeline.name)

    def run(self, *nights: date) -> list[NightOutcome]:
        return list(run_nights(self.pipeline, nights or [NIGHT], work=self.work))

    def store(self) -> Store:
        return open_store(self.place.database)

    def add(self, folder: Path) -> None:
        add_scenes([folder], LocalCatalog(self.place.catalog))

    def alert(
        self, name: str, rows: slice, columns: slice, *, since: date | None = None
    ) -> Alert:
        """Record an alert of the night before on some pixels."""
        outline = shapely.box(
            GRID.left + 10 * columns.start,
            GRID.top - 10 * rows.stop,
            GRID.left + 10 * columns.stop,
            GRID.top - 10 * rows.start,
        )
        night = NIGHT - timedelta(days=3)
        sign = since or date(YEAR, 9, 1)
        alert = Alert(
            id=name,
            pipeline=self.pipeline.name,
            hazard=Hazard.CANOPY_LOSS,
            model="rule-based",
            status=AlertStatus.OPEN,
            geometry=reproject(outline, GRID.crs, WGS84),
            area_ha=outline.area / 10_000,
            reported_area_ha=outline.area / 10_000,
            probability=0.9,
            first_night=night,
            last_night=night,
            since=sign,
            evidence=night,
            changed=night,
        )
        with self.store() as store:
            store.record_night(alerts=[alert])
        return alert


def write_settings(folder: Path, *, yearly: str = "[yearly]") -> Path:
    """Area and pipeline; returns the path of the pipeline."""
    left, bottom, right, top = GRID.bounds
    middle = left + 10 * BORDER
    stands = {"west": (left, middle), "east": (middle, right)}
    features = [
        {
            "type": "Feature",
            "properties": {
                "kind": "compartment",
                "id": name,
                "name_zh": {"west": "西小班", "east": "东小班"}[name],
                "name_en": name.title(),
            },
            "geometry": shapely.geometry.mapping(
                reproject(shapely.box(a, bottom, b, top), GRID.crs, WGS84)
            ),
        }
        for name, (a, b) in stands.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    document = {"type": "FeatureCollection", "features": features}
    (folder / "forest.geojson").write_text(json.dumps(document))
    path = folder / "forest.toml"
    path.write_text(
        f"""
name = "forest"
aoi = "forest.geojson"
simulated = true
indices = ["ndvi"]
map = {{ indices = ["ndvi"] }}
baseline = {{ start = 2018-01-01, end = 2018-12-31 }}
risk = {{ model = "rule" }}
{yearly}
"""
    )
    return path


def write_autumn(
    folder: Path,
    year: int,
    *,
    dead: bool = False,
    bands: Sequence[str] = tuple(_HEALTHY),
    days: Sequence[tuple[int, int]] = DAYS,
) -> None:
    """Sentinel-2 scenes of a season, a moving third of each under cloud."""
    for number, (month, day) in enumerate(days):
        at = date(year, month, day)
        shown = _measure(at, GRID.shape, DEAD if dead else None, bands)
        half = GRID.height // 2, GRID.width // 2
        scl = np.full(half, 4, np.uint8)
        scl[16 * number : 16 * number + 16] = 9
        measured = {b: v if b in FINE else halve(v) for b, v in shown.items()}
        write_product(GRID, folder, Product(day=at), measured, scl)


def write_decade(
    folder: Path, *, last: int = YEAR, missing: Sequence[int] = ()
) -> None:
    """Landsat of ten autumns; what is dead was felled before the last."""
    # Pixels of Landsat lie half a pixel off multiples of 30 m.
    grid = GRID.patch(
        left=GRID.left - 45, top=GRID.top + 45, resolution=30, width=36, height=36
    )
    rows, columns = (
        slice(round((part.start * 10 + 45) / 30), round((part.stop * 10 + 45) / 30))
        for part in DEAD
    )
    names = ("B02", "B03", "B04", "B8A", "B11", "B12")
    for year in range(last - 9, last + 1):
        if year not in missing:
            at = date(year, 9, 12)
            dead = (rows, columns) if year == last else None
            write_landsat(grid, folder, at, _measure(at, grid.shape, dead, names))


def _measure(
    day: date,
    shape: tuple[int, int],
    dead: tuple[slice, slice] | None,
    bands: Sequence[str],
) -> Mapping[str, NDArray[np.float32]]:
    rng = np.random.default_rng(day.toordinal())
    texture = np.random.default_rng(7).normal(1, 0.06, shape)
    shown = {}
    for band in bands:
        values = np.full(shape, _HEALTHY[band])
        if dead is not None:
            values[dead] = _DAMAGED[band]
        noise = rng.normal(1, 0.03, shape)
        shown[band] = (values * texture * noise).astype(np.float32)
    return shown
