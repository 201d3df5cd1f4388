"""What is planted in the simulated world, to be found again."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.testing.fields import Floats, generator, smooth_noise
from agroforest.testing.places import Cover, District, Stand

#: Where, how far (metres), and how many days before the end. Arbitrary.
_LATE_DIEBACKS = (
    ((0.15, 0.92), 70.0, 60),
    ((0.38, 0.90), 60.0, 52),
    ((0.85, 0.88), 80.0, 66),
    ((0.80, 0.72), 55.0, 48),
    ((0.30, 0.74), 65.0, 56),
)
_LATE_CUTS = (
    ((0.15, 0.60), 24),
    ((0.60, 0.55), 20),
    ((0.80, 0.55), 27),
    ((0.12, 0.15), 22),
    ((0.30, 0.48), 18),
)


class EventKind(StrEnum):
    """Kinds of planted events on the ground."""

    DIEBACK = "dieback"  #: trees lose chlorophyll and water over months
    CLEAR_CUT = "clear-cut"  #: a stand is felled within days
    DROUGHT = "drought"  #: no rain; fields suffer, forest hardly


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """An event at a known place and time.

    Attributes
    ----------
    id
        ``dieback-1``, ``clear-cut-1``, ``drought-1``.
    kind
        What happens.
    name_zh, name_en
        For the table of the demonstration.
    geometry
        Full extent at the end, WGS84.
    ground
        The same in the UTM zone of the world, metres.
    start
        First day on which something changes.
    end
        Last day, for events that end.
    area_ha
        Hectares of the full extent.
    clear_days
        Days from the start on which a delivered scene shows at least half of it
        clear, after masking as the pipeline does by default.
    """

    id: str
    kind: EventKind
    name_zh: str
    name_en: str
    geometry: BaseGeometry = field(repr=False)
    ground: BaseGeometry = field(repr=False)
    start: date
    end: date | None = None
    area_ha: float
    clear_days: tuple[date, ...] = field(default=(), repr=False)

    def patch(self, **changes: object) -> "Planted":
        """Copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """How an event spreads over the pixels.

    Attributes
    ----------
    planted
        The event.
    onset
        ``(y, x)`` float32, days since 1970-01-01 on which a pixel is reached;
        infinite outside.
    share
        ``(y, x)`` float32, share of the pixel affected in the end, 0..1.
    time_constant
        Days in which damage reaches 63 %; 0 for felling.
    """

    planted: Planted
    onset: Floats
    share: Floats
    time_constant: float

    def severity(self, day: float) -> Floats:
        """``(y, x)`` float32, share of each pixel lost on a day, 0..1."""
        age = day - self.onset
        if self.time_constant == 0:
            return np.where(age >= 0, self.share, 0.0).astype(np.float32)
        grown = 1.0 - np.exp(-np.clip(age, 0.0, None) / self.time_constant)
        return np.asarray(self.share * grown, dtype=np.float32)


def plant(
    district: District, *, seed: int, end: date, more: bool = False
) -> tuple[Damage, ...]:
    """Plant two diebacks in pine and one clear-cut in eucalyptus.

    Parameters
    ----------
    district
        Where.
    seed
        Same seed, same events.
    end
        Last day of the world; events are so many days before it.
    more
        Whether others follow that show in the last weeks, enough for a morning of
        work at the desk.
    """
    first = _dieback(
        district,
        number=1,
        at=(0.60, 0.80),
        radius=92.0,
        start=end - timedelta(143),
        seed=seed,
    )
    second = _dieback(
        district,
        number=2,
        at=(0.17, 0.40),
        radius=52.0,
        start=end - timedelta(115),
        seed=seed,
    )
    cut = _clear_cut(
        district, number=1, at=(0.45, 0.30), start=end - timedelta(80), seed=seed
    )
    late = _plant_more(district, seed=seed, end=end) if more else ()
    return first, second, cut, *late


def _plant_more(district: District, *, seed: int, end: date) -> tuple[Damage, ...]:
    diebacks = (
        _dieback(
            district,
            number=number,
            at=at,
            radius=radius,
            start=end - timedelta(days),
            seed=seed,
        )
        for number, (at, radius, days) in enumerate(_LATE_DIEBACKS, 3)
    )
    cuts = (
        _clear_cut(
            district, number=number, at=at, start=end - timedelta(days), seed=seed
        )
        for number, (at, days) in enumerate(_LATE_CUTS, 2)
    )
    return *diebacks, *cuts


