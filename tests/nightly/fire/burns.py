"""Catalogued images of the made-up forest of `tests.fire.scars`, with a burn or not."""

from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from tests.fire import scars

from agroforest.catalog import LocalCatalog, add_scenes
from agroforest.core.config import Pipeline
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.nightly.fire.scars import BurnedPlace, ScarOutcome, map_scar
from agroforest.testing.products import FINE, Product, write_product

_N = TypeVar("_N", bound=np.generic)

GRID = Grid(
    crs=scars.CRS,
    left=scars.LEFT,
    top=scars.TOP,
    resolution=10,
    width=2 * scars.SIDE,
    height=2 * scars.SIDE,
)
#: First and last day of hotspots.
FIRST, LAST = date(2024, 3, 8), date(2024, 3, 10)
#: Days of images: before, and after.
BEFORE, AFTER, LATER = date(2024, 3, 1), date(2024, 3, 16), date(2024, 3, 31)
NIGHT = date(2024, 4, 1)
BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
PIPELINE = Pipeline.model_validate(
    {
        "name": "fires",
        "aoi": "aoi.geojson",
        "simulated": True,
        "hazards": ["fire"],
        "fire": {"hotspots": ["*.csv"]},
        "scenes": {"max_cloud_cover": 90, "lookback_days": 5},
    }
)


def outline(
    place: tuple[slice, slice], *, grow: float = 0, zoom: int = 1
) -> BaseGeometry:
    """Some pixels of the drawing, in WGS 84, and so many metres more around them."""
    rows, columns = place
    side = scars.PIXEL * zoom
    box = shapely.box(
        scars.LEFT + side * columns.start - grow,
        scars.TOP - side * rows.stop - grow,
        scars.LEFT + side * columns.stop + grow,
        scars.TOP - side * rows.start + grow,
    )
    return reproject(box, scars.CRS, WGS84)


PLACE = BurnedPlace(alert="f1", outline=outline(scars.BURN), first=FIRST, last=LAST)
FELLED = BurnedPlace(alert="f2", outline=outline(scars.CUT), first=FIRST, last=LAST)


class Archive:
    """A folder of images and its catalogue.

    Parameters
    ----------
    folder
        Where.
    zoom
        Pixels of 20 m on a side of a drawn one.
    """

    def __init__(self, folder: Path, *, zoom: int = 1) -> None:
        self.folder = folder
        self.zoom = zoom
        self.catalog = LocalCatalog(folder / "catalog")

    def add(
        self,
        day: date,
        *,
        burned: bool = False,
        cut: bool = False,
        clouded: tuple[slice, slice] | None = None,
        bands: tuple[str, ...] = BANDS,
        damaged: bool = False,
    ) -> Path:
        """Catalogue an image; a damaged one was whole when it was catalogued."""
        drawn = dict(zip(scars.BANDS, scars.draw(burned=burned, cut=cut), strict=True))
        drawn["B11"] = drawn["B12"]
        classes = np.full((scars.SIDE, scars.SIDE), 4, np.uint8)
        classes[scars.CLOUD] = 9
        if burned:
            classes[scars.BURN] = 2  # what the classification makes of fresh char
        if clouded is not None:
            classes[clouded] = 9
        zoom = self.zoom
        measured = {
            name: _magnify(drawn[name], 2 * zoom if name in FINE else zoom)
            for name in bands
        }
        grid = GRID.patch(width=GRID.width * zoom, height=GRID.height * zoom)
        folder = self.folder / "scenes"
        scl = _magnify(classes, zoom)
        made = write_product(grid, folder, Product(day=day), measured, scl)
        add_scenes([made.folder], self.catalog)
        if damaged:
            path = made.folder / "B12.tif"
            path.write_bytes(path.read_bytes()[:4000])
        return made.folder

    def map(
        self,
        out: Path,
        place: BurnedPlace = PLACE,
        *,
        night: date = NIGHT,
        redo: bool = False,
    ) -> ScarOutcome:
        """Map the scars of a place."""
        return map_scar(
            place,
            catalog=self.catalog,
            pipeline=PIPELINE,
            night=night,
            out=out,
            redo=redo,
        )


def _magnify(pixels: NDArray[_N], times: int) -> NDArray[_N]:
    return pixels.repeat(times, 0).repeat(times, 1)
