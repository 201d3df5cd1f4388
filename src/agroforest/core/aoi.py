"""Areas of interest: what to watch, and the parcels and compartments inside."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import ConfigurationError
from agroforest.core.grid import WGS84
from agroforest.core.identity import digest
from agroforest.core.tangle import MOST_CORNERS, count_corners

#: Properties of a parcel that `agroforest.core.parcel` reads.
FARM = (
    *("crop", "sown", "perennial", "sand", "clay", "organic_matter"),
    *("field_capacity", "wilting_point", "flow_m3h", "efficiency", "method"),
    *("most_mm", "sensors"),
)
_Feature = tuple[Mapping[str, Any], BaseGeometry | None]
_FORMATS = (".geojson", ".json", ".gpkg", ".fgb", ".shp", ".kml")
# What a file of a format has near its start. GDAL looks at the content, not at the
# name, and some of its formats open other files and addresses that they name.
_MARKS = {
    ".gpkg": b"SQLite format 3\0",
    ".fgb": b"fgb",
    ".shp": b"\x00\x00\x27\x0a",
    ".kml": b"<kml",
}
_HEAD = 1024
#: Bytes of a GeoJSON: a million corners take 45 MB of it, and ten times that of
#: memory. Arbitrary.
_MOST_BYTES = 256 * 1024 * 1024
#: Degrees of longitude that one polygon may span; half the world. What was drawn
#: across the antimeridian and not cut there seems to span all of it.
_WIDEST = 180.0


class PlaceKind(StrEnum):
    """What a feature of an area of interest is."""

    BOUNDARY = "boundary"  #: the outline to watch; nobody's in particular
    PARCEL = "parcel"  #: a field of a farm
    COMPARTMENT = "compartment"  #: a forest stand, 小班


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A named piece of ground.

    Attributes
    ----------
    id
        Property ``id``, or a digest of the geometry.
    kind
        Property ``kind``; ``boundary`` unless given.
    name_zh, name_en
        Names in both languages; each falls back to the other, then to the id.
    cover
        Property ``crop`` or ``species``, free text, empty if absent.
    geometry
        Polygon or multipolygon, WGS84.
    farm
        What a parcel says of its crop, soil and irrigation, as written; see
        `agroforest.core.parcel.read_facts`.
    """

    id: str
    kind: PlaceKind
    name_zh: str
    name_en: str
    cover: str
    geometry: BaseGeometry = field(repr=False)
    farm: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Aoi:
    """An area of interest.

    Attributes
    ----------
    source
        File it was read from.
    area
        Union of the boundary features, or of all features if there is none.
    places
        Parcels and compartments, in file order.
    """

    source: Path
    area: BaseGeometry = field(repr=False)
    places: tuple[Place, ...]

    @property
    def forest(self) -> BaseGeometry:
        """Union of the compartments; empty if there is none."""
        stands = [p.geometry for p in self.places if p.kind == PlaceKind.COMPARTMENT]
        return shapely.union_all(stands)


def read_aoi(path: Path) -> Aoi:
    """Read an area of interest.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, FlatGeobuf, Shapefile or KML with polygons. Known
        properties are listed in ``aoi/README.md``.

    Raises
    ------
    ConfigurationError
        One line naming the file, the feature and the way out: not a vector
        file, no polygons, a polygon that crosses itself, coordinates that are
        not longitude and latitude (or swapped), a repeated id.
    """
    places = [_place(path, n, *pair) for n, pair in enumerate(read_features(path))]
    if not places:
        raise ConfigurationError(path, "holds no features", "add at least one polygon")
    _refuse_repeated(path, places)
    boundary = [p.geometry for p in places if p.kind == PlaceKind.BOUNDARY]
    area = shapely.union_all(boundary or [p.geometry for p in places])
    return Aoi(
        source=path,
        area=area,
        places=tuple(p for p in places if p.kind != PlaceKind.BOUNDARY),
    )


