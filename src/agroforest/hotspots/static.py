"""Places that are always hot: steel works, cement kilns, flares, volcanoes.

A fire comes once; a furnace comes back in every season, by day and by night. The mask
is learned from that, kept as GeoJSON, and meant to be edited: a polygon that somebody
adds counts, and one whose ``status`` is ``fire`` is not learned again.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from agroforest.core.aoi import read_features
from agroforest.core.files import write_text
from agroforest.core.identity import digest
from agroforest.hotspots.detections import (
    EARTH_KM,
    Detections,
    index_places,
    unit_vectors,
)

#: FIRMS' own word: volcano, other static source on land, offshore.
_STATIC_KINDS = (1, 2, 3)
_FIRE = "fire"  # status of a polygon that is not to be learned as a source
_DIGITS = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticRule:
    """What makes a place a static source; docs/fire-hotspots.md has the figures.

    Attributes
    ----------
    radius_km
        Detections this near each other may be of one source: a MODIS pixel.
    days
        Distinct UTC days with a detection within the radius, at least.
    day_share
        And at least this share of all days with any detection, so that years of data
        do not turn fields that burn once a season into chimneys. Arbitrary.
    months
        Distinct months of the year among them, at least.
    night_share
        Share of the detections seen at night, at least; fields burn by daylight.
    observed_days
        Days with any detection below which nothing is learned.
    """

    radius_km: float = 1.0
    days: int = 5
    day_share: float = 0.03
    months: int = 3
    night_share: float = 0.1
    observed_days: int = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticSource:
    """A place that is always hot, or that somebody says is not.

    Attributes
    ----------
    id
        From the file, or a digest of the place.
    geometry
        Polygon, WGS 84.
    burns
        True where somebody marked it as real fires: nothing here is static.
    learned
        Whether it was found by `learn_static`.
    detections, days, months, night_share
        What it was learned from; zero for those that were drawn.
    """

    id: str
    geometry: BaseGeometry = field(repr=False)
    burns: bool = False
    learned: bool = False
    detections: int = 0
    days: int = 0
    months: int = 0
    night_share: float = 0.0


def find_static(
    detections: Detections, sources: Sequence[StaticSource]
) -> NDArray[np.bool_]:
    """Tell which detections lie on a static source, by the mask or FIRMS' ``type``."""
    static = np.isin(detections.kind, _STATIC_KINDS)
    points = index_places(detections.longitude, detections.latitude)
    for burns in (False, True):  # what somebody marked as fire has the last word
        shapes = [s.geometry for s in sources if s.burns == burns]
        if shapes:
            static[points.query(shapes, predicate="intersects")[1]] = not burns
    return static


def learn_static(
    detections: Detections,
    *,
    rule: StaticRule | None = None,
    known: Sequence[StaticSource] = (),
) -> list[StaticSource]:
    """Find places that are hot again and again.

    Parameters
    ----------
    detections
        Of at least `StaticRule.observed_days` days; the longer, the better.
    rule
        Thresholds.
    known
        A mask that somebody may have edited: drawn polygons are kept, learned ones are
        learned anew, and nothing is learned where one says ``fire``.

    Returns
    -------
    list of StaticSource
        Kept ones first, then learned ones from west to east.
    """
    rule = rule or StaticRule()
    kept = [s for s in known if s.burns or not s.learned]
    days, day = np.unique(detections.time.astype("datetime64[D]"), return_inverse=True)
    if len(days) < rule.observed_days:
        return kept
    place = unit_vectors(detections.longitude, detections.latitude)
    seeds = _find_seeds(detections, place, day, len(days), rule)
    learned = [
        _describe(detections, members, day, rule)
        for members in _gather(place, seeds, rule.radius_km)
    ]
    no = [s.geometry for s in kept if s.burns]
    learned = [s for s in learned if not any(s.geometry.intersects(g) for g in no)]
    return kept + sorted(learned, key=lambda s: s.geometry.bounds)


