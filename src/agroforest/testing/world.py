"""The whole simulated world in one folder: scenes, area, pipeline, sensors, truth."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import PlaceKind
from agroforest.core.files import write_text
from agroforest.core.grid import WGS84, reproject
from agroforest.testing.events import Damage, Planted
from agroforest.testing.landscape import Landscape, build_landscape
from agroforest.testing.places import SPECIES, TILE_SIZE, District
from agroforest.testing.products import Delivered
from agroforest.testing.scenes import Troubles, write_scenes
from agroforest.testing.score import PlantedFault
from agroforest.testing.sensors import SensorInput, write_sensors
from agroforest.testing.sky import halve

NAME = "gaofeng-demo"
END = date(2024, 12, 31)
#: The history ends before anything is planted.
JUDGED_DAYS = 170

#: Called as ``progress(done, total, label)``.
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Where everything was written, and what was planted.

    Attributes
    ----------
    folder
        Of the world.
    scenes
        Folder whose folders are the products.
    aoi, pipeline
        Area of interest and pipeline definition.
    start, end
        First and last day of the scenes.
    judged_from
        First day after the history.
    planted
        Events, with the days on which they could be seen.
    delivered
        Every product.
    sensors
        Files of readings to import.
    faults
        What is wrong with them.
    forest_ha
        Hectares of compartments.
    """

    folder: Path
    scenes: Path
    aoi: Path
    pipeline: Path
    start: date
    end: date
    judged_from: date
    planted: tuple[Planted, ...]
    delivered: tuple[Delivered, ...] = field(repr=False)
    sensors: tuple[SensorInput, ...]
    faults: tuple[PlantedFault, ...] = field(repr=False)
    forest_ha: float

    @property
    def usable_days(self) -> tuple[date, ...]:
        """Days on which at least half the world is clear after masking."""
        days = {d.day for d in self.delivered if d.clear.mean() >= 0.5}
        strips = [d for d in self.delivered if d.trouble == "strip"]
        for day in {d.day for d in strips}:
            both = np.any([d.clear for d in strips if d.day == day], axis=0)
            if both.mean() >= 0.5:
                days.add(day)
        return tuple(sorted(days))


def build_world(
    folder: Path,
    *,
    seed: int = 49,
    size: int = 256,
    end: date = END,
    years: float = 2.5,
    more: bool = False,
    troubles: Troubles | None = None,
    progress: Progress | None = None,
) -> World:
    """Write the simulated world.

    Parameters
    ----------
    folder
        Gets ``scenes/``, ``aoi/``, ``pipelines/``, ``sensors/`` and
        ``planted.geojson``.
    seed
        Same seed, same files, byte for byte.
    size
        Pixels of 10 m on a side, a multiple of 4 from 40 on.
    end
        Last day.
    years
        Length of the series; at least 1.2, so that there is a history.
    more
        Whether more is planted; see `agroforest.testing.events.plant`.
    troubles
        What goes wrong with deliveries; everything, unless given.
    progress
        Called as ``progress(done, total, label)``, in days of the series.
    """
    if years < 1.2:
        raise ValueError(f"years {years}: a history needs at least 1.2")
    start = end - timedelta(round(years * 365.25))
    judged_from = end - timedelta(JUDGED_DAYS)
    landscape = build_landscape(seed=seed, size=size, start=start, end=end, more=more)
    aoi, pipeline = _write_settings(folder, landscape.district, start, judged_from)
    delivered = []
    for product in write_scenes(
        landscape, folder / "scenes", start=start, end=end, troubles=troubles
    ):
        delivered.append(product)
        if progress is not None:
            done, total = (product.day - start).days, (end - start).days
            progress(done, total, product.day.isoformat())
    planted = tuple(
        event.patch(clear_days=_clear_days(event, landscape, delivered))
        for event in landscape.planted
    )
    write_text(folder / "planted.geojson", planted_geojson(planted))
    sensors, faults = write_sensors(landscape, folder / "sensors", end=end)
    return World(
        folder=folder,
        scenes=folder / "scenes",
        aoi=aoi,
        pipeline=pipeline,
        start=start,
        end=end,
        judged_from=judged_from,
        planted=planted,
        delivered=tuple(delivered),
        sensors=sensors,
        faults=faults,
        forest_ha=_forest_ha(landscape.district),
    )