def plant_drought(district: District, *, end: date) -> Planted:
    """Ten weeks without rain over all fields, in autumn."""
    fields = [s.geometry for s in district.stands if s.cover == Cover.SUGARCANE]
    ground = shapely.union_all(fields)
    return Planted(
        id="drought-1",
        kind=EventKind.DROUGHT,
        name_zh="秋旱 · 甘蔗地",
        name_en="Autumn drought over the cane",
        geometry=reproject(ground, district.grid.crs, WGS84),
        ground=ground,
        start=end - timedelta(107),
        end=end - timedelta(37),
        area_ha=ground.area / 10_000.0,
    )


def _dieback(
    district: District,
    *,
    number: int,
    at: tuple[float, float],
    radius: float,
    start: date,
    seed: int,
) -> Damage:
    """Grow from a focus to a ragged patch of about `radius` metres in 70 days."""
    grid = district.grid
    stand = district.stand_at(*at, Cover.PINE)
    radius = min(radius, 0.34 * math.sqrt(stand.geometry.area))
    rng = generator(seed, 10, number)
    focus = stand.geometry.representative_point()
    xx, yy = np.meshgrid(grid.x_centres(), grid.y_centres())
    distance = np.hypot(xx - focus.x, 1.15 * (yy - focus.y))
    ragged = 1.0 + 0.22 * smooth_noise(rng, grid.shape, scale=4.0)
    reach = (distance / radius / np.clip(ragged, 0.5, 1.6)).astype(np.float32)
    inside = (reach <= 1.0) & grid.contains(stand.geometry)
    inside = _one_piece(inside)
    onset = np.where(inside, _number(start) + 70.0 * reach**1.3, np.inf)
    share = np.clip(0.86 - 0.12 * reach + 0.08 * rng.standard_normal(grid.shape), 0, 1)
    planted = _planted(
        grid,
        inside,
        id=f"dieback-{number}",
        kind=EventKind.DIEBACK,
        name_zh=f"松树枯死 {number} · {stand.name_zh}",
        name_en=f"Pine dieback {number} ({stand.name_en})",
        start=start,
    )
    return Damage(
        planted=planted,
        onset=onset.astype(np.float32),
        share=np.where(inside, share, 0.0).astype(np.float32),
        time_constant=26.0,
    )


def _clear_cut(
    district: District,
    *,
    number: int,
    at: tuple[float, float],
    start: date,
    seed: int,
) -> Damage:
    """Fell one stand from east to west in eight days."""
    grid = district.grid
    stand: Stand = district.stand_at(*at, Cover.EUCALYPTUS)
    rng = generator(seed, 11) if number == 1 else generator(seed, 11, number)
    inside = grid.contains(stand.geometry)
    west, _, east, _ = stand.geometry.bounds
    front = (east - grid.x_centres()[None, :]) / (east - west) * np.ones(grid.shape)
    onset = np.where(inside, _number(start) + 8.0 * front, np.inf)
    share = np.clip(0.97 + 0.02 * rng.standard_normal(grid.shape), 0.9, 1.0)
    planted = _planted(
        grid,
        inside,
        id=f"clear-cut-{number}",
        kind=EventKind.CLEAR_CUT,
        name_zh=f"皆伐 · {stand.name_zh}",
        name_en=f"Clear-cut ({stand.name_en})",
        start=start,
    )
    return Damage(
        planted=planted,
        onset=onset.astype(np.float32),
        share=np.where(inside, share, 0.0).astype(np.float32),
        time_constant=0.0,
    )


def _planted(
    grid: Grid,
    inside: np.ndarray,
    *,
    id: str,  # noqa: A002  the field of the record
    kind: EventKind,
    name_zh: str,
    name_en: str,
    start: date,
) -> Planted:
    rows, columns = np.nonzero(inside)
    pixels = zip(rows.tolist(), columns.tolist(), strict=True)
    ground = shapely.union_all(_squares(grid, pixels))
    return Planted(
        id=id,
        kind=kind,
        name_zh=name_zh,
        name_en=name_en,
        geometry=reproject(ground, grid.crs, WGS84),
        ground=ground,
        start=start,
        area_ha=float(inside.sum()) * grid.pixel_area_ha,
    )


def _squares(grid: Grid, pixels: Iterable[tuple[int, int]]) -> list[BaseGeometry]:
    side = grid.resolution
    return [
        shapely.box(
            grid.left + column * side,
            grid.top - (row + 1) * side,
            grid.left + (column + 1) * side,
            grid.top - row * side,
        )
        for row, column in pixels
    ]


def _one_piece(inside: np.ndarray) -> np.ndarray:
    from scipy.ndimage import label  # noqa: PLC0415  heavy, only when planting

    pieces, count = label(inside, structure=np.ones((3, 3)))
    if count < 2:
        return inside
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return np.asarray(pieces == sizes.argmax())


def _number(day: date) -> float:
    return float((day - date(1970, 1, 1)).days)