def _find_seeds(
    detections: Detections,
    place: NDArray[np.float64],
    day: NDArray[np.intp],
    observed: int,
    rule: StaticRule,
) -> NDArray[np.intp]:
    """Find detections around which the rule holds."""
    needed = max(rule.days, int(np.ceil(rule.day_share * observed)))
    tree = cKDTree(place)
    crowd = tree.query_ball_point(place, rule.radius_km, return_length=True)
    crowded = np.flatnonzero(crowd >= needed)
    month = detections.time.astype("datetime64[M]").astype(np.int64) % 12
    seeds = []
    for one in crowded.tolist():
        near = tree.query_ball_point(place[one], rule.radius_km)
        if (
            len(np.unique(day[near])) >= needed
            and len(np.unique(month[near])) >= rule.months
            and (~detections.day[near]).mean() >= rule.night_share
            and detections.day[near].any()
        ):
            seeds.append(one)
    return np.array(seeds, dtype=np.intp)


def _gather(
    place: NDArray[np.float64], seeds: NDArray[np.intp], radius: float
) -> list[NDArray[np.intp]]:
    """Seeds within a radius of each other, in a chain, as groups."""
    if not len(seeds):
        return []
    pairs = cKDTree(place[seeds]).query_pairs(radius, output_type="ndarray")
    links = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])),
        shape=(len(seeds), len(seeds)),
    )
    count, label = connected_components(links, directed=False)
    return [seeds[label == n] for n in range(count)]


def _describe(
    detections: Detections,
    members: NDArray[np.intp],
    day: NDArray[np.intp],
    rule: StaticRule,
) -> StaticSource:
    """Outline and figures of one source: its detections, grown by half the radius."""
    own = detections.take(members)
    km = EARTH_KM * np.pi / 180.0
    shrink = float(np.cos(np.radians(own.latitude.mean())))
    flat = np.column_stack([own.longitude * shrink, own.latitude])
    hull = shapely.MultiPoint(flat).convex_hull.buffer(rule.radius_km / 2 / km)
    stretch = np.array([shrink, 1.0])
    outline = shapely.transform(hull, lambda xy: np.round(xy / stretch, _DIGITS))
    centre = (round(own.longitude.mean(), 3), round(own.latitude.mean(), 3))
    return StaticSource(
        id=digest("static", *map(float, centre), length=8),
        geometry=outline,
        learned=True,
        detections=len(own),
        days=len(np.unique(day[members])),
        months=len(np.unique(own.time.astype("datetime64[M]").astype(np.int64) % 12)),
        night_share=round(float((~own.day).mean()), 3),
    )


def read_static(path: Path) -> list[StaticSource]:
    """Read a mask, as `write_static` wrote it or as somebody drew it.

    Raises
    ------
    ConfigurationError
        No such file, or not a vector file.
    """
    found = []
    for number, (properties, geometry) in enumerate(read_features(path)):
        if geometry is None or geometry.is_empty:
            continue
        found.append(
            StaticSource(
                id=str(properties.get("id") or f"drawn-{number}"),
                geometry=shapely.force_2d(geometry),
                burns=str(properties.get("status", "")).strip().casefold() == _FIRE,
                learned=str(properties.get("origin", "")) == "learned",
                detections=_whole(properties.get("detections")),
                days=_whole(properties.get("days")),
                months=_whole(properties.get("months")),
                night_share=_number(properties.get("night_share")),
            )
        )
    return found


def write_static(path: Path, sources: Sequence[StaticSource]) -> None:
    """Write a mask as GeoJSON, one feature a line."""
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {
                    "id": s.id,
                    "status": _FIRE if s.burns else "static",
                    "origin": "learned" if s.learned else "drawn",
                    "detections": s.detections,
                    "days": s.days,
                    "months": s.months,
                    "night_share": s.night_share,
                },
                "geometry": shapely.geometry.mapping(s.geometry),
            },
            ensure_ascii=False,
        )
        for s in sources
    ]
    head = '{"type": "FeatureCollection", "features": ['
    write_text(path, head + ",\n".join(["", *features])[1:] + "\n]}\n")


def _whole(value: Any) -> int:  # noqa: ANN401  a property may be anything
    return int(_number(value))


def _number(value: Any) -> float:  # noqa: ANN401  a property may be anything
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if np.isfinite(number) else 0.0
