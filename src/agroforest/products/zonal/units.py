"""Administrative units: to which one a parcel belongs, and what its parcels sum to."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray

from agroforest.core.errors import ConfigurationError, DataError
from agroforest.products.zonal.features import VectorFile
from agroforest.products.zonal.outlines import place, read_outlines, repair
from agroforest.products.zonal.vectors import opened_vectors


class Units(NamedTuple):
    """A layer of administrative units.

    Attributes
    ----------
    level
        What they are called together: the file's name, such as ``county``.
    names
        ``(m,)`` of the polygons below; several may have one name.
    polygons
        ``(m,)`` object: valid polygons.
    crs
        Of the polygons.
    """

    level: str
    names: NDArray[np.object_]
    polygons: NDArray[np.object_]
    crs: pyproj.CRS

    def outlines(self) -> dict[str, shapely.MultiPolygon]:
        """One multipolygon a name."""
        pieces: dict[str, list[shapely.Polygon]] = {}
        for name, polygon in zip(self.names, self.polygons, strict=True):
            pieces.setdefault(name, []).extend(shapely.get_parts(polygon))
        return {name: shapely.MultiPolygon(parts) for name, parts in pieces.items()}

    def moved(self, crs: pyproj.CRS) -> "Units":
        """Copy of the layer in another CRS."""
        placed = place(self.polygons, self.crs, crs)
        return self._replace(polygons=placed, crs=crs)


def read_units(path: Path, *, name: str | None, encoding: str | None) -> Units:
    """Read a layer of administrative units.

    Parameters
    ----------
    path
        Polygons in any format that parcels may have.
    name
        The field that names them; may be left out if there is only one text field.
    encoding
        As for parcels; ignored where the file has its own ``.cpg``.

    Raises
    ------
    ConfigurationError
        No such file or field, or no single field to name them by.
    DataError
        Damaged, without CRS or polygons.
    """
    silent = path.suffix.lower() == ".shp" and not path.with_suffix(".cpg").exists()
    with opened_vectors(path, encoding=encoding if silent else None) as file:
        if name is not None:
            file.check_field(name)
        tables, outlines = [], []
        for batch in file.batches():
            tables.append(batch.attributes)
            outlines.append(read_outlines(batch.wkb, file.crs).polygons)
        if not tables:
            raise DataError(path, "holds no units", "give polygons with names")
        table = pa.concat_tables(tables)
        names = labels_of(table.column(name or _only_text(file, table)))
    polygons = np.concatenate(outlines)
    usable = ~shapely.is_missing(polygons) & [name is not None for name in names]
    if not usable.any():
        raise DataError(path, "holds no named polygons", "give polygons with names")
    return Units(
        level=path.stem, names=names[usable], polygons=polygons[usable], crs=file.crs
    )


def attribute(polygons: NDArray[np.object_], units: Units) -> NDArray[np.object_]:
    """Name of the unit with which each polygon shares the largest area.

    Parameters
    ----------
    polygons
        ``(n,)`` object: valid polygons in the CRS of the units, or None.
    units
        Where they may lie. Of equal shares the first in the file counts.

    Returns
    -------
    ndarray
        ``(n,)`` object: names; None where no area is shared.
    """
    names = np.full(len(polygons), None, dtype=object)
    tree = shapely.STRtree(polygons)
    # Most parcels lie inside one unit, which prepared outlines tell at once.
    whole = tree.query(units.polygons, predicate="covers")
    for unit, parcel in whole.T[::-1]:  # backwards: the first in the file remains
        names[parcel] = units.names[unit]
    unit, parcel = tree.query(units.polygons, predicate="intersects")
    open_ = ~np.isin(parcel, whole[1])
    unit, parcel = unit[open_], parcel[open_]
    shared = _shared(polygons[parcel], units.polygons[unit])
    order = np.lexsort((-unit, shared))  # the best comes last and remains
    for n in order[shared[order] > 0]:
        names[parcel[n]] = units.names[unit[n]]
    return names


def _shared(
    parcels: NDArray[np.object_], units: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Area of the intersections, pair by pair."""
    box = shapely.bounds(parcels)
    # A county has thousands of corners, of which a parcel meets few.
    near = [
        shapely.clip_by_rect(unit, *bounds)
        for unit, bounds in zip(units, box, strict=True)
    ]
    valid, _ = repair(np.array(near, dtype=object))
    return np.nan_to_num(shapely.area(shapely.intersection(parcels, valid)))


def labels_of(column: pa.ChunkedArray) -> NDArray[np.object_]:
    """Values of a field as text; None for null and for blanks."""
    texts = column.cast(pa.string()).to_pylist()
    return np.array([(t or "").strip() or None for t in texts], dtype=object)


def _only_text(file: VectorFile, table: pa.Table) -> str:
    texts = [f.name for f in table.schema if pa.types.is_string(f.type)]
    if len(texts) == 1:
        return str(texts[0])
    known = ", ".join(file.fields) or "none"
    raise ConfigurationError(
        file.path, f"has {len(texts)} text fields", f"pass --unit-name, of: {known}"
    )
