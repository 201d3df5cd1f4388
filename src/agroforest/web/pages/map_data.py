"""What the map draws, as GeoJSON: exact, or in cells of the public grid, by role."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import Aoi, PlaceKind, read_aoi
from agroforest.core.errors import DataError
from agroforest.core.reading import Sensor
from agroforest.core.review import Case
from agroforest.desk.bureau import Bureau
from agroforest.publish.place import (
    CELLS_A_DEGREE,
    coarsen,
    coarsen_point,
    norm_outline,
)

Json = dict[str, Any]
#: ``(west, south, east, north)``, degrees.
Box = tuple[float, float, float, float]

_DIGITS = 6  # of a degree: a decimetre
#: Parcels drawn at most. Arbitrary; a page of five thousand is slow on a phone.
MOST_PARCELS = 2000
#: Degrees that the outline of a county may be off: some hundred metres.
_COUNTY_SLACK = 0.001
#: Points across a map; outlines are thinned to that. Arbitrary, a large screen.
_ACROSS = 2000
_WORLD: Box = (-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What lies under alerts: counties, areas and parcels of a desk, read once.

    Attributes
    ----------
    bureau
        Whose.
    """

    bureau: Bureau = field(repr=False)

    @cached_property
    def counties(self) -> Json:
        """Outlines of counties, thinned."""
        return collect(
            feature(
                shapely.simplify(county.geometry, _COUNTY_SLACK),
                zh=county.name_zh,
                en=county.name_en,
            )
            for county in self.bureau.counties
        )

    @cached_property
    def watched(self) -> tuple[BaseGeometry, ...]:
        """Area of each pipeline."""
        return tuple(area.area for area in self._areas)

    @cached_property
    def box(self) -> Box | None:
        """Around what is watched, else around counties; ``None`` without any."""
        shapes = list(self.watched) or [
            county.geometry for county in self.bureau.counties
        ]
        if not shapes:
            return None
        west, south, east, north = shapely.total_bounds(shapes).tolist()
        return (west, south, east, north)

    @cached_property
    def _areas(self) -> tuple[Aoi, ...]:
        named = (p.aoi for _, p in sorted(self.bureau.pipelines.items()))
        return tuple(read_aoi(path) for path in dict.fromkeys(named))

    def areas(self, *, exact: bool) -> Json:
        """Outlines of what is watched."""
        return collect(feature(show(area, exact=exact)) for area in self.watched)

    def parcels(self, advice: Mapping[str, Json], *, exact: bool) -> Json:
        """Outlines of parcels with tonight's light.

        Parameters
        ----------
        advice
            By id of a parcel; see `agroforest.nightly.water.report`.
        exact
            As they are.
        """
        places = (place for area in self._areas for place in area.places)
        shown = [p for p in places if p.kind is PlaceKind.PARCEL]
        return collect(
            feature(
                show(place.geometry, exact=exact),
                id=place.id,
                zh=place.name_zh,
                en=place.name_en,
                light=advice.get(place.id, {}).get("light", "grey"),
                said_zh=advice.get(place.id, {}).get("zh", ""),
                said_en=advice.get(place.id, {}).get("en", ""),
            )
            for place in shown[:MOST_PARCELS]
        )


def show(
    geometry: BaseGeometry, *, exact: bool, tolerance: float = 0.0
) -> BaseGeometry | None:
    """Outline as somebody may see it.

    Parameters
    ----------
    geometry
        WGS 84.
    exact
        As it is, thinned to `tolerance`; otherwise the cells that it enters.
    tolerance
        Degrees.

    Returns
    -------
    shapely geometry or None
        ``None`` for an outline that cannot be used.
    """
    try:
        outline = norm_outline(geometry, "map")
    except DataError:
        return None
    if outline.is_empty:
        return None
    if not exact:
        return coarsen(outline)
    if tolerance <= 0:
        return outline
    thin = shapely.simplify(outline, tolerance)
    return outline if thin.is_empty else thin


def show_case(case: Case, *, exact: bool, box: Box | None) -> BaseGeometry | None:
    """Outline of a case, as fine as a map of `box` can show."""
    tolerance = 0.0 if box is None else (box[2] - box[0]) / _ACROSS
    return show(case.geometry, exact=exact, tolerance=tolerance)


def show_sensors(sensors: Sequence[Sensor], *, exact: bool) -> Json:
    """Points of sensors that have a place."""
    found = []
    for sensor in sensors:
        if sensor.longitude is None or sensor.latitude is None:
            continue
        at = (sensor.longitude, sensor.latitude)
        if not all(map(math.isfinite, at)):
            continue
        point = shapely.Point(at if exact else coarsen_point(*at))
        name = sensor.name or sensor.id
        found.append(feature(point, id=sensor.id, name=name, fake=sensor.simulated))
    return collect(found)


def read_box(written: str, *, exact: bool) -> Box | None:
    """Read ``west,south,east,north``; ``None`` for what is no box.

    Without exact places the box grows to whole cells of the public grid: asking for
    ever smaller boxes tells no more of an alert than the cells that are shown.
    """
    try:
        west, south, east, north = (float(part) for part in written.split(","))
    except ValueError:
        return None
    if not all(map(math.isfinite, (west, south, east, north))):
        return None
    if not (west < east and south < north):
        return None
    if not exact:
        cells = CELLS_A_DEGREE
        west, south = (math.floor(d * cells) / cells for d in (west, south))
        east, north = (math.ceil(d * cells) / cells for d in (east, north))
    return (
        max(west, _WORLD[0]),
        max(south, _WORLD[1]),
        min(east, _WORLD[2]),
        min(north, _WORLD[3]),
    )


def feature(geometry: BaseGeometry | None, **properties: object) -> Json:
    """GeoJSON feature with coordinates to a decimetre."""
    drawn = None
    if geometry is not None:
        fine = shapely.transform(geometry, lambda c: c.round(_DIGITS))
        drawn = json.loads(shapely.to_geojson(fine))
    return {"type": "Feature", "geometry": drawn, "properties": properties}


def collect(features: Iterable[Json]) -> Json:
    """GeoJSON collection of features."""
    return {"type": "FeatureCollection", "features": list(features)}
