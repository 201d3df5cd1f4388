"""The season that a place's pixels keep to, and how they left it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from agroforest.core.errors import DataError
from agroforest.core.grid import WGS84, Grid, reproject
from agroforest.core.risk import EPOCH
from agroforest.features.series import build
from agroforest.indices.baseline import residuals
from agroforest.indices.season import SCALE, SIGNALS, seasonal_basis
from agroforest.indices.state import (
    GRIDDED,
    BaselineState,
    Residuals,
    SceneLog,
    find_part,
    saved_grid,
)
from agroforest.nightly.plan import Watch
from agroforest.risk import Model, load_model, models_dir
from agroforest.risk.explain_series import explain_series
from agroforest.store.reader import StateReader, open_state

#: Pixels looked at, at most: the mean of a few hundred is that of all.
_PIXELS = 400
_NIR, _RED, _CRSWIR = (SIGNALS.index(name) for name in ("B8A", "B04", "CRSWIR"))
#: Half the width of the band, in spreads of a pixel.
_SPREADS = 2.0

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One index at a place: its season, and what was seen.

    Attributes
    ----------
    name
        ``CRSWIR`` or ``NDVI``.
    days
        Every few days of the period, rising.
    expected, low, high
        The season on those days, and the band in which a pixel usually stays.
    seen_days
        Days with a clear observation.
    seen
        What was seen, less what the whole forest shared that day.
    """

    name: str
    days: tuple[date, ...]
    expected: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    seen_days: tuple[date, ...]
    seen: Floats = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Season:
    """What the state of a tile says of a place.

    Attributes
    ----------
    curves
        The more telling one first.
    pixels
        Pixels with a season inside the outline.
    model_dates
        Clear dates that their seasons were learned from, the median.
    clear_days
        Days with a clear look since then.
    last_clear
        The newest of them; ``None`` if there is none.
    drivers
        Signals that weigh most in what the model says of the pixel that stands out
        most, and what each adds to the probability; empty without a model.
    """

    curves: tuple[Curve, ...]
    pixels: int
    model_dates: int
    clear_days: int
    last_clear: date | None
    drivers: tuple[tuple[str, float], ...] = ()


def read_season(watch: Watch, geometry: BaseGeometry) -> Season | None:
    """Read what the nights remember of a place.

    Parameters
    ----------
    watch
        The pipeline that looked at it.
    geometry
        WGS 84.

    Returns
    -------
    Season or None
        ``None`` where no season is known: no forest, too few dates, not yet learned.
        Of a place on several tiles, that on which most of it lies.

    Raises
    ------
    DataError
        The state of the tile is damaged.
    """
    found = _find_state(watch, geometry)
    if found is None:
        return None
    reader, grid, shape = found
    part = _read_part(reader, grid, shape)
    if part is None:
        return None
    state = part[0]
    rows, columns = np.nonzero(part[1] & state.has_model)
    if rows.size == 0:
        return None
    chosen = np.unique(
        np.linspace(0, rows.size - 1, min(rows.size, _PIXELS)).astype(int)
    )
    picked = _pick(state, rows[chosen], columns[chosen])
    rest = residuals(picked)
    judged = picked.model_from.max()
    days = np.unique(rest.day[rest.day > 0])
    since = days[days >= judged]
    return Season(
        curves=tuple(_draw(name, picked, rest, days) for name in ("CRSWIR", "NDVI")),
        pixels=int(rows.size),
        model_dates=int(np.median(picked.clear_count)),
        clear_days=int(since.size),
        last_clear=_day(days[-1]) if days.size else None,
        drivers=_find_drivers(watch, picked, rest),
    )


def _find_state(
    watch: Watch, geometry: BaseGeometry
) -> tuple[StateReader, Grid, BaseGeometry] | None:
    best: tuple[float, StateReader, Grid, BaseGeometry] | None = None
    for tile in watch.tiles:
        shape = reproject(geometry, WGS84, tile.grid.crs)
        overlap = shapely.box(*tile.grid.bounds).intersection(shape).area
        if overlap <= (best[0] if best else 0.0):
            continue
        path = watch.state_path(tile)
        reader = open_state(path.parent, path.name)
        if reader is not None:
            best = (overlap, reader, saved_grid(reader.attributes), shape)
    return None if best is None else best[1:]


def _read_part(
    reader: StateReader, grid: Grid, shape: BaseGeometry
) -> tuple[BaselineState, NDArray[np.bool_]] | None:
    """Read the window around an outline, and which of its pixels lie inside."""
    left, bottom, right, top = shape.bounds
    rows = _span(grid.top - top, grid.top - bottom, grid.resolution, grid.height)
    columns = _span(left - grid.left, right - grid.left, grid.resolution, grid.width)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    part = find_part(grid, rows, columns)
    arrays = {
        name: np.empty((*reader.layouts[name].shape[:-2], *part.shape), layout.dtype)
        for name, layout in reader.layouts.items()
        if name in GRIDDED
    }
    for chunk in reader.chunks:
        tall, wide = chunk.window
        inner = _meet(rows, tall), _meet(columns, wide)
        if any(each.start >= each.stop for each in inner):
            continue
        source = (..., _shift(inner[0], tall.start), _shift(inner[1], wide.start))
        target = (..., _shift(inner[0], rows.start), _shift(inner[1], columns.start))
        for name, values in reader.read(chunk, arrays).items():
            arrays[name][target] = values[source]
    inside = geometry_mask(
        [shape], part.shape, part.transform, invert=True, all_touched=False
    )
    log = SceneLog.from_attributes(reader.attributes)
    return BaselineState.assemble(part, arrays, log), inside


