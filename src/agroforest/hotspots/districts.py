"""Districts: which county, town or other named polygon a place lies in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import read_features
from agroforest.core.errors import ConfigurationError, DataError
from agroforest.core.gcj02 import from_gcj02
from agroforest.core.tangle import mend_drawn
from agroforest.hotspots.datum import Datum, Verdict, judge_datum
from agroforest.hotspots.detections import index_places

# Properties that hold the name or code of a unit, best first. A county's file names
# its prefecture and province, too: the narrowest unit comes first.
_UNITS = ("town", "township", "xiang", "district", "county", "city", "prefecture")
_ZH = ("name_zh", "XZQMC", "乡镇", "县", "名称", "NL_NAME_3", "NL_NAME_2")
_EN = ("name_en", "ENG_NAME", "NAME_EN", "pinyin", "shapeName", "NAME_3", "NAME_2")
_PLAIN = ("name", "NAME", "Name")
_CODES = ("adcode", "code", "XZQDM", "gb", "PAC", "id", "shapeID", "GID_3", "GID_2")


@dataclass(frozen=True, kw_only=True, slots=True)
class District:
    """A named polygon.

    Attributes
    ----------
    code
        Administrative code or id; empty if the file has none.
    name_zh, name_en
        Names; each falls back to the other, then to the code.
    geometry
        Valid polygon or multipolygon, WGS 84.
    """

    code: str
    name_zh: str
    name_en: str
    geometry: BaseGeometry = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Districts:
    """A layer of named polygons.

    Attributes
    ----------
    source
        File it was read from.
    districts
        In file order.
    verdict
        What its coordinates were found to be.
    corrected
        Whether the shift of GCJ-02 was undone.
    """

    source: Path
    districts: tuple[District, ...]
    verdict: Verdict
    corrected: bool

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.districts)

    def locate(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        """Find the district of each place.

        Parameters
        ----------
        longitude, latitude
            ``(n,)`` float64, degrees, WGS 84.

        Returns
        -------
        ndarray of int64
            ``(n,)``: place in `districts`, -1 outside all of them. On a border, or
            where polygons overlap, the first in file order.
        """
        found = np.full(len(longitude), len(self), dtype=np.int64)
        tree = index_places(longitude, latitude)
        shapes = np.array([d.geometry for d in self.districts], dtype=object)
        district, place = tree.query(shapes, predicate="intersects")
        np.minimum.at(found, place, district)
        return np.where(found == len(self), -1, found)


def read_districts(
    path: Path, *, datum: Datum | None = None, reference: Path | None = None
) -> Districts:
    """Read a layer of administrative or other named polygons.

    Parameters
    ----------
    path
        GeoJSON, GeoPackage, FlatGeobuf, Shapefile or KML; features without a polygon
        are passed over, polygons that cross themselves repaired.
    datum
        What its coordinates are: WGS84 takes them as they are, GCJ02 undoes the shift.
        Unless given, a file that seems to be in GCJ-02 is refused.
    reference
        A layer known to be in WGS 84; see `datum.judge_datum`.

    Raises
    ------
    ConfigurationError
        The file cannot be used, or it contradicts the reference.
    DataError
        Its coordinates are shifted and nobody said that this be undone.
    """
    pairs = _read_polygons(path)
    known = [g for _, g in _read_polygons(reference)] if reference is not None else []
    verdict = judge_datum(
        [geometry for _, geometry in pairs],
        reference=known,
        name=f"{path.name} {_layer_name(path)}",
        properties=[properties for properties, _ in pairs],
    )
    corrected = _settle(path, datum, verdict)
    districts = [
        _name(properties, _undo(geometry) if corrected else geometry)
        for properties, geometry in pairs
    ]
    return Districts(
        source=path, districts=tuple(districts), verdict=verdict, corrected=corrected
    )


def _settle(path: Path, datum: Datum | None, verdict: Verdict) -> bool:
    """Decide whether the shift is to be undone; refuse where that is not clear."""
    if datum == Datum.GCJ02 and verdict.measured and verdict.datum == Datum.WGS84:
        raise ConfigurationError(
            path,
            f"is in WGS 84, not in GCJ-02: {verdict.reason}",
            "leave out the option that says gcj02",
        )
    if datum == Datum.WGS84 and verdict.measured and verdict.datum == Datum.GCJ02:
        raise ConfigurationError(
            path,
            f"is in GCJ-02, {verdict.shift_m:.0f} m off: {verdict.reason}",
            "say gcj02 instead of wgs84 and the shift is undone",
        )
    if verdict.measured and verdict.datum == Datum.UNKNOWN:
        raise ConfigurationError(
            path,
            f"does not lie on the reference: {verdict.reason}",
            "give a reference in WGS 84",
        )
    if datum is not None:
        return datum == Datum.GCJ02
    if verdict.datum == Datum.GCJ02:
        word = "is" if verdict.measured else "seems to be"
        raise DataError(
            path,
            f"{word} in GCJ-02, about {verdict.shift_m:.0f} m off: {verdict.reason}",
            "pass --datum gcj02 to undo the shift, or --datum wgs84 if it is not so",
        )
    if verdict.datum == Datum.BD09:
        raise DataError(
            path,
            f"seems to be in Baidu's BD-09: {verdict.reason}",
            "convert it to WGS 84, or pass --datum wgs84 if it is not so",
        )
    return False


def _read_polygons(path: Path) -> list[tuple[Mapping[str, Any], BaseGeometry]]:
    found = []
    for properties, geometry in read_features(path):
        polygon = _polygon(path, geometry)
        if polygon is not None:
            found.append((properties, polygon))
    if not found:
        raise ConfigurationError(path, "holds no polygons", "give a layer of polygons")
    box = np.array([geometry.bounds for _, geometry in found])
    if np.abs(box[:, [0, 2]]).max() > 180 or np.abs(box[:, [1, 3]]).max() > 90:
        raise ConfigurationError(
            path, "is not in degrees", "reproject it to WGS84 (EPSG:4326)"
        )
    return found


def _polygon(path: Path, geometry: BaseGeometry | None) -> BaseGeometry | None:
    if geometry is None or geometry.is_empty:
        return None
    flat = shapely.force_2d(geometry)
    if not flat.is_valid:
        flat = mend_drawn(path, flat)
    parts = [p for p in _leaves(flat) if isinstance(p, shapely.Polygon)]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def _leaves(geometry: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(geometry)
    nested = [p for p in parts if p.geom_type.startswith(("Multi", "GeometryColl"))]
    plain = [p for p in parts if p not in nested] if nested else list(parts)
    return plain + [leaf for part in nested for leaf in _leaves(part)]


def _undo(geometry: BaseGeometry) -> BaseGeometry:
    moved: BaseGeometry = shapely.transform(
        geometry, lambda xy: np.column_stack(from_gcj02(*xy.T))
    )
    return moved


def _name(properties: Mapping[str, Any], geometry: BaseGeometry) -> District:
    zh = _first(properties, [*_ZH, *(f"{unit}_name" for unit in _UNITS)])
    en = _first(properties, [*_EN, *(f"{unit}_name_en" for unit in _UNITS)])
    plain = _first(properties, [*_PLAIN, *_UNITS, "short_name"])
    if plain and not (zh and en):
        if plain.isascii():
            en = en or plain
        else:
            zh = zh or plain
    code = _first(properties, [*(f"{unit}_adcode" for unit in _UNITS), *_CODES])
    return District(
        code=code,
        name_zh=zh or en or code,
        name_en=en or zh or code,
        geometry=geometry,
    )


def _first(properties: Mapping[str, Any], keys: Sequence[str]) -> str:
    for key in keys:
        value = properties.get(key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def _layer_name(path: Path) -> str:
    """Name that a GeoJSON gives itself; empty for other formats."""
    if path.suffix.lower() not in {".geojson", ".json"}:
        return ""
    document = json.loads(path.read_text(encoding="utf-8"))
    return str(document.get("name", "")) if isinstance(document, dict) else ""
