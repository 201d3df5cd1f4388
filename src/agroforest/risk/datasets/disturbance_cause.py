"""Landsat series of disturbed and undisturbed land, one file a place.

A folder holds a Parquet file a place, with a row a series: ``B_<band>_<step>`` for
the six reflective bands, numbered as those of the Thematic Mapper, and ten
successive yearly steps from 1 on, reflectance times 10000, -32768 or null where
nothing was seen; ``label``, where somebody knows it, is one of `CAUSES`. Other
columns are not read: not the years either, which in the labelled data say when
the event was (``first_year`` of a disturbed series is its ``onset_year``).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.files import replacing
from agroforest.risk.rows import Items
from agroforest.risk.task import Answers

#: Bands of the Thematic Mapper: blue, green, red, NIR, SWIR 1, SWIR 2.
BANDS = (1, 2, 3, 4, 5, 7)
STEPS = 10
#: What a series can show, in the codes of Quebec's forest inventory: hemlock
#: looper, fire, windthrow (partial, total), cut (partial, total), water, forest,
#: no forest, regrowth, spruce budworm.
CAUSES = (
    "ARP",
    "BR",
    "CHP",
    "CHT",
    "CP",
    "CT",
    "EAU",
    "FOREST",
    "NF",
    "REG",
    "TBE",
)

_SCALE, _MISSING = 10_000, -32768
_COLUMNS = tuple(f"B_{b}_{s}" for s in range(1, STEPS + 1) for b in BANDS)
_UNKNOWN = -1


def read(folder: Path) -> Items:
    """Read series, and their labels where all files have them.

    Parameters
    ----------
    folder
        Holds ``<place>.parquet``.

    Returns
    -------
    Items
        `values` ``(n, 10, 6)`` float32 reflectance as a fraction, NaN where
        missing; `place` the stem of the file, `name` the row in it.

    Raises
    ------
    DataError
        No file, a file that is damaged or lacks bands, or an unknown label.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise DataError(folder, "holds no .parquet file", "name the folder of series")
    tables = [_open(path) for path in files]
    rows = [table.num_rows for table in tables]
    labelled = all("label" in table.column_names for table in tables)
    pairs = list(zip(files, tables, strict=True))
    return Items(
        values=np.concatenate([_values(*pair) for pair in pairs]),
        place=np.repeat([path.stem for path in files], rows),
        name=np.concatenate([np.arange(n) for n in rows]),
        truth=np.concatenate([_truth(*p) for p in pairs]) if labelled else None,
    )


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    """Write a file a place, rows as they were read.

    Columns: ``label``, the likeliest cause; ``p_<CAUSE>``, its probability; both
    null for a series in which nothing was seen. A threshold plays no part.

    Raises
    ------
    DataError
        If a file cannot be written.
    """
    del threshold
    rows = len(samples.values)
    unseen = np.asarray(np.isnan(samples.values.reshape(rows, -1)).all(axis=1))
    names = np.array(CAUSES)[answers.value.argmax(axis=1)]
    written = []
    for place in np.unique(samples.place):
        here = np.flatnonzero(samples.place == place)
        here = here[np.argsort(samples.name[here], kind="stable")]
        hidden = unseen[here]
        columns = {"label": pa.array(names[here].tolist(), pa.string(), mask=hidden)}
        for number, cause in enumerate(CAUSES):
            chance = answers.value[here, number].astype(np.float32)
            columns[f"p_{cause}"] = pa.array(chance, pa.float32(), mask=hidden)
        path = out / f"{place}.parquet"
        try:
            with replacing(path) as scratch:
                pq.write_table(pa.table(columns), scratch, compression="zstd")
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())
            raise DataError(
                path, f"cannot be written ({reason})", "look at the disk and the folder"
            ) from None
        written.append(path)
    return written


def _open(path: Path) -> pa.Table:
    try:
        there = pq.read_schema(path).names
        missing = [name for name in _COLUMNS if name not in there]
        if missing:
            problem = f"no column {missing[0]} ({len(missing)} of 60 missing)"
            raise DataError(path, problem, "give six bands of ten yearly steps")
        wanted = [*_COLUMNS, *(["label"] if "label" in there else [])]
        return pq.read_table(path, columns=wanted, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            path, f"not a Parquet file ({reason})", "copy it again or remove it"
        ) from None


def _values(path: Path, table: pa.Table) -> NDArray[np.float32]:
    values = np.empty((table.num_rows, len(_COLUMNS)), np.float32)
    for number, name in enumerate(_COLUMNS):
        column = table[name]
        kind = column.type
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise DataError(path, f"{name} is {kind}", "give reflectance times 10000")
        whole = pc.fill_null(column.cast(pa.float32()), float(_MISSING))
        values[:, number] = whole.to_numpy()
    values[(values == _MISSING) | ~np.isfinite(values)] = np.nan
    values /= _SCALE
    return values.reshape(-1, STEPS, len(BANDS))


def _truth(path: Path, table: pa.Table) -> NDArray[np.int64]:
    number = {cause: n for n, cause in enumerate(CAUSES)}
    said = table["label"].to_pylist()
    wrong = {label for label in said if label is not None} - set(CAUSES)
    if wrong:
        problem = f"label {min(map(str, wrong))!r}"
        raise DataError(path, problem, f"use {', '.join(CAUSES)}, or null")
    return np.array([number.get(label, _UNKNOWN) for label in said], np.int64)
