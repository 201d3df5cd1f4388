"""Figures of many parcels together, without keeping the parcels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agroforest.products.zonal.pixels import Figures

_Floats = NDArray[np.float64]


class UnitFigures(NamedTuple):
    """Sums of the units of one level.

    Attributes
    ----------
    names
        ``(m,)``, sorted; None, if any parcel belongs to no unit, is the last.
    parcels
        ``(m,)`` int64: how many.
    area
        ``(m,)`` float64, square metres: their sum.
    rasters
        For each raster, by name, ``(m,)``: the names of `Figures` without the
        median, and ``mean_by_area``.
    """

    names: NDArray[np.object_]
    parcels: NDArray[np.int64]
    area: _Floats
    rasters: list[Figures]


@dataclass(kw_only=True, slots=True)
class Level:
    """Sums of one way to divide the parcels, filled batch by batch.

    Attributes
    ----------
    name
        Of the level: a field or the name of a file of units.
    """

    name: str
    _index: dict[str | None, int] = field(default_factory=dict)
    _parcels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _area: _Floats = field(default_factory=lambda: np.zeros(0))
    _pools: list["_Pool"] = field(default_factory=list)

    def add(
        self, labels: NDArray[np.object_], area: _Floats, rasters: Sequence[Figures]
    ) -> None:
        """Add some parcels.

        Parameters
        ----------
        labels
            ``(n,)`` object: the unit each belongs to, or None.
        area
            ``(n,)`` float64, square metres.
        rasters
            What `measure` gave, ``(n,)`` each; always of the same rasters.
        """
        unit = np.array(
            [self._index.setdefault(label, len(self._index)) for label in labels],
            dtype=np.intp,
        )
        size = len(self._index)
        self._parcels = _grown(self._parcels, size, 0)
        self._parcels += np.bincount(unit, minlength=size)
        self._area = _grown(self._area, size, 0.0)
        self._area += np.bincount(unit, area, size)
        self._pools = self._pools or [_Pool() for _ in rasters]
        for pool, figures in zip(self._pools, rasters, strict=True):
            pool.add(unit, size, area, figures)

    def figures(self) -> UnitFigures:
        """Give the sums of all parcels added."""
        names = np.array(list(self._index), dtype=object)
        order = np.array(
            sorted(range(len(names)), key=lambda n: (names[n] is None, names[n] or "")),
            dtype=np.intp,
        )
        return UnitFigures(
            names=names[order],
            parcels=self._parcels[order],
            area=self._area[order],
            rasters=[
                {name: values[order] for name, values in pool.figures().items()}
                for pool in self._pools
            ],
        )


@dataclass(kw_only=True, slots=True)
class _Pool:
    """Moments of one raster by unit, ``(m,)`` float64 each."""

    pixels: _Floats = field(default_factory=lambda: np.zeros(0))
    count: _Floats = field(default_factory=lambda: np.zeros(0))
    mean: _Floats = field(default_factory=lambda: np.zeros(0))
    squares: _Floats = field(default_factory=lambda: np.zeros(0))
    low: _Floats = field(default_factory=lambda: np.zeros(0))
    high: _Floats = field(default_factory=lambda: np.zeros(0))
    seen: _Floats = field(default_factory=lambda: np.zeros(0))
    seen_mean: _Floats = field(default_factory=lambda: np.zeros(0))

    def add(
        self, unit: NDArray[np.intp], size: int, area: _Floats, figures: Figures
    ) -> None:
        """Add parcels; `unit` says where, `size` how many units there are now."""
        self._grow(size)
        self.pixels += np.bincount(unit, figures["pixels"], size)
        valid = figures["count"] > 0
        unit, area = unit[valid], area[valid]
        count, mean = figures["count"][valid], figures["mean"][valid]
        np.minimum.at(self.low, unit, figures["min"][valid])
        np.maximum.at(self.high, unit, figures["max"][valid])
        self.seen += np.bincount(unit, area, size)
        self.seen_mean += np.bincount(unit, area * mean, size)
        # Pooled in one batch, then merged with what was there: Chan, Golub and
        # LeVeque (1983), https://doi.org/10.1080/00031305.1983.10483115, eq. 2.1.
        added = np.bincount(unit, count, size)
        some = np.where(added > 0, added, 1.0)
        added_mean = np.bincount(unit, count * mean, size) / some
        spread = figures["stdev"][valid] ** 2 + (mean - added_mean[unit]) ** 2
        apart = added_mean - self.mean
        total = self.count + added
        share = added / np.where(total > 0, total, 1.0)
        self.squares += np.bincount(unit, count * spread, size)
        self.squares += apart**2 * self.count * share
        self.mean += apart * share
        self.count = total

    def figures(self) -> Figures:
        """By name as `measure` gives them, NaN where no pixel is valid."""
        empty = self.count == 0
        count = np.where(empty, np.nan, self.count)
        seen = np.where(self.seen > 0, self.seen, np.nan)
        return {
            "pixels": self.pixels,
            "count": self.count,
            "mean": np.where(empty, np.nan, self.mean),
            "mean_by_area": self.seen_mean / seen,
            "stdev": np.sqrt(self.squares / count),
            "min": np.where(empty, np.nan, self.low),
            "max": np.where(empty, np.nan, self.high),
        }

    def _grow(self, size: int) -> None:
        for name in ("pixels", "count", "mean", "squares", "seen", "seen_mean"):
            setattr(self, name, _grown(getattr(self, name), size, 0.0))
        self.low = _grown(self.low, size, np.inf)
        self.high = _grown(self.high, size, -np.inf)


def _grown(array: NDArray[Any], size: int, fill: float) -> NDArray[Any]:
    """Array with room for `size` units."""
    missing = size - len(array)
    return np.append(array, np.full(missing, fill, array.dtype)) if missing else array
