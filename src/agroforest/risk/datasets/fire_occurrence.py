"""Points of northern Thailand, burned or not in the dry season that followed.

A folder holds ``points.csv``, a row a point: 63 numbers from 0 to 1, see
`FEATURES`; ``year`` of the season; where somebody knows them, ``longitude`` and
``latitude``, degrees; and ``fireBinary``, 1 where it burned. Other columns are not
read.

What tells points apart is how near fire came in the two years before; then the near
infrared, the kind of forest, and how near fields and people are.
"""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.files import write_text
from agroforest.risk.rows import Items
from agroforest.risk.task import Answers

#: Columns of a point, each scaled to 0..1 by whoever made the file.
FEATURES = (
    "EVI",
    "HHpalsarLdiffWetDry",
    "HHpalsarLdry",
    "HHpalsarLwet",
    "NDMI",
    "NDVI",
    "NDWI",
    "PDSI",
    "VPD",
    "VVsentinel1CdiffWetDry",
    "VVsentinel1Cdry",
    "VVsentinel1Cwet",
    "aspect",
    "blue",
    "canopyCover",
    "canopyCoverChange",
    "canopyHeight",
    "canopyHeightChange",
    "distanceBambooForest",
    "distanceBeachForest",
    "distanceBurn1yrBefore",
    "distanceBurn2yrBefore",
    "distanceDryDipterocarpForest",
    "distanceDryEvergreenForest",
    "distanceEucalyptusPlantation",
    "distanceHillEvergreenForest",
    "distanceInundatedForest",
    "distanceMaize",
    "distanceMangroveForest",
    "distanceMixedDeciduousForest",
    "distanceMoistEvergreenForest",
    "distanceOldClearing",
    "distancePineForest",
    "distanceProtectedArea",
    "distanceRice",
    "distanceRoads",
    "distanceSPKKTC",
    "distanceSecondaryGrowthForest",
    "distanceSettlements",
    "distanceSugarcane",
    "distanceSwampForest",
    "distanceTeakPlantation",
    "distanceWater",
    "elevation",
    "flameLength",
    "fuelLoad",
    "grassHeight",
    "green",
    "litterCover",
    "litterDepth",
    "nir",
    "populationCount",
    "precipitation",
    "rateOfSpread",
    "red",
    "slope",
    "soilMoisture",
    "swir1",
    "swir2",
    "temp",
    "temperatureMax",
    "temperatureMean",
    "temperatureMin",
)
#: Columns of a point that need not be there, degrees.
POSITION = ("longitude", "latitude")
_FURTHEST = (180.0, 90.0)
_FILE, _YEAR, _TRUTH = "points.csv", "year", "fireBinary"
_REMEDY = "give the layout of docs/models.md"
# Numbers were scaled by the least and the greatest of a larger set, so later years
# may lie a little outside; far outside is another unit. Arbitrary.
_SLACK = 1.0

# What differs from year to year more than from point to point: with five years to
# learn from, a network would learn the years by heart.
_WEATHER = (
    "HHpalsarLdiffWetDry",
    "PDSI",
    "VPD",
    "VVsentinel1Cdry",
    "precipitation",
    "soilMoisture",
)
# Says the same as others: coastal kinds of forest are far from everywhere, behaviour
# of a fire follows from the fuel, and the mean from the extremes.
_REPEATED = (
    "distanceBeachForest",
    "distanceInundatedForest",
    "distanceMangroveForest",
    "distanceMoistEvergreenForest",
    "distanceSwampForest",
    "flameLength",
    "rateOfSpread",
    "temperatureMean",
    "temperatureMin",
)
_PLAIN = tuple(n for n in FEATURES if n not in _WEATHER + _REPEATED)
# What has a long tail: near counts, far is far.
_TAILED = ("canopyHeight", "populationCount", "slope")
# About a pixel in the scaled distances. Arbitrary.
_NEAR = 0.003
_DECIDUOUS = ("distanceDryDipterocarpForest", "distanceMixedDeciduousForest")
_EVERGREEN = (
    "distanceDryEvergreenForest",
    "distanceHillEvergreenForest",
    "distanceMoistEvergreenForest",
)
_PEOPLE = (
    "distanceRice",
    "distanceSettlements",
    "distanceMaize",
    "distanceRoads",
)


# ---------------------------------------------------------------- files
def read(folder: Path) -> Items:
    """Read points, and whether they burned where somebody knows it.

    Parameters
    ----------
    folder
        Holds ``points.csv``.

    Returns
    -------
    Items
        `values` ``(n, 65)`` float32, `FEATURES` and then `POSITION`, NaN where a
        field is empty and of a file without positions; `place` the year (of a file
        without years, one for all); `name` the row.

    Raises
    ------
    DataError
        No such file, a missing column, or a field that is no number of its range.
    """
    path = folder / _FILE
    header, rows = _open(path)
    missing = [n for n in FEATURES if n not in header]
    if missing:
        problem = f"no column {missing[0]} ({len(missing)} missing)"
        raise DataError(path, problem, _REMEDY)
    values = _columns(path, header, rows, FEATURES)
    _check(path, rows, values)
    return Items(
        values=np.hstack([values, _positions(path, header, rows)]),
        place=_places(path, header, rows),
        name=np.arange(len(rows)),
        truth=_truth(path, rows, header.index(_TRUTH)) if _TRUTH in header else None,
    )


