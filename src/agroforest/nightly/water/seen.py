"""What satellites saw of the parcels: means of the nights' own index maps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from agroforest.core.files import write_text
from agroforest.core.grid import WGS84
from agroforest.core.identity import digest
from agroforest.core.risk import epoch_day
from agroforest.nightly.water.fields import FarmField
from agroforest.products.zonal.outlines import place
from agroforest.products.zonal.pixels import measure
from agroforest.products.zonal.rasters import opened_raster
from agroforest.sensors import Series

#: Share of a parcel that must be clear for its mean to stand for it. Arbitrary.
LEAST_CLEAR = 0.5
#: Days for which a canopy that was seen still stands for itself. Arbitrary: three
#: passes of Sentinel-2, in which a young crop grows by less than the relation errs.
CANOPY_DAYS = 15
#: Images from which a parcel's own driest and wettest NDMI are told, and the
#: quantiles that stand for them. Arbitrary.
_LEAST_IMAGES = 8
_ENDS = (0.05, 0.95)
_DAMAGE = (OSError, ValueError, KeyError, TypeError)

#: By parcel id and day since 1970-01-01.
ByParcel = Mapping[str, Mapping[int, float]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Seen:
    """What was seen up to a night.

    Attributes
    ----------
    ndvi
        Mean of each parcel that was clear enough.
    wetness
        0 at the driest, 1 at the wettest.
    order
        What tells wetter dates of a parcel from drier ones, on any scale; ``None``
        where nobody looked.
    """

    ndvi: ByParcel = field(default_factory=dict)
    wetness: ByParcel = field(default_factory=dict)
    order: ByParcel | None = None

    def find_ndvi(self, parcel: str, day: int) -> float | None:
        """Find the newest NDVI up to a day, if it is fresh enough."""
        known = self.ndvi.get(parcel, {})
        near = [one for one in known if day - CANOPY_DAYS < one <= day]
        return known[max(near)] if near else None

    def find_wetness(self, parcel: str, day: int) -> float | None:
        """Find the wetness seen on a day itself."""
        return self.wetness.get(parcel, {}).get(day)


def follow_probes(
    order: ByParcel, fields: Sequence[FarmField], offset: timedelta
) -> dict[str, Series]:
    """Find the wetness seen where each probe stands, at the noon of each clear date.

    Parameters
    ----------
    order
        See `Seen`.
    fields
        Whose probes. One of several parcels goes by the first.
    offset
        Of local time.
    """
    noon = 43_200.0 - offset.total_seconds()
    found: dict[str, Series] = {}
    for one in fields:
        known = sorted(order.get(one.id, {}).items())
        series = Series(
            time=np.array([86_400.0 * day + noon for day, _ in known]),
            value=np.array([value for _, value in known], dtype=np.float64),
        )
        for sensor in one.sensors:
            found.setdefault(sensor, series)
    return found


class SeenDesk:
    """Measures index maps under parcels, each map once.

    Parameters
    ----------
    maps
        Folder of the nights' index maps.
    kept
        Folder in which the means are kept.
    """

    def __init__(self, maps: Path, kept: Path) -> None:
        self._maps, self._kept = maps, kept

    def find_maps(self, name: str, night: date) -> list[tuple[date, Path]]:
        """Find the maps of an index up to a night, by day."""
        found = []
        for path in self._maps.glob(f"*/*_{name}.tif"):
            day = _date(path, name)
            if day is not None and day <= night:
                found.append((day, path))
        return sorted(found)

    def look(self, name: str, fields: Sequence[FarmField], night: date) -> ByParcel:
        """Find the means of an index under the parcels.

        Raises
        ------
        DataError
            A map is damaged.
        """
        shapes = np.array([one.place.geometry for one in fields], dtype=object)
        outlines = digest(*(shapely.to_wkb(shape, hex=True) for shape in shapes))
        sums: dict[tuple[str, int], NDArray[np.float64]] = {}
        for day, path in self.find_maps(name, night):
            for parcel, figures in self._means(path, fields, shapes, outlines).items():
                key = (parcel, epoch_day(day))
                sums[key] = sums.get(key, np.zeros(3)) + figures
        found: dict[str, dict[int, float]] = {}
        for (parcel, number), (total, count, pixels) in sorted(sums.items()):
            if count > 0 and count >= LEAST_CLEAR * pixels:
                found.setdefault(parcel, {})[number] = float(total / count)
        return found

    def _means(
        self,
        path: Path,
        fields: Sequence[FarmField],
        shapes: NDArray[np.object_],
        outlines: str,
    ) -> dict[str, NDArray[np.float64]]:
        """By parcel that the map meets: sum of values, clear pixels, all pixels."""
        stat = path.stat()
        key = digest(outlines, stat.st_size, stat.st_mtime_ns)
        kept = self._kept / f"{path.stem}.json"
        known = _read_kept(kept, key)
        if known is None:
            known = _measure(path, fields, shapes)
            write_text(kept, json.dumps({"key": key, "means": known}))
        return {parcel: np.array(figures) for parcel, figures in known.items()}


def scale_ndmi(ndmi: ByParcel) -> ByParcel:
    """Scale NDMI to the wetness between a parcel's own driest and wettest.

    Each image is judged by those up to its own day, so that what was said of it
    stays.
    """
    found: dict[str, dict[int, float]] = {}
    for parcel, values in ndmi.items():
        days = sorted(values)
        for number, day in enumerate(days, start=1):
            if number < _LEAST_IMAGES:
                continue
            low, high = np.quantile([values[d] for d in days[:number]], _ENDS)
            if high > low:
                share = float(np.clip((values[day] - low) / (high - low), 0.0, 1.0))
                found.setdefault(parcel, {})[day] = share
    return found


def _measure(
    path: Path, fields: Sequence[FarmField], shapes: NDArray[np.object_]
) -> dict[str, list[float]]:
    with opened_raster(path) as raster:
        polygons = place(
            shapes, pyproj.CRS(WGS84), pyproj.CRS.from_user_input(raster.grid.crs)
        )
        (figures,) = measure([raster], polygons)
        box = shapely.box(*raster.grid.bounds)
        inside = shapely.area(shapely.intersection(polygons, box))
    found = {}
    for number, one in enumerate(fields):
        count = float(np.nan_to_num(figures["count"][number]))
        pixels = float(inside[number]) / raster.grid.resolution**2
        if pixels > 0:
            mean = float(np.nan_to_num(figures["mean"][number]))
            found[one.id] = [mean * count, count, pixels]
    return found


def _read_kept(path: Path, key: str) -> dict[str, Any] | None:
    """Read means; those that are missing, damaged or of another map are none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["key"] != key:
            return None
        means: dict[str, Any] = document["means"]
    except _DAMAGE:
        return None
    return means


def _date(path: Path, name: str) -> date | None:
    """Day of a map by its name, ``TILE_2024-03-05_ndvi.tif``."""
    written = path.stem.removesuffix(f"_{name}").rsplit("_", 1)[-1]
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None
