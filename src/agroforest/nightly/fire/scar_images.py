"""Which catalogued images show what a fire left, and what was there before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.catalog import Catalog, find
from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid, reproject, utm_crs
from agroforest.core.scene import Scene

#: The first image that shows this share of the place counts. Arbitrary.
LEAST_SEEN = 0.6
#: Days after the last hotspot in which an image counts: char is washed off and the
#: ground turns green within one rainy season. Arbitrary.
DAYS_AFTER = 45
#: Days before the first hotspot in which an image is looked for, and, if that fails,
#: those in which it shows the same season of the year before. Arbitrary.
DAYS_BEFORE = 60
YEAR_BEFORE = (330, 400)
#: Metres around the place: the model compares it with its surroundings.
MARGIN_M = 3000.0
#: Metres around the place in which a scar is taken for one of its fire. Arbitrary: a
#: pixel of VIIRS and a little more.
REACH_M = 500.0
# Side of a pixel, metres, as the model learned.
_RESOLUTION = 20.0
# Bands of the model; one of two will do for the near infrared.
_BANDS = frozenset({"B02", "B03", "B04", "B12"})
_NEAR = ("B08", "B8A")
_SENTINEL2 = "sentinel-2"

#: Given a scene: the share of the place that it shows, 0..1. Raises `DataError` where
#: the scene cannot be read.
See = Callable[[Scene], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class BurnedPlace:
    """Where a fire was that is over.

    Attributes
    ----------
    alert
        Id of its alert.
    outline
        Of the hotspots, WGS 84: where to look, not what burned.
    first, last
        First and last UTC day of hotspots.
    """

    alert: str
    outline: BaseGeometry = field(repr=False)
    first: date
    last: date

    @property
    def crs(self) -> str:
        """Of the maps: UTM of the middle of the outline."""
        middle = shapely.box(*self.outline.bounds).centroid
        return utm_crs(middle.x, middle.y)

    def within(self, metres: float) -> BaseGeometry:
        """Outline and so many metres around it, in `crs`."""
        return shapely.buffer(reproject(self.outline, WGS84, self.crs), metres)

    def grid(self, metres: float) -> Grid:
        """Pixels of 20 m around `within`; all such grids share their corners."""
        return Grid.from_bounds(
            crs=self.crs, bounds=self.within(metres).bounds, resolution=_RESOLUTION
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Images of a burned place, or why there are none.

    Attributes
    ----------
    after, before
        Scenes; ``None`` where there is none.
    waiting_zh, waiting_en
        Why there is none after the fire; empty if there is.
    over
        Whether no image to come will count.
    refused
        Scenes that could not be read.
    """

    after: Scene | None = None
    before: Scene | None = None
    waiting_zh: str = ""
    waiting_en: str = ""
    over: bool = False
    refused: tuple[DataError, ...] = ()


def choose_images(
    place: BurnedPlace,
    catalog: Catalog,
    *,
    night: date,
    see: See,
    collections: Sequence[str] = (),
    max_cloud_cover: float | None = None,
    lookback_days: int = 0,
) -> Chosen:
    """Choose the images to map a scar with.

    After the fire the first that shows `LEAST_SEEN` of the place; before it the
    newest, or else the one of the same season a year ago that is nearest to the day.

    Parameters
    ----------
    place
        Where.
    catalog
        Where scenes are looked up; only Sentinel-2 is taken.
    night
        Later scenes do not exist yet.
    see
        Looks at a scene; asked of few.
    collections
        To look in; empty means all.
    max_cloud_cover
        Percent; scenes that state more are taken for clouded.
    lookback_days
        How late a scene may arrive.

    Raises
    ------
    SourceError
        The catalogue or a remote file does not answer.
    """
    search = _Search(place, catalog, tuple(collections), max_cloud_cover, see)
    start, deadline = place.last + timedelta(1), place.last + timedelta(DAYS_AFTER)
    seen = search.find(start, min(night, deadline))
    after = search.first(seen)
    if after is None:
        over = night > deadline + timedelta(lookback_days)
        zh, en = search.explain()
        until = (
            ("不再等待", "no longer waited for")
            if over
            else (f"等到 {deadline}", f"waiting until {deadline}")
        )
        return Chosen(
            waiting_zh=f"{zh}；{until[0]}",
            waiting_en=f"{en}; {until[1]}",
            over=over,
            refused=tuple(search.refused),
        )
    recent = search.find(
        place.first - timedelta(DAYS_BEFORE), place.first - timedelta(1)
    )
    before = search.first(recent[::-1])
    if before is None:
        before = search.first(_year_ago(search, place, after.date))
    return Chosen(after=after, before=before, over=True, refused=tuple(search.refused))