def aoi_geojson(district: District) -> str:
    """Write the area of interest as GeoJSON: boundary, compartments and parcels."""
    crs = district.grid.crs
    features = [
        _feature(
            district.boundary,
            crs,
            id="gaofeng-demo",
            kind=str(PlaceKind.BOUNDARY),
            name_zh="高峰示范区 · 模拟",
            name_en="Gaofeng demonstration area (simulated)",
            simulated=True,
        )
    ]
    for stand in district.stands:
        inside = stand.geometry.intersection(district.boundary)
        if inside.area < 0.5 * stand.geometry.area:
            continue
        word = "species" if stand.kind == PlaceKind.COMPARTMENT else "crop"
        features.append(
            _feature(
                inside,
                crs,
                id=stand.id,
                kind=str(stand.kind),
                name_zh=stand.name_zh,
                name_en=stand.name_en,
                simulated=True,
                **{word: SPECIES[stand.cover]},
            )
        )
    return _collection(features)


def pipeline_toml(*, start: date, judged_from: date) -> str:
    """Write the pipeline definition of the demonstration."""
    last = judged_from - timedelta(1)
    return f"""\
# A night over the simulated district north of Nanning. No satellite ever took
# these images: `agroforest demo` writes them.
name = "{NAME}"
aoi = "../aoi/{NAME}.geojson"
simulated = true
indices = ["ndvi", "ndmi", "crswir", "nbr"]

[grid]
resolution = 10
tile_size = {TILE_SIZE:.0f}

[scenes]
catalog = "local"
max_cloud_cover = 80
lookback_days = 10

[mask]
scl_classes = [4, 5, 6, 7]
dilate_m = 40

[baseline]
start = {start.isoformat()}
end = {last.isoformat()}
min_clear = 10

[risk]
model = "canopy-stress"
forest = "compartments"

[alerts]
min_area_ha = 0.1
min_pixels = 4

[sensors]
days = 120

[map]
title_zh = "高峰林场与周边农田 · 模拟"
title_en = "Gaofeng forest farm and its fields (simulated)"
indices = ["ndvi", "ndmi", "crswir"]
nights = 12
attribution = ["模拟影像 · simulated images"]
"""


def planted_geojson(planted: Sequence[Planted]) -> str:
    """Tell people and other programs what was planted."""
    return _collection(
        [
            _feature(
                event.geometry,
                WGS84,
                id=event.id,
                kind=str(event.kind),
                name_zh=event.name_zh,
                name_en=event.name_en,
                start=event.start.isoformat(),
                end=event.end.isoformat() if event.end else None,
                area_ha=round(event.area_ha, 2),
                simulated=True,
            )
            for event in planted
        ]
    )


def _write_settings(
    folder: Path, district: District, start: date, judged_from: date
) -> tuple[Path, Path]:
    aoi = folder / "aoi" / f"{NAME}.geojson"
    pipeline = folder / "pipelines" / f"{NAME}.toml"
    write_text(aoi, aoi_geojson(district))
    write_text(pipeline, pipeline_toml(start=start, judged_from=judged_from))
    return aoi, pipeline


def _clear_days(
    event: Planted, landscape: Landscape, delivered: Sequence[Delivered]
) -> tuple[date, ...]:
    inside = halve(_area(event, landscape).astype(np.float32)) > 0.4
    if not inside.any():
        return ()
    seen: dict[date, np.ndarray] = {}
    for product in delivered:
        if product.day >= event.start:
            before = seen.get(product.day, np.zeros_like(inside))
            seen[product.day] = before | product.clear
    return tuple(day for day, clear in seen.items() if clear[inside].mean() >= 0.5)


def _area(event: Planted, landscape: Landscape) -> np.ndarray:
    damage: Damage
    for damage in landscape.damages:
        if damage.planted.id == event.id:
            return np.isfinite(damage.onset)
    return landscape.district.grid.contains(event.ground)


def _forest_ha(district: District) -> float:
    stands = [
        s.geometry.intersection(district.boundary).area
        for s in district.stands
        if s.kind == PlaceKind.COMPARTMENT
    ]
    return sum(stands) / 10_000.0


def _feature(geometry: BaseGeometry, crs: str, **properties: object) -> str:
    lonlat = reproject(geometry, crs, WGS84)
    outline = shapely.transform(lonlat, lambda xy: np.round(xy, 6))
    feature = {
        "type": "Feature",
        "properties": properties,
        "geometry": shapely.geometry.mapping(outline),
    }
    return json.dumps(feature, ensure_ascii=False)


def _collection(features: Sequence[str]) -> str:
    body = ",\n".join(features)
    return f'{{"type": "FeatureCollection", "features": [\n{body}\n]}}\n'
