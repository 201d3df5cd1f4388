"""The two tables: one row a parcel, one row an administrative unit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from agroforest.products.zonal.names import free_names
from agroforest.products.zonal.pixels import Figures
from agroforest.products.zonal.tables import TAKEN
from agroforest.products.zonal.totals import Level

HECTARE = 10_000.0  #: square metres
MU = HECTARE / 15.0  #: square metres; 15 mu are a hectare
_PARCEL, _UNIT = "parcel", "unit"
_AREAS = {"area_ha": HECTARE, "area_mu": MU}
_BY_AREA = "mean_by_area"
_NOT_POOLED = ("median",)  # cannot be had from the medians of the parcels

_Columns = dict[str, pa.Array | pa.ChunkedArray]


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """What the columns are called and what fills them.

    Attributes
    ----------
    statistics
        Their names, in order.
    prefixes
        Of the columns of each raster.
    fields
        Of the parcels' file.
    """

    statistics: tuple[str, ...]
    prefixes: tuple[str, ...]
    fields: tuple[str, ...]

    @property
    def field_columns(self) -> tuple[str, ...]:
        """What the file's own fields are called in the table."""
        ours = (f"{p}_{s}" for p in self.prefixes for s in self.statistics)
        return free_names(self.fields, (*TAKEN, _PARCEL, _UNIT, *_AREAS, *ours))

    def of_parcels(
        self,
        *,
        first: int,
        attributes: pa.Table,
        unit: NDArray[np.object_] | None,
        area: NDArray[np.float64],
        figures: Sequence[Figures],
    ) -> pa.Table:
        """Rows of some parcels.

        Parameters
        ----------
        first
            Number of the first of them in the file, from 1.
        attributes
            What the file says of them.
        unit
            ``(n,)`` object: the unit each belongs to; None without units.
        area
            ``(n,)`` float64, square metres.
        figures
            Of each raster.
        """
        columns: _Columns = {_PARCEL: pa.array(np.arange(first, first + len(area)))}
        columns |= zip(self.field_columns, attributes.columns, strict=True)
        if unit is not None:
            columns[_UNIT] = pa.array(unit, pa.string())
        columns |= _areas(area)
        for prefix, one in zip(self.prefixes, figures, strict=True):
            columns |= _statistics(prefix, self.statistics, one)
        return pa.table(columns)

    def of_units(self, levels: Sequence[Level]) -> pa.Table:
        """Rows of all units, level by level; none has a median."""
        pooled = [s for s in self.statistics if s not in _NOT_POOLED]
        if "mean" in pooled:
            pooled.insert(pooled.index("mean") + 1, _BY_AREA)
        tables = []
        for level in levels:
            sums = level.figures()
            columns: _Columns = {
                "level": pa.array([level.name] * len(sums.names), pa.string()),
                _UNIT: pa.array(sums.names, pa.string()),
                "parcels": pa.array(sums.parcels),
            }
            columns |= _areas(sums.area)
            for prefix, one in zip(self.prefixes, sums.rasters, strict=True):
                columns |= _statistics(prefix, pooled, one)
            tables.append(pa.table(columns))
        return pa.concat_tables(tables)


def _areas(square_metres: NDArray[np.float64]) -> _Columns:
    return {name: pa.array(square_metres / unit) for name, unit in _AREAS.items()}


def _statistics(prefix: str, names: Sequence[str], figures: Figures) -> _Columns:
    """Columns of one raster; null where no pixel is valid."""
    some = np.where(figures["pixels"] > 0, figures["pixels"], 1.0)
    # Fractions of pixels are float32: their sum may exceed the area by a trifle.
    every = figures | {"valid": np.minimum(figures["count"] / some, 1.0)}
    return {f"{prefix}_{n}": pa.array(every[n], from_pandas=True) for n in names}
