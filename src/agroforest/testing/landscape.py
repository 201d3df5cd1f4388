"""The simulated landscape: what the ground reflects on any day, without clouds."""

import math
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely import distance as shapely_distance
from shapely import points as shapely_points
from shapely import union_all

from agroforest.core.risk import epoch_day
from agroforest.testing import covers
from agroforest.testing.events import Damage, Planted, plant, plant_drought
from agroforest.testing.fields import (
    Floats,
    generator,
    illumination,
    periodic_noise,
    smooth_noise,
    sun_position,
)
from agroforest.testing.places import Cover, District, draw_district
from agroforest.testing.weather import Weather, simulate_weather

LATITUDE = 22.96
_RELIEF_M = 55.0  # standard deviation of heights; hills of 150 m, as at Gaofeng
_ROAD_M = 9.0  # paved width with its verges
# Terrain is corrected in level-2A products, but never fully.
_SHADING_LEFT = 0.45
_WOODS = (Cover.EUCALYPTUS, Cover.PINE, Cover.SCRUB, Cover.CITRUS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Landscape:
    """Everything about the ground that does not change, and the events.

    Attributes
    ----------
    district
        The drawn map.
    weather
        Daily weather.
    damages
        Events that change pixels.
    drought
        The drought.
    seed
        Of everything.
    cover
        ``(y, x)`` uint8, `Cover`.
    stand
        ``(y, x)`` int16, 1 + index into ``district.stands``; 0 outside.
    heights
        ``(y, x)`` float32, metres.
    density
        ``(y, x)`` float32, 0..1, closure of grown canopies.
    tone
        ``(y, x)`` float32, near 1, brightness of a pixel.
    vigour
        ``(y, x)`` float32, near 1, how strongly its canopy reflects infrared.
    road
        ``(y, x)`` float32, 0..1, share of the pixel that is road.
    gully
        ``(y, x)`` float32, 0..1, share of evergreen scrub along gullies.
    """

    district: District
    weather: Weather
    damages: tuple[Damage, ...] = field(repr=False)
    drought: Planted
    seed: int
    cover: NDArray[np.uint8] = field(repr=False)
    stand: NDArray[np.int16] = field(repr=False)
    heights: Floats = field(repr=False)
    density: Floats = field(repr=False)
    tone: Floats = field(repr=False)
    vigour: Floats = field(repr=False)
    road: Floats = field(repr=False)
    gully: Floats = field(repr=False)

    @property
    def planted(self) -> tuple[Planted, ...]:
        """All events."""
        return (*(d.planted for d in self.damages), self.drought)

    def reflectance(self, day: date) -> Floats:
        """Surface reflectance on a day, before sensor and sky.

        Returns
        -------
        ndarray
            ``(band, y, x)`` float32 in the order of ``covers.BANDS``; no nodata.
        """
        spectra = self._fields_and_woods(day)
        spectra *= self._mood(day)
        for damage in self.damages:
            lost = damage.severity(epoch_day(day))
            if lost.any():
                left = covers.DEAD if damage.time_constant else _CUT
                spectra += lost * (left[:, None, None] - spectra)
        spectra += self.road * (covers.ROAD[:, None, None] - spectra)
        spectra *= self.tone
        return spectra * self._shading(day)

    def _fields_and_woods(self, day: date) -> Floats:
        stress = float(self.weather.drought[self.weather.index(day)])
        wet = float(self.weather.wetness[self.weather.index(day)])
        soil = covers.SOIL * (1.12 - 0.30 * wet)  # wet soil is darker
        spectra = np.empty((len(covers.BANDS), *self.cover.shape), dtype=np.float32)
        for kind in Cover:
            here = self.cover == kind
            if not here.any():
                continue
            if kind in covers.STILL:
                spectra[:, here] = covers.STILL[kind][:, None]
                continue
            value = _season(self.seed, day, kind)
            green = covers.canopy(kind, season_value=value, drought=stress)
            if kind == Cover.SUGARCANE:
                spectra[:, here] = self._cane(day, here, green, soil)
            else:
                spectra[:, here] = self._woods(day, here, green, soil)
        return spectra

    def _woods(
        self,
        day: date,
        here: NDArray[np.bool_],
        green: covers.Spectrum,
        soil: covers.Spectrum,
    ) -> Floats:
        """Crowns, and between them scrub in its own season, a little of it bare."""
        value = _season(self.seed, day, Cover.SCRUB)
        stress = float(self.weather.drought[self.weather.index(day)])
        scrub = covers.canopy(Cover.SCRUB, season_value=value, drought=stress)
        floor = 0.8 * scrub + 0.2 * soil
        crowns = self.density[here]
        mixed = crowns * green[:, None] + (1.0 - crowns) * floor[:, None]
        wild = self.gully[here]
        mixed += wild * (0.93 * covers.GREEN[Cover.EUCALYPTUS][:, None] - mixed)
        mixed[_INFRARED] *= self.vigour[here]
        return mixed

    def _cane(
        self,
        day: date,
        here: NDArray[np.bool_],
        green: covers.Spectrum,
        soil: covers.Spectrum,
    ) -> Floats:
        grown, straw = covers.cane_fractions(self._days_since_harvest(day)[here])
        grown = grown * (0.86 + 0.14 * self.density[here])
        mixed = grown * green[:, None] + straw * covers.STRAW[:, None]
        mixed += (1.0 - grown - straw) * soil[:, None]
        mixed[_INFRARED] *= self.vigour[here]
        return mixed

    def _days_since_harvest(self, day: date) -> Floats:
        """``(y, x)``; every field is cut once a winter, December to mid-March."""
        count = len(self.district.stands) + 1
        latest = np.full(count, -np.inf, dtype=np.float32)
        for year in range(day.year - 2, day.year + 2):
            rng = generator(self.seed, 20, year)
            cut = epoch_day(date(year, 12, 5)) + 98.0 * rng.random(count)
            latest = np.where(cut <= epoch_day(day), np.maximum(latest, cut), latest)
        return (epoch_day(day) - latest[self.stand]).astype(np.float32)

    def _mood(self, day: date) -> Floats:
        """``(band, y, x)`` factor near 1: showers, flushes and pests come and go."""
        rng = generator(self.seed, 21, day.toordinal())
        shape = self.cover.shape
        moist = periodic_noise(rng, shape, scale=22.0, slope=2.6)
        leafy = periodic_noise(rng, shape, scale=9.0, slope=2.4)
        return (
            1.0
            + _MOIST[:, None, None] * (_MOOD * moist)
            + _LEAFY[:, None, None] * (_MOOD * leafy)
        ).astype(np.float32)

    def _shading(self, day: date) -> Floats:
        sun = sun_position(day, latitude=LATITUDE)
        light = illumination(
            self.heights, resolution=self.district.grid.resolution, sun=sun
        )
        return (1.0 + _SHADING_LEFT * (light - 1.0)).astype(np.float32)


# Felled ground: soil with slash; passes the bare-soil test of fordead
# (B11 > .125, B02 < .06, B03 + B04 > .08).
_CUT = (0.78 * covers.SOIL + 0.22 * covers.STRAW).astype(np.float32)
_INFRARED = slice(4, 6)
# What an overpass shows beside the season, from one week and place to the next: a
# standard deviation that leaves CRSWIR of healthy forest a spread of about .03.
_MOOD = 0.022
_MOIST = np.array([0.1, 0.1, 0.4, 0.2, -0.1, -0.1, 1.0, 1.3], dtype=np.float32)
_LEAFY = np.array([-0.5, -0.2, -1.0, -0.3, 1.0, 1.0, -0.2, -0.5], dtype=np.float32)


def build_landscape(
    *, seed: int = 49, size: int = 256, start: date, end: date, more: bool = False
) -> Landscape:
    """Draw the district and let everything grow.

    Parameters
    ----------
    seed
        Same seed, same world.
    size
        Pixels on a side, a multiple of 4.
    start, end
        First and last day on which it will be looked at.
    more
        Whether more is planted; see `agroforest.testing.events.plant`.
    """
    district = draw_district(seed=seed, size=size)
    grid = district.grid
    drought = plant_drought(district, end=end)
    weather = simulate_weather(
        seed=seed,
        start=start - timedelta(60),
        end=end,
        drought=(drought.start, drought.end or end),
    )
    cover, stand = _paint(district)
    heights = _heights(seed, cover)
    rng = generator(seed, 5)
    patchy = smooth_noise(rng, grid.shape, scale=6.0, slope=2.4)
    per_stand = rng.normal(0.0, 1.0, (3, len(district.stands) + 1)).astype(np.float32)
    density = 0.87 + 0.085 * per_stand[0][stand] + 0.045 * patchy
    vigour = 1.0 + 0.06 * per_stand[1][stand] + 0.03 * patchy
    grain = smooth_noise(rng, grid.shape, scale=1.5, slope=2.0)
    tone = 1.0 + 0.045 * per_stand[2][stand] + 0.04 * grain
    tone = np.where(cover == Cover.WATER, 1.0, tone)
    return Landscape(
        district=district,
        weather=weather,
        damages=plant(district, seed=seed, end=end, more=more),
        drought=drought,
        seed=seed,
        cover=cover,
        stand=stand,
        heights=heights,
        density=np.clip(density, 0.55, 1.0).astype(np.float32),
        tone=tone.astype(np.float32),
        vigour=np.clip(vigour, 0.8, 1.2).astype(np.float32),
        road=_road_share(district),
        gully=_gullies(heights, cover),
    )


def _paint(district: District) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    grid = district.grid
    stands = [(s.geometry, n + 1) for n, s in enumerate(district.stands)]
    stand = rasterize(
        stands, out_shape=grid.shape, transform=grid.transform, dtype="int16"
    )
    code = np.array([Cover.SCRUB, *(s.cover for s in district.stands)], dtype=np.uint8)
    cover = code[stand]
    others = [(shape, int(kind)) for kind, shape in district.other]
    over = rasterize(
        others, out_shape=grid.shape, transform=grid.transform, dtype="uint8"
    )
    return np.where(over > 0, over, cover), np.where(over > 0, 0, stand)


def _heights(seed: int, cover: NDArray[np.uint8]) -> Floats:
    """Hills under the woods, a nearly flat plain under the fields."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415  heavy

    shape = cover.shape
    hills = smooth_noise(generator(seed, 4), shape, scale=28.0, slope=3.6)
    wooded = np.isin(cover, (Cover.PINE, Cover.EUCALYPTUS, Cover.BARE))
    height = gaussian_filter(wooded.astype(np.float32), 7.0 * shape[0] / 256)
    height = np.clip(height * 1.2 - 0.1, 0.03, 1.0)
    metres = 90.0 + _RELIEF_M * height * (hills + 1.6)
    return np.asarray(metres, dtype=np.float32)


def _gullies(heights: Floats, cover: NDArray[np.uint8]) -> Floats:
    """Where the ground lies below its surroundings, native trees are left."""
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415  heavy

    below = gaussian_filter(heights, 6.0) - heights
    depth = np.clip((below - 4.5) / 5.0, 0.0, 0.75)
    woods = np.isin(cover, (Cover.PINE, Cover.EUCALYPTUS))
    return np.where(woods, depth, 0.0).astype(np.float32)


def _road_share(district: District) -> Floats:
    grid = district.grid
    xx, yy = np.meshgrid(grid.x_centres(), grid.y_centres())
    away = shapely_distance(shapely_points(xx, yy), union_all(district.roads))
    # a pixel is 10 m wide, the road less: the share falls off linearly
    share = (0.5 * (_ROAD_M + grid.resolution) - away) / grid.resolution
    share = np.clip(share, 0.0, _ROAD_M / grid.resolution)
    return np.asarray(share, dtype=np.float32)


def _season(seed: int, day: date, cover: Cover) -> float:
    """Season of a cover; years differ, and blend over the new year."""
    total = 0.0
    values = []
    for year in (day.year - 1, day.year, day.year + 1):
        rng = generator(seed, 30, year, int(cover))
        shift, strength = rng.normal(0.0, 9.0), rng.normal(1.0, 0.12)
        distance = abs((day - date(year, 7, 1)).days) / 365.25
        weight = math.exp(-((distance / 0.28) ** 2))
        values.append(weight * covers.season(day, shift=shift, strength=strength))
        total += weight
    return sum(values) / total
