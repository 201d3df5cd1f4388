"""Days of cells, with a hotspot or without: a sample that danger is learned from.

A folder holds ``cell_days.npz``: ``values`` ``(n, feature)``, see `FEATURES`; ``place``
``(n,)``, the block of time or of ground that is never split; ``name`` ``(n,)``, cell
and day; ``log_share`` ``(n,)``, logarithm of the share of the days without a hotspot
that was drawn where this one was; and, where somebody knows it, ``truth`` ``(n,)``.

Days with a hotspot are all there, of the others only some, so what a model says of
the sample is far above the chance on the ground. `correct_prior` brings it back.
"""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from agroforest.core.errors import DataError
from agroforest.core.files import replacing, write_text
from agroforest.risk.rows import Items
from agroforest.risk.task import Answers

#: What is known of a cell on a day; NaN where it is missing.
FEATURES = (
    "temperature",
    "humidity",
    "wind",
    "rain",
    "vpd",
    "ffmc",
    "dmc",
    "dc",
    "isi",
    "bui",
    "fwi",
    "dry_days",
    "season_sin",
    "season_cos",
    "log_usual",
    "near_km",
    "lfmc",
    "ndmi",
    "ndmi_anomaly",
    "elevation",
    "slope",
    "south",
    "west",
    "road_km",
    "settlement_km",
)
_TAILED = ("rain", "dry_days", "near_km", "road_km", "settlement_km")
_NAME = "cell_days.npz"
_REMEDY = "make it with `agroforest model train fire-occurrence --hotspots`"
# Chances nearer to 0 or 1 than this are held, so that their logit is finite.
_EDGE = 1e-7


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class CellDays(Items):
    """Days of cells, drawn or all of them.

    Attributes
    ----------
    log_share
        ``(n,)`` float32: logarithm of the share drawn of the days without a hotspot.
    """

    log_share: NDArray[np.float32]

    def take(self, items: NDArray[np.intp]) -> Self:
        """Take some of the items."""
        return replace(
            self,
            values=self.values[items],
            place=self.place[items],
            name=self.name[items],
            truth=None if self.truth is None else self.truth[items],
            log_share=self.log_share[items],
        )


def read(folder: Path) -> CellDays:
    """Read a sample.

    Raises
    ------
    DataError
        It is not there, damaged, or of other features.
    """
    path = folder / _NAME
    try:
        with np.load(path, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        values = np.asarray(arrays["values"], np.float32)
        names = tuple(str(name) for name in arrays["features"])
        samples = CellDays(
            values=values,
            place=np.asarray(arrays["place"], np.str_),
            name=np.asarray(arrays["name"], np.str_),
            truth=arrays.get("truth"),
            log_share=np.asarray(arrays["log_share"], np.float32),
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(path, f"holds no days of cells ({error})", _REMEDY) from error
    if names != FEATURES:
        raise DataError(path, f"has other features: {', '.join(names)}", _REMEDY)
    lengths = {len(values), len(samples.place), len(samples.name)}
    lengths.add(len(samples.log_share))
    if samples.truth is not None:
        lengths.add(len(samples.truth))
    if len(lengths) != 1 or values.ndim != 2 or values.shape[1] != len(FEATURES):
        raise DataError(path, f"has arrays of lengths {sorted(lengths)}", _REMEDY)
    return samples


def save(folder: Path, samples: CellDays) -> Path:
    """Write a sample; the same sample gives the same bytes.

    Returns
    -------
    Path
        The file.
    """
    path = folder / _NAME
    arrays = {
        "values": samples.values,
        "place": samples.place,
        "name": np.asarray(samples.name, np.str_),
        "log_share": samples.log_share,
        "features": np.array(FEATURES),
    }
    if samples.truth is not None:
        arrays["truth"] = samples.truth
    with replacing(path) as scratch, scratch.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return path


def write(
    out: Path, samples: CellDays, answers: Answers, threshold: float
) -> Sequence[Path]:
    """Write ``predictions.csv``: cell and day, and the chance on the ground.

    Columns: ``cell_day``; ``probability`` of a hotspot, corrected for the sample;
    ``spread`` between copies of the model, of the chance in the sample. A threshold
    plays no part.
    """
    del threshold
    chance = correct_prior(answers.value[:, 0], samples.log_share)
    rows = zip(samples.name, chance.tolist(), answers.spread.tolist(), strict=True)
    lines = ["cell_day,probability,spread"]
    lines += [f"{name},{p:.8f},{spread:.6f}" for name, p, spread in rows]
    path = out / "predictions.csv"
    write_text(path, "\n".join(lines) + "\n")
    return [path]


def correct_prior(
    chance: NDArray[np.floating], log_share: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Bring a chance in the sample back to the chance on the ground.

    King & Zeng (2001), *Logistic regression in rare events data*, Political Analysis
    9(2), 137-163, Eq. 7, stratum by stratum: all days with a hotspot were drawn, of
    the others a known share.

    Parameters
    ----------
    chance
        ``(n,)``, 0..1, NaN stays.
    log_share
        ``(n,)``, logarithm of that share, 0 where all were drawn.

    Returns
    -------
    ndarray
        ``(n,)`` float32, not above `chance`.
    """
    held = np.clip(np.asarray(chance, np.float64), _EDGE, 1 - _EDGE)
    logit = np.log(held / (1 - held)) + log_share
    return np.asarray(1 / (1 + np.exp(-logit)), np.float32)


def build_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Build what a network sees: long tails as logarithms.

    Parameters
    ----------
    values
        ``(n, feature)`` as in `FEATURES`.

    Returns
    -------
    ndarray
        Same shape, float32.
    """
    rows = values.copy()
    for name in _TAILED:
        column = FEATURES.index(name)
        rows[:, column] = np.log1p(np.maximum(rows[:, column], 0))
    return rows
