"""Whether a boundary file is in WGS 84, or shifted as Chinese web maps are (GCJ-02).

Nothing in a single outline tells: the shift is smooth, and a shifted county looks like
a county. Two things do tell. A **reference** that is known to be WGS 84 and shares
some boundary with the file: the file then lies on it as it is, or only once the shift
is undone. And **what the file says** of itself: names of web maps and of packages that
publish in GCJ-02, and the properties that only their files have.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from agroforest.core.gcj02 import from_gcj02, to_gcj02
from agroforest.hotspots.detections import EARTH_KM

# Corners that lie this near to the reference lie on it, metres. Outlines of one border
# by two offices differ by some tens of metres; the shift is 300 to 700. Arbitrary.
_ON_LINE_M = 60.0
# Corners farther than this from the reference cannot be of a border that both have.
_NEAR_M = 1000.0
# Corners that must lie on the reference, and how many times as many as under the other
# reading. Arbitrary; docs/fire-hotspots.md has what was measured.
_LEAST_CORNERS, _CLEARLY = 20, 3.0
_SAMPLE = 4000

_SAYS_WGS84 = re.compile(r"wgs[\s_-]?84|cgcs[\s_-]?2000|epsg[:_ -]?4490", re.IGNORECASE)
_SAYS_GCJ02 = re.compile(r"gcj[\s_-]?02|火星坐标|cnmaps|datav|geoatlas", re.IGNORECASE)
# Whose maps are shifted; but outlines taken from them are often put right later.
_HINTS = re.compile(r"gaode|高德|amap|autonavi|aliyun|tencent|腾讯", re.IGNORECASE)
_SAYS_BD09 = re.compile(r"bd[\s_-]?09|baidu|百度", re.IGNORECASE)
#: Properties that only files of DataV.GeoAtlas have, which are in GCJ-02.
_DATAV = frozenset({"adcode", "childrenNum", "subFeatureIndex", "acroutes"})
#: Properties of the administrative maps of cnmaps, which are in GCJ-02.
_CNMAPS = frozenset({"adcode", "province", "city", "district"})


class Datum(StrEnum):
    """What the coordinates of a file are."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"  #: Baidu's; recognised by name only, and never corrected
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a file's coordinates seem to be.

    Attributes
    ----------
    datum
        The answer.
    measured
        True if a reference decided, False if only the file's own words did.
    reason
        Why, for the operator.
    shift_m
        Mean length of the shift over the file's corners, metres; 0 for WGS 84 and
        outside China.
    """

    datum: Datum
    measured: bool
    reason: str
    shift_m: float


def judge_datum(
    geometries: Sequence[BaseGeometry],
    *,
    reference: Sequence[BaseGeometry] = (),
    name: str = "",
    properties: Sequence[Mapping[str, Any]] = (),
) -> Verdict:
    """Say whether outlines are in WGS 84 or GCJ-02.

    Parameters
    ----------
    geometries
        Polygons, degrees.
    reference
        Polygons that are known to be WGS 84 and share some boundary with the others:
        the same units, units above or below them, or a neighbour.
    name
        Of the file and its layer.
    properties
        Of the features.

    Returns
    -------
    Verdict
        Of the reference where it decides, else of the file's words, else unknown.
        Unknown but measured: the file lies on the reference once it is shifted, so the
        reference is in GCJ-02, or the file has been put right twice.
    """
    corners = _sample(shapely.get_coordinates(np.array(geometries, dtype=object)))
    shift = _shift_m(corners)
    if shift == 0.0:
        return Verdict(
            datum=Datum.WGS84,
            measured=True,
            reason="lies outside China, where nothing is shifted",
            shift_m=0.0,
        )
    if reference:
        verdict = _measure(corners, reference, shift)
        if verdict is not None:
            return verdict
    return _read_words(name, properties, shift)


def _measure(
    corners: NDArray[np.float64], reference: Sequence[BaseGeometry], shift: float
) -> Verdict | None:
    """Compare corners with known lines under each reading; None if undecided."""
    lines = _edges(reference)
    shared = corners[_lies_on(corners, lines, _NEAR_M)]
    if not len(shared):
        return None
    readings = {
        "as_is": shared,
        "undone": np.column_stack(from_gcj02(*shared.T)),
        "again": np.column_stack(to_gcj02(*shared.T)),
    }
    shares = {
        name: float(_lies_on(xy, lines, _ON_LINE_M).mean())
        for name, xy in readings.items()
    }
    best = max(shares, key=shares.__getitem__)
    others = max(share for name, share in shares.items() if name != best)
    if shares[best] * len(shared) < _LEAST_CORNERS or shares[best] < _CLEARLY * others:
        return None
    said = (
        f"of its corners near the reference {shares['as_is']:.0%} lie on it "
        f"as they are, {shares['undone']:.0%} once the shift of GCJ-02 is undone"
    )
    if best == "again":
        said += f", {shares['again']:.0%} if it is shifted: the reference is in GCJ-02"
    datum = {"as_is": Datum.WGS84, "undone": Datum.GCJ02, "again": Datum.UNKNOWN}[best]
    length = 0.0 if best == "as_is" else shift
    return Verdict(datum=datum, measured=True, reason=said, shift_m=length)


def _read_words(
    name: str, properties: Sequence[Mapping[str, Any]], shift: float
) -> Verdict:
    keys = {key for one in properties for key in one}
    for datum, pattern, length in (
        (Datum.WGS84, _SAYS_WGS84, 0.0),
        (Datum.BD09, _SAYS_BD09, shift),
        (Datum.GCJ02, _SAYS_GCJ02, shift),
    ):
        found = pattern.search(name)
        if found:
            said = f"its name says '{found.group()}'"
            return Verdict(datum=datum, measured=False, reason=said, shift_m=length)
    for fits, whose in (
        (keys >= _DATAV, "DataV.GeoAtlas"),
        (keys == _CNMAPS, "cnmaps"),  # each of these names alone is common
    ):
        if fits:
            said = f"its properties are those of {whose}, which publishes in GCJ-02"
            return Verdict(
                datum=Datum.GCJ02, measured=False, reason=said, shift_m=shift
            )
    hint = _HINTS.search(name)
    said = "nothing says what its coordinates are"
    if hint:
        said = f"its name says '{hint.group()}', whose maps are in GCJ-02"
    return Verdict(datum=Datum.UNKNOWN, measured=False, reason=said, shift_m=shift)


def _sample(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return corners[:: max(1, len(corners) // _SAMPLE)]


def _shift_m(corners: NDArray[np.float64]) -> float:
    if not len(corners):
        return 0.0
    lon, lat = to_gcj02(*corners.T)
    north = (lat - corners[:, 1]) * EARTH_KM * 1000.0 * np.pi / 180.0
    east = (lon - corners[:, 0]) * EARTH_KM * 1000.0 * np.pi / 180.0
    east = east * np.cos(np.radians(corners[:, 1]))
    return float(np.hypot(east, north).mean())


def _edges(geometries: Sequence[BaseGeometry]) -> shapely.STRtree:
    """Index of the single edges of outlines: short boxes, quick to search."""
    parts = shapely.get_parts(np.array(geometries, dtype=object))
    rings = shapely.get_rings(parts)  # of multipolygons it finds none
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    pairs = np.stack([xy[:-1], xy[1:]], axis=1)
    return shapely.STRtree(shapely.linestrings(pairs[ring[:-1] == ring[1:]]))


def _lies_on(
    corners: NDArray[np.float64], lines: shapely.STRtree, metres: float
) -> NDArray[np.bool_]:
    """Tell which corners lie within some metres of one of the lines."""
    reach = metres / (EARTH_KM * 1000.0 * np.pi / 180.0)
    hits = lines.query(shapely.points(corners), predicate="dwithin", distance=reach)[0]
    near = np.zeros(len(corners), dtype=bool)
    near[hits] = True
    return near