def _year_ago(search: "_Search", place: BurnedPlace, day: date) -> list[Scene]:
    least, most = (timedelta(days) for days in YEAR_BEFORE)
    same_day = day - timedelta(days=365)
    found = search.find(place.first - most, place.first - least)
    return sorted(found, key=lambda s: (abs((s.date - same_day).days), s.date, s.id))


class _Search:
    """Looks scenes up and at them, and counts what it could not take."""

    def __init__(
        self,
        place: BurnedPlace,
        catalog: Catalog,
        collections: tuple[str, ...],
        max_cloud_cover: float | None,
        see: See,
    ) -> None:
        self._catalog, self._collections = catalog, collections
        self._most_cloud = 100.0 if max_cloud_cover is None else max_cloud_cover
        self._see = see
        self._outline = place.outline
        self._area = reproject(place.within(MARGIN_M), place.crs, WGS84)
        self.refused: list[DataError] = []
        self._found = 0
        self._lacking: set[str] = set()
        self._clearest: float | None = None

    def find(self, start: date, end: date) -> list[Scene]:
        """Scenes of Sentinel-2 that show some of the place, by time."""
        if end < start:
            return []
        found = find(
            self._catalog, self._area, start, end, collections=self._collections
        )
        return [scene for scene in found if self._fits(scene)]

    def first(self, scenes: Sequence[Scene]) -> Scene | None:
        """First scene with all bands that shows enough of the place."""
        for scene in scenes:
            self._found += 1
            if lacking := find_lacking(scene.band_names):
                self._lacking |= lacking
                continue
            share = 0.0
            if (scene.cloud_cover or 0.0) <= self._most_cloud:
                try:
                    share = self._see(scene)
                except DataError as error:
                    # A copy: what was raised holds the pixels read so far.
                    told = DataError(error.where, error.problem, error.remedy)
                    self.refused.append(told)
                    continue
            if share >= LEAST_SEEN:
                return scene
            self._clearest = max(share, self._clearest or 0.0)
        return None

    def explain(self) -> tuple[str, str]:
        """Say why there was none, in Chinese and English."""
        count = self._found
        if not count:
            return "火后还没有卫星影像", "no image since the fire"
        if self._clearest is not None:
            share = f"{self._clearest:.0%}"
            return (
                f"火后 {count} 景影像云太多，最清晰的只看到火场的 {share}",
                f"{count} images since the fire, the clearest shows {share} of it",
            )
        if self.refused:
            return (
                f"火后 {count} 景影像无法读取",
                f"{count} images since the fire, none of them can be read",
            )
        bands = " ".join(sorted(self._lacking))
        return (
            f"火后 {count} 景影像缺少波段 {bands}",
            f"{count} images since the fire lack {bands}",
        )

    def _fits(self, scene: Scene) -> bool:
        return scene.granules[0].collection.startswith(_SENTINEL2) and any(
            granule.footprint.intersects(self._outline) for granule in scene.granules
        )


def find_lacking(there: frozenset[str]) -> frozenset[str]:
    """Bands that a scene lacks to be judged."""
    near = frozenset() if there.intersection(_NEAR) else frozenset({_NEAR[0]})
    return (_BANDS - there) | near
