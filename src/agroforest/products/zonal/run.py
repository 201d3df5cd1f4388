"""Statistics of rasters by parcel and by administrative unit, as one table."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyproj
import shapely

from agroforest.core.errors import ConfigurationError, DataError, NoInputError
from agroforest.core.grid import Grid
from agroforest.products.zonal.columns import HECTARE, Columns
from agroforest.products.zonal.features import Batch, VectorFile
from agroforest.products.zonal.names import USUAL, chosen_statistics, raster_prefixes
from agroforest.products.zonal.outlines import (
    Outlines,
    datum_note,
    place,
    read_outlines,
)
from agroforest.products.zonal.pixels import Figures, measure, meets
from agroforest.products.zonal.rasters import RasterFile, opened_raster
from agroforest.products.zonal.tables import (
    Layer,
    opened_output,
    output_files,
)
from agroforest.products.zonal.totals import Level
from agroforest.products.zonal.units import attribute, labels_of, read_units
from agroforest.products.zonal.vectors import BATCH, opened_vectors

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonalRequest:
    """What to summarise, by what, and where to write it.

    Attributes
    ----------
    rasters
        GeoTIFFs of one band; each gives its own columns.
    parcels
        Polygons: GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GeoParquet.
    out
        ``.parquet``, ``.csv`` or ``.gpkg``.
    statistics
        Of ``count``, ``valid``, ``mean``, ``stdev``, ``min``, ``max``, ``median``.
    by
        Fields of the parcels that name administrative units; each is a level of
        its own in the table of units.
    units
        Polygons of administrative units, a further level: a parcel belongs to
        the one with which it shares the largest area.
    unit_name
        Field that names the units; may be left out if there is one text field.
    id_field
        Field that must have another value for every parcel.
    layer
        Of the parcels, if the file has several.
    encoding
        Of the text of Shapefiles that do not say it.
    batch
        Parcels to hold in memory at once; each raster is read once for as many.
    """

    rasters: tuple[Path, ...]
    parcels: Path
    out: Path
    statistics: tuple[str, ...] = USUAL
    by: tuple[str, ...] = ()
    units: Path | None = None
    unit_name: str | None = None
    id_field: str | None = None
    layer: str | None = None
    encoding: str | None = None
    batch: int = BATCH


@dataclass(frozen=True, kw_only=True, slots=True)
class ZonalReport:
    """What was written.

    Attributes
    ----------
    files
        The table of parcels; with units, their table if it is another file.
    prefixes
        Of the columns of each raster.
    parcels
        Features read; each is a row.
    with_pixels
        Those with a valid pixel of any raster.
    outside
        Polygons that lie outside every raster.
    without_polygon
        Null, empty or unreadable outlines, points and lines.
    repaired
        Outlines that crossed themselves.
    units
        Rows of the table of units.
    area_ha
        Hectares of all parcels.
    renamed
        Fields whose name was taken, and their new name.
    notes
        What somebody should know before using the figures.
    """

    files: tuple[Path, ...]
    prefixes: dict[str, Path]
    parcels: int
    with_pixels: int
    outside: int
    without_polygon: int
    repaired: int
    units: int
    area_ha: float
    renamed: dict[str, str]
    notes: tuple[str, ...]


def write_zonal(
    request: ZonalRequest, progress: Progress = lambda _done, _total, _label: None
) -> ZonalReport:
    """Summarise rasters by parcel and by administrative unit.

    Every parcel of the file is one row, in file order, with its attributes; those
    outside the rasters have count 0 and no values. Memory is bounded by a batch of
    parcels and a cache of blocks, whatever the size of the inputs. Columns are
    described in ``docs/zonal.md``.

    Parameters
    ----------
    request
        What to do.
    progress
        Told how many of how many parcels are done.

    Raises
    ------
    ConfigurationError
        A file, field, layer, statistic or output format that does not exist; ids
        that repeat.
    DataError
        A raster or vector file that is damaged, of another kind or without CRS.
    NoInputError
        No parcels, or none that meets a raster.
    """
    files = _check_files(request)
    with ExitStack() as stack:
        rasters = [stack.enter_context(opened_raster(p)) for p in request.rasters]
        parcels = stack.enter_context(
            opened_vectors(
                request.parcels,
                layer=request.layer,
                encoding=request.encoding,
                batch=request.batch,
            )
        )
        survey = _Survey(request, rasters, parcels, progress)
        output = stack.enter_context(opened_output(request.out))
        for batch in parcels.batches():
            output.add(survey.add(batch))
        survey.check_overlap()
        units = survey.units()
        output.finish(units)
        return survey.report(files, units)


class _Survey:
    """What is known before the first parcel, and what the parcels add up to."""

    def __init__(
        self,
        request: ZonalRequest,
        rasters: Sequence[RasterFile],
        parcels: VectorFile,
        progress: Progress,
    ) -> None:
        for name in (*request.by, *filter(None, [request.id_field])):
            parcels.check_field(name)
        self._request = request
        self._rasters = rasters
        self._parcels = parcels
        self._progress = progress
        self._columns = Columns(
            statistics=chosen_statistics(request.statistics),
            prefixes=raster_prefixes(request.rasters),
            fields=parcels.fields,
        )
        self._levels = [Level(name=name) for name in request.by]
        self._units = None
        if request.units is not None:
            self._units = read_units(
                request.units, name=request.unit_name, encoding=request.encoding
            ).moved(parcels.crs)
            self._levels.append(Level(name=self._units.level))
        self._ids: set[object] = set()
        self._rows = self._steps = 0
        self._area = 0.0
        self._counted: Counter[str] = Counter()

    def add(self, batch: Batch) -> Layer:
        """Count some parcels in, and give their rows of the table."""
        self._check_ids(batch)
        outlines = read_outlines(batch.wkb, self._parcels.crs)
        figures = self._measure(outlines)
        unit = None
        labels = [labels_of(batch.attributes[name]) for name in self._request.by]
        if self._units is not None:
            unit = attribute(outlines.polygons, self._units)
            labels.append(unit)
        for level, label in zip(self._levels, labels, strict=True):
            level.add(label, outlines.area, figures)
        table = self._columns.of_parcels(
            first=self._rows + 1,
            attributes=batch.attributes,
            unit=unit,
            area=outlines.area,
            figures=figures,
        )
        self._count(outlines, figures)
        return Layer(table, outlines.drawn, self._parcels.crs)

    def units(self) -> Layer | None:
        """Table of units, if any were asked for."""
        if not self._levels:
            return None
        table = self._columns.of_units(self._levels)
        if self._units is None:
            return Layer(table, None, None)
        known = self._units.outlines()
        level = table["level"].to_pylist()
        # A field of the parcels may have the level's name: its units come first.
        last = len(level) - len(self._levels[-1].figures().names)
        names = table["unit"].to_pylist()
        outlines = [
            known.get(name) if n >= last else None for n, name in enumerate(names)
        ]
        return Layer(table, np.array(outlines, dtype=object), self._units.crs)

    def check_overlap(self) -> None:
        """Refuse parcels of which none lies where a raster does (`NoInputError`)."""
        if not self._rows:
            raise NoInputError(self._request.parcels, "holds no parcels", "add some")
        if self._counted["met"] == 0:
            raster = self._rasters[0]
            raise NoInputError(
                self._request.parcels,
                f"no parcel of {self._parcels.crs.name} meets {raster.path} "
                f"({raster.grid.crs})",
                "compare the two on a map: a wrong CRS, or swapped coordinates?",
            )

    def report(self, files: tuple[Path, ...], units: Layer | None) -> ZonalReport:
        """Say what was done."""
        fields = zip(self._parcels.fields, self._columns.field_columns, strict=True)
        notes = {
            datum_note(self._parcels.crs, pyproj.CRS(r.grid.crs)) for r in self._rasters
        }
        return ZonalReport(
            files=files,
            prefixes=dict(
                zip(self._columns.prefixes, self._request.rasters, strict=True)
            ),
            parcels=self._rows,
            with_pixels=self._counted["with_pixels"],
            outside=self._rows
            - self._counted["met"]
            - self._counted["without_polygon"],
            without_polygon=self._counted["without_polygon"],
            repaired=self._counted["repaired"],
            units=0 if units is None else units.table.num_rows,
            area_ha=self._area / HECTARE,
            renamed={old: new for old, new in fields if old != new},
            notes=tuple(sorted(note for note in notes if note)),
        )

    def _measure(self, outlines: Outlines) -> list[Figures]:
        """Figures of every raster; those of one grid are measured together."""
        figures: list[Figures] = [{} for _ in self._rasters]
        places = {
            crs: place(outlines.polygons, self._parcels.crs, pyproj.CRS(crs))
            for crs in {raster.grid.crs for raster in self._rasters}
        }
        met = np.zeros(len(outlines.area), dtype=bool)
        for grid, members in _by_grid(self._rasters).items():
            met |= meets(places[grid.crs], grid)
            found = measure(
                [self._rasters[n] for n in members],
                places[grid.crs],
                median="median" in self._columns.statistics,
                advance=partial(self._advance, len(members)),
            )
            for n, one in zip(members, found, strict=True):
                figures[n] = one
        self._counted["met"] += int(met.sum())
        return figures

    def _advance(self, rasters: int, parcels: int) -> None:
        self._steps += rasters * parcels
        done = self._steps // len(self._rasters)
        self._progress(done, max(done, self._parcels.features), "parcels")

    def _check_ids(self, batch: Batch) -> None:
        name = self._request.id_field
        if name is None:
            return
        for row, value in enumerate(batch.attributes[name].to_pylist(), self._rows + 1):
            if value is None or value in self._ids:
                raise DataError(
                    self._request.parcels,
                    f"parcel {row} has "
                    + ("no id" if value is None else f"the id of another: {value}"),
                    "mend it, or leave --id out: rows are numbered anyway",
                )
            self._ids.add(value)

    def _count(self, outlines: Outlines, figures: Sequence[Figures]) -> None:
        seen = np.any([one["count"] > 0 for one in figures], axis=0)
        self._rows += len(seen)
        self._area += float(outlines.area.sum())
        self._counted["with_pixels"] += int(seen.sum())
        self._counted["repaired"] += outlines.repaired
        missing = shapely.is_missing(outlines.polygons)
        self._counted["without_polygon"] += int(missing.sum())


def _by_grid(rasters: Sequence[RasterFile]) -> dict[Grid, list[int]]:
    groups: dict[Grid, list[int]] = {}
    for n, raster in enumerate(rasters):
        groups.setdefault(raster.grid, []).append(n)
    return groups


def _check_files(request: ZonalRequest) -> tuple[Path, ...]:
    """Files to write, none of which is read."""
    if not request.rasters:
        raise ConfigurationError("rasters", "none is given", "give one at least")
    files = output_files(
        request.out, units=bool(request.by) or request.units is not None
    )
    inputs = {p.resolve() for p in (*request.rasters, request.parcels)}
    if request.units is not None:
        inputs.add(request.units.resolve())
    for file in files:
        if file.resolve() in inputs:
            raise ConfigurationError(file, "is an input", "write to another file")
    return files