def read_features(path: Path) -> Iterator[_Feature]:
    """Read the properties and geometries of a vector file, in WGS84.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, FlatGeobuf, Shapefile or KML.

    Yields
    ------
    tuple of mapping and geometry
        In file order; the geometry may be None, of any kind, and invalid.

    Raises
    ------
    ConfigurationError
        One line naming the file and the way out: no such file, another format,
        damaged, without CRS.
    """
    if not path.is_file():
        raise ConfigurationError(path, "no such file", "give the path of an AOI file")
    if path.suffix.lower() not in _FORMATS:
        raise ConfigurationError(
            path, f"'{path.suffix}' is not an AOI format", f"use {', '.join(_FORMATS)}"
        )
    if path.suffix.lower() not in {".geojson", ".json"}:
        yield from _table_features(path)
        return
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ConfigurationError(
            path, f"has {size >> 20} MB", "simplify it, or save it as GeoPackage"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        features = list(document["features"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigurationError(
            path,
            f"not a GeoJSON FeatureCollection ({type(error).__name__}: {error})",
            "export it again as GeoJSON in WGS84",
        ) from error
    for number, feature in enumerate(features):
        try:
            drawn = feature["geometry"]
            geometry = None if drawn is None else shape(drawn)
            _refuse_unusable(geometry)
            yield dict(feature.get("properties") or {}), geometry
        except Exception as error:
            raise ConfigurationError(
                path,
                f"feature {number} has no readable geometry ({error})",
                "redraw it",
            ) from error


def _refuse_unusable(geometry: BaseGeometry | None) -> None:
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise ValueError("a coordinate is no number")
    corners = count_corners(geometry)
    if corners > MOST_CORNERS:
        raise ValueError(f"{corners} corners are more than {MOST_CORNERS}: simplify it")


def _table_features(path: Path) -> Iterator[_Feature]:
    import geopandas  # noqa: PLC0415  half a second, only for these formats

    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    suffix = path.suffix.lower()
    if _MARKS[suffix] not in head or b"<OGRVRT" in head:
        raise ConfigurationError(
            path, f"cannot be read as {suffix}", "open it in QGIS and export it again"
        )
    try:
        table = geopandas.read_file(path)
    except Exception as error:
        raise ConfigurationError(
            path, f"cannot be read ({error})", "open it in QGIS and export it again"
        ) from error
    if table.crs is None:
        raise ConfigurationError(path, "has no CRS", "assign its CRS and save it again")
    table = table.to_crs(WGS84)
    for number, row in enumerate(table.to_dict("records")):
        geometry = row.pop(table.geometry.name)
        try:
            _refuse_unusable(geometry)
        except ValueError as error:
            raise ConfigurationError(
                path, f"feature {number} cannot be used ({error})", "redraw it"
            ) from error
        yield {k: v for k, v in row.items() if v is not None}, geometry


def _place(
    path: Path,
    number: int,
    properties: Mapping[str, Any],
    geometry: BaseGeometry | None,
) -> Place:
    label = f"feature {number} ('{properties.get('id', properties.get('name', ''))}')"
    if geometry is None or geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        kind = "empty" if geometry is None else geometry.geom_type
        raise ConfigurationError(path, f"{label} is {kind}", "use polygons")
    geometry = shapely.force_2d(geometry)
    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        raise ConfigurationError(
            path, f"{label} is not a valid polygon: {reason}", "redraw it or repair it"
        )
    _refuse_bad_coordinates(path, label, geometry)
    try:
        kind = PlaceKind(str(properties.get("kind", PlaceKind.BOUNDARY)))
    except ValueError:
        raise ConfigurationError(
            path,
            f"{label} has kind '{properties['kind']}'",
            f"use one of {', '.join(PlaceKind)}",
        ) from None
    name = _text(properties, "name")
    place_id = _text(properties, "id") or digest(shapely.to_wkt(geometry), length=8)
    zh = _text(properties, "name_zh") or name or _text(properties, "name_en")
    en = _text(properties, "name_en") or name or zh
    return Place(
        id=place_id,
        kind=kind,
        name_zh=zh or place_id,
        name_en=en or place_id,
        cover=_text(properties, "crop") or _text(properties, "species"),
        geometry=geometry,
        farm={key: properties[key] for key in FARM if key in properties}
        if kind == PlaceKind.PARCEL
        else {},
    )


def _text(properties: Mapping[str, Any], key: str) -> str:
    value = properties.get(key)
    return "" if value is None else str(value).strip()


def _refuse_bad_coordinates(path: Path, label: str, geometry: BaseGeometry) -> None:
    west, south, east, north = geometry.bounds
    sides = shapely.bounds(shapely.get_parts(geometry))
    if (sides[:, 2] - sides[:, 0]).max(initial=0.0) > _WIDEST and east <= 180:
        raise ConfigurationError(
            path,
            f"{label} spans more than half the world, from {west:.6g} to {east:.6g}",
            "cut it where it crosses longitude 180 (RFC 7946, 3.1.9)",
        )
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return
    swapped = -180 <= south <= north <= 180 and -90 <= west <= east <= 90
    corner = f"first corner ({west:.6g}, {south:.6g})"
    if swapped:
        raise ConfigurationError(
            path,
            f"{label} has latitude and longitude swapped, {corner}",
            "write longitude first",
        )
    raise ConfigurationError(
        path,
        f"{label} is not in degrees, {corner}",
        "reproject it to WGS84 (EPSG:4326)",
    )


def _refuse_repeated(path: Path, places: list[Place]) -> None:
    seen: set[str] = set()
    for place in places:
        if place.id in seen:
            raise ConfigurationError(
                path, f"id '{place.id}' appears twice", "give every feature its own id"
            )
        seen.add(place.id)