def _span(start: float, stop: float, step: float, limit: int) -> slice:
    return slice(max(0, int(start // step)), min(limit, int(-(-stop // step))))


def _meet(one: slice, other: slice) -> slice:
    return slice(max(one.start, other.start), min(one.stop, other.stop))


def _shift(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)


def _pick(
    state: BaselineState, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> BaselineState:
    """Take some pixels of a state, as one row."""
    arrays = {k: v[..., rows, columns][..., None, :] for k, v in state.arrays().items()}
    return state.patch(grid=state.grid.patch(width=rows.size, height=1), **arrays)


def _draw(
    name: str, state: BaselineState, rest: Residuals, days: NDArray[np.int32]
) -> Curve:
    first, last = (int(days[0]), int(days[-1])) if days.size else (0, 1)
    axis = np.arange(first, last + 1, max(1, (last - first) // 200))
    spread = np.nanmean(_known(state.spread) / SCALE, axis=(-2, -1))
    seasons = _expect(state, axis)
    # A day's observations are of other pixels than the next day's; what is drawn is
    # the season of all of them, and how far those seen were from their own.
    moved = np.array(list(_by_day(rest, days))).reshape(-1, len(SIGNALS))
    seen = _expect(state, days) + moved.T
    expected, width = _index(name, seasons, spread)
    values, _ = _index(name, seen, spread)
    valid = np.isfinite(values)
    return Curve(
        name=name,
        days=tuple(_day(d) for d in axis),
        expected=expected,
        low=expected - _SPREADS * width,
        high=expected + _SPREADS * width,
        seen_days=tuple(_day(d) for d in days[valid]),
        seen=values[valid],
    )


def _expect(state: BaselineState, days: NDArray[np.integer]) -> Floats:
    """Mean season of all pixels on some days, ``(signal, day)``."""
    mean = np.nanmean(_known(state.coefficients) / SCALE, axis=(-2, -1))
    return np.asarray(mean @ seasonal_basis(days).T, np.float64)


def _by_day(rest: Residuals, days: NDArray[np.int32]) -> Iterator[Floats]:
    """Mean residual of each day, ``(signal,)``; NaN where nobody saw a signal."""
    slots, _, pixels = rest.day.shape
    flat_day = rest.day.reshape(slots, pixels)
    flat = rest.value.reshape(slots, len(SIGNALS), pixels)
    for day in days:
        slot, pixel = np.nonzero(flat_day == day)
        values = flat[slot, :, pixel].astype(np.float64)
        count = np.isfinite(values).sum(axis=0)
        total = np.nansum(values, axis=0)
        yield np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _index(name: str, signals: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Value of an index, and the usual spread of a pixel's."""
    if name == "CRSWIR":
        value = signals[_CRSWIR]
        return value, np.full_like(value, spread[_CRSWIR])
    red, near = signals[_RED], signals[_NIR]
    total = red + near
    # First order, as if both bands strayed independently: rather too wide.
    width = 2 / total**2 * np.hypot(red * spread[_NIR], near * spread[_RED])
    return (near - red) / total, width


def _known(numbers: NDArray[np.int16]) -> Floats:
    return np.where(numbers == -32768, np.nan, numbers).astype(np.float64)


def _day(number: int | np.integer) -> date:
    return EPOCH + timedelta(days=int(number))


def _find_drivers(
    watch: Watch, state: BaselineState, rest: Residuals
) -> tuple[tuple[str, float], ...]:
    """Find what weighs in the model's answer on the pixel that stands out most."""
    model = _open_model(watch)
    if model is None or not rest.judged.any():
        return ()
    stress = np.where(rest.judged, rest.z[:, _CRSWIR], -np.inf)
    pixel = int(np.nanargmax(np.nanmax(stress, axis=(0, 1))))
    one = _pick(state, np.array([0]), np.array([pixel]))
    newest = int(rest.day.max())
    explained = explain_series(model, build(one, night=newest))
    weight = np.nansum(explained.change, axis=1)
    order = np.argsort(-weight)
    return tuple((SIGNALS[n], float(weight[n])) for n in order[:3] if weight[n] > 0)


def _open_model(watch: Watch) -> Model | None:
    settings = watch.pipeline.risk.model
    try:
        return None if settings == "rule" else load_model(models_dir() / settings)
    except DataError:
        return None