def write(
    out: Path, samples: Items, answers: Answers, threshold: float
) -> Sequence[Path]:
    """Write ``predictions.csv``, a row a point as they were read.

    Columns: ``probability`` that it burns in its season; ``spread``, how far the
    copies of the model disagree. A threshold plays no part.
    """
    del samples, threshold
    rows = zip(answers.value[:, 0].tolist(), answers.spread.tolist(), strict=True)
    lines = ["probability,spread", *(f"{p:.6f},{spread:.6f}" for p, spread in rows)]
    path = out / "predictions.csv"
    write_text(path, "\n".join(lines) + "\n")
    return [path]


_Row = tuple[int, list[str]]


def _open(path: Path) -> tuple[list[str], list[_Row]]:
    """Header, and the rows with their line numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise DataError(path, error.strerror or "unreadable", _REMEDY) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(path, f"not CSV ({error})", "copy it again") from None
    for line, row in rows:
        if len(row) != len(header):
            problem = f"line {line} has {len(row)} fields, the header {len(header)}"
            raise DataError(path, problem, "copy it again")
    return header, rows


def _number(path: Path, line: int, text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise DataError(path, f"line {line}: {text!r} is no number", _REMEDY) from None


def _columns(
    path: Path, header: list[str], rows: Sequence[_Row], names: Sequence[str]
) -> NDArray[np.float32]:
    wanted = [header.index(n) for n in names]
    return np.array(
        [[_number(path, line, row[c]) for c in wanted] for line, row in rows],
        np.float32,
    ).reshape(-1, len(names))


def _positions(
    path: Path, header: list[str], rows: Sequence[_Row]
) -> NDArray[np.float32]:
    """Longitude and latitude, ``(n, 2)``; NaN without both columns."""
    if not set(POSITION) <= set(header):
        return np.full((len(rows), len(POSITION)), np.nan, np.float32)
    degrees = _columns(path, header, rows, POSITION)
    wrong = np.argwhere(~(np.abs(degrees) <= _FURTHEST) & ~np.isnan(degrees))
    if wrong.size:
        row, column = wrong[0]
        problem = f"line {rows[row][0]}: {POSITION[column]} {degrees[row, column]:g}"
        raise DataError(path, problem, "give degrees, or leave both columns out")
    return degrees


def _check(path: Path, rows: Sequence[_Row], values: NDArray[np.float32]) -> None:
    wrong = np.argwhere((values < -_SLACK) | (values > 1 + _SLACK))
    if wrong.size:
        row, column = wrong[0]
        problem = (
            f"line {rows[row][0]}: {FEATURES[column]} is {values[row, column]:g}, "
            "not scaled to 0..1"
        )
        raise DataError(path, problem, "scale it as the labelled points are")


def _places(path: Path, header: list[str], rows: Sequence[_Row]) -> NDArray[np.str_]:
    if _YEAR not in header:
        return np.full(len(rows), "no year")
    column = header.index(_YEAR)
    years = []
    for line, row in rows:
        year = _number(path, line, row[column])
        if not (1900 <= year <= 2200 and year == int(year)):
            problem = f"line {line}: year {row[column]!r}"
            raise DataError(path, problem, "give whole years")
        years.append(str(int(year)))
    return np.array(years, np.str_)


def _truth(path: Path, rows: Sequence[_Row], column: int) -> NDArray[np.float32]:
    said = [_number(path, line, row[column]) for line, row in rows]
    for (line, row), value in zip(rows, said, strict=True):
        if not (math.isnan(value) or value in {0.0, 1.0}):
            problem = f"line {line}: {_TRUTH} is {row[column]!r}"
            raise DataError(path, problem, "give 0, 1 or nothing")
    return np.array(said, np.float32)


# ---------------------------------------------------------------- rows
def scaled_columns(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give what was scaled, ``(n, 63)``, of values as `read` gives them."""
    return values[:, : len(FEATURES)]


def position(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Longitude and latitude, ``(n, 2)``, of values as `read` gives them."""
    return values[:, len(FEATURES) :]


def build_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Build what a network sees: distances as logarithms, and what they add up to.

    Parameters
    ----------
    values
        ``(n, 65)`` as `read` gives them; the position plays no part.

    Returns
    -------
    ndarray
        ``(n, column)`` float32.
    """
    plain = {n: values[:, i].astype(np.float64) for i, n in enumerate(FEATURES)}
    log = {
        n: np.log(np.maximum(v, 0) + _NEAR)
        for n, v in plain.items()
        if n.startswith("distance") or n in _TAILED
    }
    fire = np.stack([log["distanceBurn1yrBefore"], log["distanceBurn2yrBefore"]])
    burned = np.stack([plain["distanceBurn1yrBefore"], plain["distanceBurn2yrBefore"]])
    deciduous = np.stack([log[n] for n in _DECIDUOUS])
    evergreen = np.stack([log[n] for n in _EVERGREEN])
    people = np.stack([log[n] for n in _PEOPLE])
    columns = [
        *(log.get(n, plain[n]) for n in _PLAIN),
        fire.sum(axis=0),
        fire.min(axis=0),
        fire.max(axis=0),
        (burned < _NEAR).sum(axis=0).astype(np.float64),
        deciduous.min(axis=0),
        deciduous.sum(axis=0),
        evergreen.min(axis=0),
        deciduous.sum(axis=0) - evergreen.min(axis=0),
        people.min(axis=0),
        people.sum(axis=0),
        plain["nir"] - plain["red"],
        plain["nir"] - plain["swir1"],
        plain["swir2"] - plain["nir"],
        plain["temperatureMax"] - plain["elevation"],
    ]
    return np.column_stack(columns).astype(np.float32)
